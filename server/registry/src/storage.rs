//! The trait for storage of blobs' bytes: objects under unique keys that are written once and read in ranges. A blob is
//! the concatenation of its segments.

pub mod cloud;
pub mod disk;
mod key;

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use model::clock::Timestamp;
use thiserror::Error;
use uuid::Uuid;

use crate::ledger::Segment;

/// Why a read or a write failed.
#[derive(Debug, Error)]
pub enum StorageError {
    /// No space is left.
    #[error("the storage is full")]
    Full(#[source] io::Error),
    /// An object is missing or shorter than the ledger says.
    #[error("object {0} is missing or truncated")]
    Missing(String),
    /// The key is not one that this storage creates.
    #[error("malformed object key")]
    Key,
    /// The storage failed.
    #[error("the storage failed")]
    Failed(#[source] io::Error),
}

impl From<io::Error> for StorageError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full(error),
            _ => Self::Failed(error),
        }
    }
}

/// The exclusive right to write to an upload within this process. A storage keeps it until its last write has ended,
/// even if the writer is dropped earlier.
#[derive(Clone)]
pub struct Lease(#[expect(dead_code, reason = "held for its Drop")] Arc<dyn Send + Sync>);

impl Lease {
    /// Creates a lease that drops `guard` when it is released.
    pub fn new(guard: impl Send + Sync + 'static) -> Self {
        Self(Arc::new(guard))
    }
}

/// An object in storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its key.
    pub key: String,
    /// Its length in bytes.
    pub length: u64,
    /// When it was last written to.
    pub written_at: Timestamp,
    /// The upload that wrote it, if its key says so.
    pub upload: Option<Uuid>,
}

impl From<Object> for Segment {
    fn from(object: Object) -> Self {
        Self { key: object.key, length: object.length }
    }
}

/// Bytes from storage, in order.
pub type ByteStream = BoxStream<'static, io::Result<Bytes>>;

/// A storage for the bytes of blobs.
#[async_trait]
pub trait Storage: Send + Sync + 'static {
    /// Opens a writer that appends to `segments`, an upload's acknowledged bytes. Bytes that were written later, and of
    /// which it is not known whether they were acknowledged, are neither used nor overwritten.
    async fn writer(&self, upload: Uuid, segments: Vec<Segment>, lease: Lease)
    -> Result<Box<dyn Writer>, StorageError>;

    /// Reads `range` of the concatenation of `segments`, which must contain it. The stream uses bounded memory even if
    /// it is read slowly, and all streams together do too: a stream may wait until earlier pieces have been dropped.
    async fn read(&self, segments: &[Segment], range: Range<u64>) -> Result<ByteStream, StorageError>;

    /// Returns the length of an object, or `None` if it does not exist.
    async fn length(&self, key: &str) -> Result<Option<u64>, StorageError>;

    /// Deletes an object. Succeeds if it does not exist.
    async fn delete(&self, key: &str) -> Result<(), StorageError>;

    /// Returns all objects, in any order. Those that are written or deleted meanwhile may be missing.
    fn objects(&self) -> BoxStream<'static, Result<Object, StorageError>>;

    /// Returns the id of the ledger that the objects belong to, if it has been stored.
    async fn owner(&self) -> Result<Option<String>, StorageError> {
        Ok(None)
    }

    /// Stores the id of the ledger that the objects belong to.
    async fn set_owner(&self, _id: &str) -> Result<(), StorageError> {
        Ok(())
    }

    /// Returns a URL from which anyone can read an object for a few minutes, also in ranges. `None` if clients are to read
    /// it through this process.
    async fn read_url(&self, _key: &str, _now: Timestamp) -> Option<String> {
        None
    }

    /// Checks that the storage can be written to and read from.
    async fn check(&self) -> Result<(), StorageError>;
}

/// Whether all objects of these segments exist and are long enough. Does not read them.
pub(crate) async fn is_intact(storage: &dyn Storage, segments: &[Segment]) -> Result<bool, StorageError> {
    for segment in segments {
        if storage.length(&segment.key).await?.is_none_or(|length| length < segment.length) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A range of one object.
struct ReadRange {
    key: String,
    range: Range<u64>,
}

/// Returns the ranges of objects that make up `range` of the concatenation of `segments`.
fn runs(segments: &[Segment], range: &Range<u64>) -> VecDeque<ReadRange> {
    let mut start = 0_u64;
    let mut runs = VecDeque::new();
    for segment in segments {
        let end = start.saturating_add(segment.length);
        let (from, to) = (range.start.max(start), range.end.min(end));
        if from < to {
            runs.push_back(ReadRange { key: segment.key.clone(), range: from - start..to - start });
        }
        start = end;
    }
    runs
}

/// A writer that appends to an upload. If it is dropped without [`Writer::finish`], its bytes are discarded.
#[async_trait]
pub trait Writer: Send {
    /// Appends bytes. They are not durable before [`Writer::finish`].
    async fn write(&mut self, bytes: Bytes) -> Result<(), StorageError>;

    /// Makes everything durable and returns all segments of the upload, in order.
    async fn finish(self: Box<Self>) -> Result<Vec<Segment>, StorageError>;
}
