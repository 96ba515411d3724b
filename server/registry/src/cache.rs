//! What was read from the ledger a moment ago: kept for a second, and forgotten at once when this node writes to the repository.
//! It refuses to keep what was not found, and to know what it keeps.

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use model::id::RepositoryId;
use moka::sync::Cache as Entries;

/// How long another node's write may go unseen.
const AGE: Duration = Duration::from_secs(1);
/// Repositories that share a slot are forgotten together.
const SLOTS: usize = 1024;

/// Values by repository and key.
///
/// A slot's epoch grows with each write to one of its repositories. A value is kept under the epoch that held before it was read, and
/// is good for as long as that epoch holds: so a reader that began before a write can never leave behind what it read.
pub(crate) struct Cache<K, V> {
    entries: Entries<(RepositoryId, K), (Epoch, Arc<V>)>,
    epochs: Box<[AtomicU64]>,
}

/// When a read began.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Epoch(u64);

impl<K: Hash + Eq + Send + Sync + 'static, V: Send + Sync + 'static> Cache<K, V> {
    /// A cache of at most `capacity` bytes by the measure of `weigh`.
    pub(crate) fn new(capacity: u64, weigh: fn(&V) -> u32) -> Self {
        let entries = Entries::builder()
            .max_capacity(capacity)
            .weigher(move |_, (_, value): &(Epoch, Arc<V>)| weigh(value))
            .time_to_live(AGE)
            .build();
        Self { entries, epochs: (0..SLOTS).map(|_| AtomicU64::new(0)).collect() }
    }

    /// What is kept, if it is still good.
    pub(crate) fn get(&self, key: &(RepositoryId, K)) -> Option<Arc<V>> {
        let (epoch, value) = self.entries.get(key)?;
        (epoch == self.epoch(key.0)).then_some(value)
    }

    /// The epoch to keep a value under; to be asked before the value is read.
    pub(crate) fn epoch(&self, repository: RepositoryId) -> Epoch {
        Epoch(self.slot(repository).map_or(0, |slot| slot.load(Ordering::Acquire)))
    }

    /// Keeps a value whose reading began at `epoch`.
    pub(crate) fn keep(&self, key: (RepositoryId, K), epoch: Epoch, value: Arc<V>) {
        self.entries.insert(key, (epoch, value));
    }

    /// Forgets a repository; to be called after each write to it.
    pub(crate) fn forget(&self, repository: RepositoryId) {
        if let Some(slot) = self.slot(repository) {
            slot.fetch_add(1, Ordering::AcqRel);
        }
    }

    fn slot(&self, repository: RepositoryId) -> Option<&AtomicU64> {
        let slots = i64::try_from(self.epochs.len()).ok()?;
        self.epochs.get(usize::try_from(repository.0.rem_euclid(slots)).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_forgotten_with_its_repository() {
        let cache: Cache<u8, u8> = Cache::new(1_000, |_| 1);
        let (one, other) = (RepositoryId(1), RepositoryId(2));
        cache.keep((one, 7), cache.epoch(one), Arc::new(1));
        cache.keep((other, 7), cache.epoch(other), Arc::new(2));
        cache.forget(one);
        assert_eq!(cache.get(&(one, 7)), None);
        assert_eq!(cache.get(&(other, 7)).as_deref(), Some(&2));
    }

    #[test]
    fn what_was_read_before_a_write_is_not_kept_after_it() {
        let cache: Cache<u8, u8> = Cache::new(1_000, |_| 1);
        let repository = RepositoryId(-3);
        let reading = cache.epoch(repository);
        cache.forget(repository);
        cache.keep((repository, 7), reading, Arc::new(1));
        assert_eq!(cache.get(&(repository, 7)), None);
        cache.keep((repository, 7), cache.epoch(repository), Arc::new(2));
        assert_eq!(cache.get(&(repository, 7)).as_deref(), Some(&2));
    }
}
