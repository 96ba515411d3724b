//! Pulls, counted in memory and written in batches, so that a pull costs no write; a node that dies loses some seconds of them.

use std::collections::{HashMap, HashSet};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::id::RepositoryId;
use model::oci::Tag;
use store::Pulls;
use store::access::System;
use tokio_util::sync::CancellationToken;

/// How often counts are written.
const FLUSH_EVERY: Duration = Duration::from_secs(5);

/// Counts pulls between flushes; cheap to clone.
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
    /// An image of this repository was pulled, by this tag where it was by one.
    pub fn record(&self, repository: RepositoryId, tag: Option<&Tag>) {
        let mut counted = self.counted();
        let entry = counted.entry(repository).or_default();
        entry.pulls += 1;
        entry.use_tag(tag);
    }

    /// This tag led to an index, which is the way to an image and no pull of its own: the tag was used, and no more.
    pub fn resolve(&self, repository: RepositoryId, tag: &Tag) {
        self.counted().entry(repository).or_default().use_tag(Some(tag));
    }

    /// Writes what was counted. What cannot be written is counted on for the next time.
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
        // A count is right after every step, so a panic elsewhere left nothing half done.
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes counts on an interval, and once more when told to stop.
pub async fn run(pulls: PullCounter, system: System, shutdown: CancellationToken) -> store::Result<()> {
    loop {
        tokio::select! {
            () = tokio::time::sleep(FLUSH_EVERY) => pulls.flush(&system).await?,
            () = shutdown.cancelled() => return pulls.flush(&system).await,
        }
    }
}
