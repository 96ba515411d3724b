//! A cache of rows from the ledger. Entries are valid for one second at most, and until this node writes to their
//! repository.

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use model::id::RepositoryId;
use moka::sync::Cache as Entries;

/// Lifetime of an entry, and so the longest time for which another node's write may go unnoticed.
const MAX_AGE: Duration = Duration::from_secs(1);
/// The number of epochs. Repositories that share an epoch are invalidated together.
const EPOCHS: usize = 1024;

/// Values by repository and key.
///
/// Each write to a repository increments its epoch. An entry is valid for the epoch that was current before its value
/// was read, so a read that began before a write never leaves a stale entry behind.
pub(crate) struct Cache<K, V> {
    entries: Entries<(RepositoryId, K), (Epoch, Arc<V>)>,
    epochs: Box<[AtomicU64]>,
}

/// The epoch of a repository.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Epoch(u64);

impl<K: Hash + Eq + Send + Sync + 'static, V: Send + Sync + 'static> Cache<K, V> {
    /// Creates a cache of at most `capacity` bytes. `weigh` returns the size of a value.
    pub(crate) fn new(capacity: u64, weigh: fn(&V) -> u32) -> Self {
        let entries = Entries::builder()
            .max_capacity(capacity)
            .weigher(move |_, (_, value): &(Epoch, Arc<V>)| weigh(value))
            .time_to_live(MAX_AGE)
            .build();
        Self { entries, epochs: (0..EPOCHS).map(|_| AtomicU64::new(0)).collect() }
    }

    /// Returns the entry if it is still valid.
    pub(crate) fn get(&self, key: &(RepositoryId, K)) -> Option<Arc<V>> {
        let (epoch, value) = self.entries.get(key)?;
        (epoch == self.epoch(key.0)).then_some(value)
    }

    /// Returns the current epoch. Must be called before the value is read.
    pub(crate) fn epoch(&self, repository: RepositoryId) -> Epoch {
        Epoch(self.counter(repository).map_or(0, |counter| counter.load(Ordering::Acquire)))
    }

    /// Inserts a value that was read after the call of [`Cache::epoch`] that returned `epoch`.
    pub(crate) fn insert(&self, key: (RepositoryId, K), epoch: Epoch, value: Arc<V>) {
        self.entries.insert(key, (epoch, value));
    }

    /// Invalidates a repository's entries. Must be called after each write to the repository.
    pub(crate) fn forget(&self, repository: RepositoryId) {
        if let Some(counter) = self.counter(repository) {
            counter.fetch_add(1, Ordering::AcqRel);
        }
    }

    fn counter(&self, repository: RepositoryId) -> Option<&AtomicU64> {
        let count = i64::try_from(self.epochs.len()).ok()?;
        self.epochs.get(usize::try_from(repository.0.rem_euclid(count)).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_forgotten_with_its_repository() {
        let cache: Cache<u8, u8> = Cache::new(1_000, |_| 1);
        let (one, other) = (RepositoryId(1), RepositoryId(2));
        cache.insert((one, 7), cache.epoch(one), Arc::new(1));
        cache.insert((other, 7), cache.epoch(other), Arc::new(2));
        cache.forget(one);
        assert_eq!(cache.get(&(one, 7)), None);
        assert_eq!(cache.get(&(other, 7)).as_deref(), Some(&2));
    }

    #[test]
    fn what_was_read_before_a_write_is_not_kept_after_it() {
        let cache: Cache<u8, u8> = Cache::new(1_000, |_| 1);
        let repository = RepositoryId(-3);
        let epoch = cache.epoch(repository);
        cache.forget(repository);
        cache.insert((repository, 7), epoch, Arc::new(1));
        assert_eq!(cache.get(&(repository, 7)), None);
        cache.insert((repository, 7), cache.epoch(repository), Arc::new(2));
        assert_eq!(cache.get(&(repository, 7)).as_deref(), Some(&2));
    }
}
