//! Garbage collection: frees what nothing refers to, while clients push and pull. Only one process of all that share a
//! ledger sweeps at a time; the ledger makes each step safe even so.

use std::error::Error as StdError;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use model::clock::Timestamp;
use tokio::time::Instant;
use uuid::Uuid;

use crate::check::{claim_storage, confirm_unused, is_owner, unused_objects};
use crate::context::Context;
use crate::error::Error;
use crate::ledger::{Freed, LedgerError, Segment, SweepClaim, SweepCutoffs, SweepJob};

/// The number of rows or objects in a batch. A batch of manifests takes more statements.
const BATCH: u64 = 500;
const MANIFESTS: u64 = 100;
/// The number of unknown objects deleted at a time.
const OBJECTS: usize = 500;
/// The number of unknown objects that are deleted after the ledger has been read again.
const UNKNOWN: usize = 100_000;
/// The number of objects deleted at the same time.
const DELETIONS: usize = 16;
/// The time between two searches for objects that the ledger does not know.
const DAY: Duration = Duration::from_hours(24);
/// How long the claim to the sweep lasts, and the time after which it is extended.
const CLAIM: Duration = Duration::from_mins(2);
const EXTENSION: Duration = Duration::from_secs(15);
/// The longest sleep at a time, so that a request to stop is heeded.
const PAUSE: Duration = Duration::from_secs(1);
/// The age at which a repository without manifest, upload or new blob is deleted, whatever the grace period: long enough
/// that no push which has just found it is still running.
const ABANDONED: Duration = Duration::from_hours(1);

/// What a sweep frees, and how fast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepOptions {
    /// How long a blob must have been unused, and an object unknown.
    pub grace: Duration,
    /// How long a manifest must have had no tag, index or subject; `None` keeps all.
    pub untagged: Option<Duration>,
    /// How long an upload must not have advanced.
    pub uploads: Duration,
    /// How many rows and objects may be examined in a second; 0 for no limit.
    pub rate: u32,
    /// Whether to look for objects in storage that the ledger does not know.
    pub unknown_objects: UnknownObjects,
}

/// When a sweep looks for objects that the ledger does not know. It reads all keys of both for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownObjects {
    /// In this sweep.
    Now,
    /// If no process has done so for a day.
    Daily,
    /// Not in this sweep.
    Not,
}

impl SweepOptions {
    fn cutoffs(&self, now: Timestamp) -> SweepCutoffs {
        SweepCutoffs {
            blobs: now.minus(self.grace),
            manifests: self.untagged.map(|age| now.minus(age)),
            uploads: now.minus(self.uploads),
            at_once: self.grace.is_zero(),
        }
    }
}

/// A part of a sweep, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SweepStage {
    /// Uploads that do not advance.
    Uploads,
    /// Manifests without tag, index and subject.
    Manifests,
    /// Links between repositories and blobs.
    Links,
    /// Blobs that are linked to no repository.
    Blobs,
    /// Repositories that never received a manifest.
    Repositories,
    /// Objects that belonged to what was deleted.
    Objects,
    /// Objects that the ledger does not know.
    UnknownObjects,
}

impl SweepStage {
    /// What is examined, for logs and the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Uploads => "uploads",
            Self::Manifests => "manifests",
            Self::Links => "links",
            Self::Blobs => "blobs",
            Self::Repositories => "repositories",
            Self::Objects => "objects",
            Self::UnknownObjects => "unknown objects",
        }
    }
}

/// The stages that examine the ledger's rows.
const STAGES: [SweepStage; 6] = [
    SweepStage::Uploads,
    SweepStage::Manifests,
    SweepStage::Links,
    SweepStage::Blobs,
    SweepStage::Repositories,
    SweepStage::Objects,
];

/// How a sweep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SweepEnd {
    /// Everything has been examined.
    Done,
    /// Another process is sweeping.
    Busy,
    /// Sweeping is paused.
    Paused,
    /// It was told to stop.
    Stopped,
}

/// Follows a sweep.
pub trait SweepObserver: Send + Sync {
    /// Called after each batch with the number of rows and objects examined in this stage, and what has been freed.
    fn progress(&self, stage: SweepStage, examined: u64, freed: &Freed);

    /// Whether to stop after the current batch.
    fn stops(&self) -> bool;
}

/// Follows nothing and never stops the sweep.
impl SweepObserver for () {
    fn progress(&self, _: SweepStage, _: u64, _: &Freed) {}

    fn stops(&self) -> bool {
        false
    }
}

/// Returns what a sweep would free now.
pub(crate) async fn sweepable(context: &Context, options: &SweepOptions) -> Result<Freed, Error> {
    let cutoffs = options.cutoffs(context.clock.now());
    let mut freed = context.ledger.sweepable(&cutoffs).await.map_err(Error::from_ledger)?;
    if options.unknown_objects == UnknownObjects::Now && is_owner(&*context.ledger, &*context.storage).await? {
        let mut objects = std::pin::pin!(unused_objects(&*context.ledger, &*context.storage, cutoffs.blobs).await?);
        while let Some(object) = objects.try_next().await? {
            freed.add_objects(&[object.into()]);
        }
    }
    Ok(freed)
}

/// Frees everything that `options` allow.
pub(crate) async fn sweep(
    context: &Context,
    options: &SweepOptions,
    observer: &dyn SweepObserver,
) -> Result<(SweepEnd, Freed), Error> {
    let mut sweep = Sweep {
        context,
        options,
        observer,
        holder: Uuid::now_v7(),
        claimed: None,
        started: Instant::now(),
        examined: 0,
        freed: Freed::default(),
    };
    let outcome = sweep.run().await;
    if sweep.claimed.is_some()
        && let Err(error) = context.ledger.release_sweep(SweepJob::Sweep, sweep.holder).await
    {
        let error: &dyn StdError = &error;
        tracing::warn!(error, "cannot release the claim to the sweep, which ends by itself");
    }
    match outcome {
        Ok(()) => Ok((SweepEnd::Done, sweep.freed)),
        Err(Interruption::End(end)) => Ok((end, sweep.freed)),
        Err(Interruption::Error(error)) => Err(error),
    }
}

/// Why a sweep ended early.
enum Interruption {
    End(SweepEnd),
    Error(Error),
}

impl From<Error> for Interruption {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

struct Sweep<'a> {
    context: &'a Context,
    options: &'a SweepOptions,
    observer: &'a dyn SweepObserver,
    holder: Uuid,
    claimed: Option<Instant>,
    started: Instant,
    examined: u64,
    freed: Freed,
}

impl Sweep<'_> {
    async fn run(&mut self) -> Result<(), Interruption> {
        for stage in STAGES {
            let mut total = 0;
            loop {
                self.turn().await?;
                let examined = self.batch(stage).await.map_err(Error::from_ledger)?;
                if examined == 0 {
                    break;
                }
                total += examined;
                self.advance(stage, examined, total);
            }
        }
        if self.looks_for_unknown().await.map_err(Error::from_ledger)? {
            let outcome = self.delete_unknown().await;
            if outcome.is_err() && self.options.unknown_objects == UnknownObjects::Daily {
                let released = self.context.ledger.release_sweep(SweepJob::UnknownObjects, self.holder).await;
                released.map_err(Error::from_ledger)?;
            }
            outcome?;
        }
        Ok(())
    }

    async fn looks_for_unknown(&self) -> Result<bool, LedgerError> {
        match self.options.unknown_objects {
            UnknownObjects::Now => Ok(true),
            UnknownObjects::Not => Ok(false),
            UnknownObjects::Daily => {
                let (ledger, now) = (&self.context.ledger, self.context.clock.now());
                let claim = ledger.claim_sweep(SweepJob::UnknownObjects, self.holder, now.plus(DAY), now).await?;
                Ok(claim == SweepClaim::Granted)
            }
        }
    }

    /// Runs a batch of a stage and returns the number of rows or objects examined, which is zero at the end of the stage.
    async fn batch(&mut self, stage: SweepStage) -> Result<u64, LedgerError> {
        let ledger = &self.context.ledger;
        let now = self.context.clock.now();
        let SweepCutoffs { blobs, manifests, uploads, .. } = self.options.cutoffs(now);
        match stage {
            SweepStage::Uploads => {
                let expired = ledger.expire_uploads(uploads, BATCH, now).await?;
                self.freed.uploads += expired;
                Ok(expired)
            }
            SweepStage::Manifests => {
                let Some(before) = manifests else { return Ok(0) };
                let batch = ledger.sweep_manifests(before, MANIFESTS, now).await?;
                self.freed.manifests += batch.freed;
                Ok(batch.checked)
            }
            SweepStage::Links => Ok(ledger.sweep_links(blobs, BATCH, now).await?.checked),
            SweepStage::Blobs => {
                let batch = ledger.sweep_blobs(BATCH, now).await?;
                self.freed.blobs += batch.freed;
                Ok(batch.checked)
            }
            SweepStage::Repositories => ledger.delete_abandoned(now.minus(ABANDONED), blobs, BATCH, now).await,
            SweepStage::Objects => self.empty_trash(now).await,
            SweepStage::UnknownObjects => Ok(0),
        }
    }

    /// Deletes objects in the trash and returns the number tried, or zero if none could be deleted: another batch would
    /// only fail again.
    ///
    /// An object is deleted before its row, so that an interrupted run is repeated. Deleting an object twice is harmless
    /// because keys are never reused. An object that cannot be deleted moves to the end of the trash.
    async fn empty_trash(&mut self, now: Timestamp) -> Result<u64, LedgerError> {
        let ledger = &self.context.ledger;
        let objects = ledger.trash(BATCH).await?;
        let tried = count(objects.len());
        let (deleted, failed) = self.delete(objects).await;
        if !deleted.is_empty() {
            ledger.forget_trash(&deleted).await?;
        }
        if !failed.is_empty() {
            ledger.postpone_trash(&failed, now).await?;
        }
        Ok(if deleted.is_empty() { 0 } else { tried })
    }

    /// Deletes objects that the ledger does not know. They are looked up again before they are deleted, because their
    /// upload may have become a blob meanwhile.
    async fn delete_unknown(&mut self) -> Result<(), Interruption> {
        let Context { ledger, storage, clock, .. } = self.context;
        if !claim_storage(&**ledger, &**storage).await? {
            tracing::error!("the storage belongs to another database; objects that this one does not know are kept");
            return Ok(());
        }
        let before = self.options.cutoffs(clock.now()).blobs;
        let objects = unused_objects(&**ledger, &**storage, before).await?;
        let mut chunks = std::pin::pin!(objects.try_chunks(UNKNOWN));
        let mut pause = tokio::time::interval(PAUSE);
        let mut total = 0;
        loop {
            // Listing all objects may take long.
            let chunk = tokio::select! {
                chunk = chunks.try_next() => chunk.map_err(|error| error.1)?,
                _ = pause.tick() => {
                    self.extend().await?;
                    continue;
                }
            };
            let Some(chunk) = chunk else { return Ok(()) };
            let objects = confirm_unused(&**ledger, chunk).await?;
            for batch in objects.chunks(OBJECTS) {
                self.turn().await?;
                self.delete(batch.iter().cloned().map(Segment::from).collect()).await;
                total += count(batch.len());
                self.advance(SweepStage::UnknownObjects, count(batch.len()), total);
            }
        }
    }

    /// Deletes objects and returns the keys of those deleted, and of those that could not be deleted.
    async fn delete(&mut self, objects: Vec<Segment>) -> (Vec<String>, Vec<String>) {
        let (mut deleted, mut failed) = (Vec::new(), Vec::new());
        let storage = &self.context.storage;
        let mut deletions = stream::iter(objects)
            .map(|object| async move { (storage.delete(&object.key).await, object) })
            .buffer_unordered(DELETIONS);
        while let Some((outcome, object)) = deletions.next().await {
            match outcome {
                Ok(()) => {
                    self.freed.add_objects(std::slice::from_ref(&object));
                    deleted.push(object.key);
                }
                Err(error) => {
                    let error: &dyn StdError = &error;
                    tracing::warn!(key = object.key, error, "cannot delete an unused object");
                    failed.push(object.key);
                }
            }
        }
        (deleted, failed)
    }

    /// Waits as long as the rate asks for, while keeping the claim to the sweep.
    async fn turn(&mut self) -> Result<(), Interruption> {
        self.extend().await?;
        while let wait = self.wait()
            && !wait.is_zero()
        {
            tokio::time::sleep(wait.min(PAUSE)).await;
            self.extend().await?;
        }
        Ok(())
    }

    /// Claims the sweep, or extends the claim if it is old enough.
    async fn extend(&mut self) -> Result<(), Interruption> {
        if self.observer.stops() {
            return Err(Interruption::End(SweepEnd::Stopped));
        }
        if self.claimed.is_some_and(|claimed| claimed.elapsed() < EXTENSION) {
            return Ok(());
        }
        let now = self.context.clock.now();
        let claim = self.context.ledger.claim_sweep(SweepJob::Sweep, self.holder, now.plus(CLAIM), now).await;
        match claim.map_err(Error::from_ledger)? {
            SweepClaim::Granted => {
                self.claimed = Some(Instant::now());
                Ok(())
            }
            SweepClaim::Busy => Err(Interruption::End(SweepEnd::Busy)),
            SweepClaim::Paused => Err(Interruption::End(SweepEnd::Paused)),
        }
    }

    /// Counts and reports what a batch has examined.
    fn advance(&mut self, stage: SweepStage, examined: u64, total: u64) {
        self.examined += examined;
        self.observer.progress(stage, total, &self.freed);
    }

    /// Returns how long to wait to keep to the rate.
    fn wait(&self) -> Duration {
        let micros = self.examined.saturating_mul(1_000_000).checked_div(self.options.rate.into()).unwrap_or(0);
        (self.started + Duration::from_micros(micros)).saturating_duration_since(Instant::now())
    }
}

fn count(objects: usize) -> u64 {
    u64::try_from(objects).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::ops::Range;
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;
    use futures::stream::BoxStream;
    use futures::{StreamExt, stream};
    use model::clock::Clock;
    use model::id::RepositoryId;
    use model::oci::Algorithm;
    use uuid::Uuid;

    use super::*;
    use crate::context::Limits;
    use crate::ledger::{Ledger, Segment, Upload};
    use crate::storage::{ByteStream, Lease, Object, Storage, StorageError, Writer};
    use crate::testing::memory::MemoryLedger;

    /// A storage that cannot delete one object, and records which it deleted.
    #[derive(Default)]
    struct Stubborn(Mutex<Vec<String>>);

    #[async_trait]
    impl Storage for Stubborn {
        async fn writer(&self, _: Uuid, _: Vec<Segment>, _: Lease) -> Result<Box<dyn Writer>, StorageError> {
            Err(StorageError::Key)
        }

        async fn read(&self, _: &[Segment], _: Range<u64>) -> Result<ByteStream, StorageError> {
            Err(StorageError::Key)
        }

        async fn length(&self, _: &str) -> Result<Option<u64>, StorageError> {
            Err(StorageError::Key)
        }

        fn objects(&self) -> BoxStream<'static, Result<Object, StorageError>> {
            stream::empty().boxed()
        }

        async fn delete(&self, key: &str) -> Result<(), StorageError> {
            if key == "o/0" {
                return Err(StorageError::Failed(io::ErrorKind::PermissionDenied.into()));
            }
            self.0.lock().unwrap().push(key.to_owned());
            Ok(())
        }

        async fn check(&self) -> Result<(), StorageError> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn an_object_that_cannot_be_deleted_does_not_hold_up_the_others() {
        let (ledger, storage, clock) = (MemoryLedger::default(), Arc::new(Stubborn::default()), Clock::system());
        let repository = RepositoryId(1);
        for number in 0..4 {
            let id = Uuid::now_v7();
            ledger.open_upload(repository, id, Algorithm::Sha256, u64::MAX, clock.now()).await.unwrap();
            let segments = vec![Segment { key: format!("o/{number}"), length: 1 }];
            let upload = Upload { id, algorithm: Algorithm::Sha256, offset: 1, hash_state: Vec::new(), segments };
            assert!(ledger.advance_upload(repository, &upload, 0, clock.now()).await.unwrap());
            assert!(ledger.cancel_upload(repository, id, clock.now()).await.unwrap());
        }
        let ledger: Arc<dyn Ledger> = Arc::new(ledger);
        let context = Context { ledger: ledger.clone(), storage: storage.clone(), clock, limits: Limits::default() };
        let options = SweepOptions {
            grace: Duration::ZERO,
            untagged: None,
            uploads: Duration::ZERO,
            rate: 0,
            unknown_objects: UnknownObjects::Now,
        };
        let freed = sweep(&context, &options, &()).await.unwrap().1;
        assert_eq!((freed.objects, freed.bytes), (3, 3));
        let mut deleted = storage.0.lock().unwrap().clone();
        deleted.sort_unstable();
        assert_eq!(deleted, ["o/1", "o/2", "o/3"]);
        assert_eq!(ledger.trash(10).await.unwrap(), [Segment { key: "o/0".to_owned(), length: 1 }]);
    }
}
