//! Counts pulls in memory and writes them in batches, so that a pull costs no database write. A node that crashes loses
//! the pulls of a few seconds.

use std::collections::{HashMap, HashSet};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::id::RepositoryId;
use model::oci::Tag;
use store::Pulls;
use store::access::System;
use tokio_util::sync::CancellationToken;

/// The interval between writes.
const FLUSH_EVERY: Duration = Duration::from_secs(5);

/// The pulls since the last flush. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct PullCounter {
    counted: Arc<Mutex<HashMap<RepositoryId, PullCounts>>>,
}

#[derive(Debug, Default)]
struct PullCounts {
    pulls: u64,
    tags: HashSet<Tag>,
}

impl PullCounts {
    fn use_tag(&mut self, tag: Option<&Tag>) {
        if let Some(tag) = tag
            && !self.tags.contains(tag)
        {
            self.tags.insert(tag.clone());
        }
    }
}

impl PullCounter {
    /// Counts the pull of an image of this repository, and the use of its tag if it was pulled by one.
    pub fn record(&self, repository: RepositoryId, tag: Option<&Tag>) {
        let mut counted = self.counted();
        let entry = counted.entry(repository).or_default();
        entry.pulls += 1;
        entry.use_tag(tag);
    }

    /// Records that a tag was used to get an index. This is not a pull, because the client then pulls an image.
    pub fn resolve(&self, repository: RepositoryId, tag: &Tag) {
        self.counted().entry(repository).or_default().use_tag(Some(tag));
    }

    /// Writes the counts. If that fails, they are kept for the next time.
    pub async fn flush(&self, system: &System) -> store::Result<()> {
        let counted = mem::take(&mut *self.counted());
        if counted.is_empty() {
            return Ok(());
        }
        let batch = counted.iter().map(|(repository, entry)| Pulls {
            repository: *repository,
            count: entry.pulls,
            tags: entry.tags.iter().cloned().collect(),
        });
        let written = system.store().count_pulls(system, batch.collect()).await;
        if written.is_err() {
            self.put_back(counted);
        }
        written
    }

    fn put_back(&self, counted: HashMap<RepositoryId, PullCounts>) {
        let mut now = self.counted();
        for (repository, before) in counted {
            let entry = now.entry(repository).or_default();
            entry.pulls += before.pulls;
            entry.tags.extend(before.tags);
        }
    }

    fn counted(&self) -> MutexGuard<'_, HashMap<RepositoryId, PullCounts>> {
        // The counts are valid after every step, so they can be used even if a panic poisoned the lock.
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes counts at regular intervals, and once more at shutdown.
pub async fn run(pulls: PullCounter, system: System, shutdown: CancellationToken) -> store::Result<()> {
    loop {
        tokio::select! {
            () = tokio::time::sleep(FLUSH_EVERY) => pulls.flush(&system).await?,
            () = shutdown.cancelled() => return pulls.flush(&system).await,
        }
    }
}
