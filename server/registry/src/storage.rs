//! Where bytes are: objects under unique keys, written once, read in ranges. A blob is the concatenation of its segments.
//! It refuses to know digests, repositories and what the bytes are for.

pub mod disk;

use std::io;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use thiserror::Error;
use uuid::Uuid;

use crate::ledger::Segment;

/// Why bytes could not be written or read.
#[derive(Debug, Error)]
pub enum StorageError {
    /// There is no room left.
    #[error("the storage is full")]
    Full(#[source] io::Error),
    /// An object is gone, or shorter than it was.
    #[error("an object is missing or cut short: {0}")]
    Missing(String),
    /// A key that this storage never made.
    #[error("not a key of this storage")]
    Key,
    /// The storage failed.
    #[error("the storage does not answer")]
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

/// Proof that nobody else writes to an upload in this process; a storage keeps it until its last write has ended, even one that
/// nobody waits for any more.
#[derive(Clone)]
pub struct Lease(#[expect(dead_code, reason = "held for its Drop")] Arc<dyn Send + Sync>);

impl Lease {
    /// A lease that ends when `guard` is dropped.
    pub fn new(guard: impl Send + Sync + 'static) -> Self {
        Self(Arc::new(guard))
    }
}

/// Bytes out of storage, in order.
pub type ByteStream = BoxStream<'static, io::Result<Bytes>>;

/// A place for bytes.
#[async_trait]
pub trait Storage: Send + Sync + 'static {
    /// Opens a writer that goes on right after `segments`, which are an upload's acknowledged bytes; whatever was written after them
    /// and never acknowledged is lost.
    async fn writer(&self, upload: Uuid, segments: Vec<Segment>, lease: Lease)
    -> Result<Box<dyn Writer>, StorageError>;

    /// Reads the bytes `range` of the concatenation of `segments`; the range lies within them. Memory stays bounded however slowly
    /// the stream is read.
    async fn read(&self, segments: &[Segment], range: Range<u64>) -> Result<ByteStream, StorageError>;

    /// Removes an object; one that is gone already is no error.
    async fn delete(&self, key: &str) -> Result<(), StorageError>;

    /// Whether it can be written to and read from.
    async fn check(&self) -> Result<(), StorageError>;
}

/// An upload's open end. Dropped without [`Writer::finish`], what it wrote is lost.
#[async_trait]
pub trait Writer: Send {
    /// Appends bytes; they are durable after [`Writer::finish`] only.
    async fn write(&mut self, bytes: Bytes) -> Result<(), StorageError>;

    /// Makes everything durable; the upload's segments in order, those that it began with included.
    async fn finish(self: Box<Self>) -> Result<Vec<Segment>, StorageError>;
}
