//! The part of the ledger for garbage collection. Rows that may be unused carry the time since when; the sweep takes
//! them in batches, keeps those that are used after all, and deletes the others.

use async_trait::async_trait;
use model::clock::Timestamp;
use uuid::Uuid;

use super::{LedgerError, Segment};

/// How long since something must have been unused to be freed: not after these times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SweepCutoffs {
    /// For blobs that no manifest of a repository uses.
    pub blobs: Timestamp,
    /// For manifests without tag, index and subject; `None` keeps them.
    pub manifests: Option<Timestamp>,
    /// For uploads that do not advance.
    pub uploads: Timestamp,
    /// Whether the blobs of the freed manifests are freed at once.
    pub at_once: bool,
}

/// What a sweep has freed, or would free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freed {
    /// The number of manifests.
    pub manifests: u64,
    /// The number of blobs, each counted once however many repositories had it.
    pub blobs: u64,
    /// The number of uploads.
    pub uploads: u64,
    /// The number of objects in storage.
    pub objects: u64,
    /// The bytes of these objects.
    pub bytes: u64,
}

impl Freed {
    /// Adds the objects of these segments.
    pub fn add_objects(&mut self, segments: &[Segment]) {
        for segment in segments {
            self.objects = self.objects.saturating_add(1);
            self.bytes = self.bytes.saturating_add(segment.length);
        }
    }
}

/// The outcome of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SweepBatch {
    /// The number of rows that were checked. If it is zero, there is nothing left to do.
    pub checked: u64,
    /// The number of rows that were deleted.
    pub freed: u64,
}

/// A job that only one process runs at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SweepJob {
    /// The sweep.
    Sweep,
    /// The search for objects that the ledger does not know, as a part of it.
    UnknownObjects,
}

impl SweepJob {
    /// The job's name in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sweep => "sweep",
            Self::UnknownObjects => "unknown objects",
        }
    }
}

/// The outcome of asking for the right to run a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SweepClaim {
    /// The caller may run it.
    Granted,
    /// Another process runs it.
    Busy,
    /// Sweeping is paused.
    Paused,
}

/// The ledger's part of garbage collection. Every call may run while clients push and pull, on any node.
#[async_trait]
pub trait SweepLedger: Send + Sync + 'static {
    /// Asks for the right to run a job until `until`, or extends it. `holder` identifies the caller.
    async fn claim_sweep(
        &self,
        job: SweepJob,
        holder: Uuid,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<SweepClaim, LedgerError>;

    /// Gives up the right to run a job.
    async fn release_sweep(&self, job: SweepJob, holder: Uuid) -> Result<(), LedgerError>;

    /// Pauses or resumes sweeping on all nodes.
    async fn pause_sweep(&self, paused: bool) -> Result<(), LedgerError>;

    /// Cancels up to `limit` uploads of all repositories that last advanced at `before` or earlier. Returns their number.
    async fn expire_uploads(&self, before: Timestamp, limit: u64, now: Timestamp) -> Result<u64, LedgerError>;

    /// Deletes up to `limit` pending repositories that were created at `before` or earlier, have no uploads, and have no
    /// blob that became unused after `unused`. Returns their number.
    async fn delete_abandoned(
        &self,
        before: Timestamp,
        unused: Timestamp,
        limit: u64,
        now: Timestamp,
    ) -> Result<u64, LedgerError>;

    /// Checks up to `limit` manifests that may have been unused since `before` or longer, and deletes those that have
    /// no tag, no index and no subject.
    async fn sweep_manifests(&self, before: Timestamp, limit: u64, now: Timestamp) -> Result<SweepBatch, LedgerError>;

    /// Checks up to `limit` links to blobs that may have been unused since `before` or longer, and deletes those that
    /// no manifest uses.
    async fn sweep_links(&self, before: Timestamp, limit: u64, now: Timestamp) -> Result<SweepBatch, LedgerError>;

    /// Checks up to `limit` blobs that may not be linked any more, and moves the segments of those that are not to the
    /// trash.
    async fn sweep_blobs(&self, limit: u64, now: Timestamp) -> Result<SweepBatch, LedgerError>;

    /// Returns objects that are no longer needed, those that became so first first.
    async fn trash(&self, limit: u64) -> Result<Vec<Segment>, LedgerError>;

    /// Removes the keys of deleted objects from the trash.
    async fn forget_trash(&self, keys: &[String]) -> Result<(), LedgerError>;

    /// Moves keys to the end of the trash, because their objects could not be deleted.
    async fn postpone_trash(&self, keys: &[String], now: Timestamp) -> Result<(), LedgerError>;

    /// Returns a random id of this ledger, which never changes. A storage with another id belongs to another ledger.
    async fn storage_id(&self) -> Result<String, LedgerError>;

    /// Returns those of these uploads that exist.
    async fn open_uploads(&self, ids: &[Uuid]) -> Result<Vec<Uuid>, LedgerError>;

    /// Returns what a sweep would free now, without the objects that the ledger does not know. Changes nothing.
    async fn sweepable(&self, cutoffs: &SweepCutoffs) -> Result<Freed, LedgerError>;
}
