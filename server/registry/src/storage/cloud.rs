//! Storage in an object store, through OpenDAL. An object is written once, in parts that are sent at the same time, and
//! its size is checked before it is acknowledged.
//!
//! An object cannot be appended to. Each request that adds to an upload writes new objects; small ones are merged with
//! the small objects before them, each at most twice as large as what follows, so that an upload in many small chunks
//! has few objects and rewrites each byte a few times.

mod connect;
mod reader;
mod sas;
mod swift;
#[cfg(test)]
mod tests;
mod writer;

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use model::clock::Timestamp;
use opendal::{ErrorKind, Operator};
use uuid::Uuid;

use self::reader::Readers;
use self::sas::Signer;
use self::swift::Swift;
use self::writer::CloudWriter;
use super::key::{is_key, key_of, upload_of};
use crate::ledger::Segment;
use crate::storage::{ByteStream, Lease, Object, Storage, StorageError, Writer};

pub use self::connect::{CloudError, SCHEMES};
pub use self::swift::SwiftError;

/// The object that [`Storage::check`] writes.
const CHECK_OBJECT: &str = "check";

/// The object with the id of the ledger that the store belongs to.
const OWNER_OBJECT: &str = "owner";
/// How long a URL for reading an object is valid. A download that has begun may take longer.
const URL_AGE: Duration = Duration::from_mins(5);
/// The media type of objects.
const OCTETS: &str = "application/octet-stream";

/// How clients can read objects without this process.
enum Redirects {
    /// They cannot.
    Never,
    /// With a URL that OpenDAL signs.
    Presigned,
    /// With a URL that we sign.
    Azure(Box<Signer>),
}

/// Where the operator comes from.
enum Source {
    Fixed(Operator),
    Swift(Box<Swift>),
}

impl Source {
    async fn operator(&self) -> Result<Operator, StorageError> {
        match self {
            Self::Fixed(operator) => Ok(operator.clone()),
            Self::Swift(swift) => swift.operator().await.map_err(|error| StorageError::Failed(io::Error::other(error))),
        }
    }

    /// Converts an error of a call. Signs in again if the store no longer takes the token.
    fn failure(&self, error: opendal::Error, key: &str) -> StorageError {
        if let (Self::Swift(swift), ErrorKind::PermissionDenied) = (self, error.kind()) {
            swift.sign_in_again();
        }
        failure(error, key)
    }
}

/// A storage in an object store.
pub struct Cloud {
    source: Arc<Source>,
    redirects: Redirects,
    readers: Arc<Readers>,
    /// Identifies this process in the keys of its objects.
    process: Uuid,
    created: Arc<AtomicU64>,
}

impl Cloud {
    fn new(source: Source, redirects: Redirects) -> Self {
        Self {
            source: Arc::new(source),
            redirects,
            readers: Arc::default(),
            process: Uuid::now_v7(),
            created: Arc::default(),
        }
    }
}

#[async_trait]
impl Storage for Cloud {
    async fn writer(
        &self,
        upload: Uuid,
        segments: Vec<Segment>,
        lease: Lease,
    ) -> Result<Box<dyn Writer>, StorageError> {
        let (created, process) = (Arc::clone(&self.created), self.process);
        let new_key = move || key_of(upload, created.fetch_add(1, Ordering::Relaxed), process);
        Ok(Box::new(CloudWriter::new(
            Arc::clone(&self.source),
            self.source.operator().await?,
            segments,
            Box::new(new_key),
            lease,
        )))
    }

    async fn read(&self, segments: &[Segment], range: Range<u64>) -> Result<ByteStream, StorageError> {
        reader::read(&self.source, &self.readers, segments, &range).await
    }

    async fn length(&self, key: &str) -> Result<Option<u64>, StorageError> {
        match self.source.operator().await?.stat(checked(key)?).await {
            Ok(object) => Ok(Some(object.content_length())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.source.failure(error, key)),
        }
    }

    async fn delete(&self, key: &str) -> Result<(), StorageError> {
        let key = checked(key)?;
        match &*self.source {
            Source::Fixed(operator) => operator.delete(key).await.map_err(|error| failure(error, key)),
            Source::Swift(swift) => {
                swift.delete(key).await.map_err(|error| StorageError::Failed(io::Error::other(error)))
            }
        }
    }

    fn objects(&self) -> BoxStream<'static, Result<Object, StorageError>> {
        let source = Arc::clone(&self.source);
        let listed = async move {
            let operator = source.operator().await?;
            let lister = operator.lister_with("").recursive(true).await.map_err(|error| source.failure(error, ""))?;
            let objects = lister.map_err(move |error| source.failure(error, "")).try_filter_map(|entry| async move {
                if !is_key(entry.path()) {
                    return Ok(None);
                }
                let (metadata, key) = (entry.metadata(), entry.path().to_owned());
                // An object without a time counts as new, and so is not deleted.
                let new = Timestamp::from_micros(i64::MAX);
                let written_at = metadata.last_modified().map_or(new, |time| timestamp(time.into()));
                let upload = upload_of(&key);
                Ok(Some(Object { key, length: metadata.content_length(), written_at, upload }))
            });
            Ok::<_, StorageError>(objects)
        };
        stream::once(listed).try_flatten().boxed()
    }

    async fn read_url(&self, key: &str, now: Timestamp) -> Option<String> {
        let key = checked(key).ok()?;
        match &self.redirects {
            Redirects::Never => None,
            Redirects::Azure(signer) => Some(signer.read_url(key, OCTETS, now, URL_AGE)),
            Redirects::Presigned => {
                let operator = self.source.operator().await.ok()?;
                let presigned = operator.presign_read_with(key, URL_AGE).override_content_type(OCTETS).await;
                let presigned =
                    presigned.inspect_err(|error| tracing::warn!(%error, "cannot sign a URL for a download"));
                presigned.ok().map(|request| request.uri().to_string())
            }
        }
    }

    async fn owner(&self) -> Result<Option<String>, StorageError> {
        match self.source.operator().await?.read(OWNER_OBJECT).await {
            Ok(id) => Ok(Some(String::from_utf8_lossy(&id.to_bytes()).into_owned())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.source.failure(error, OWNER_OBJECT)),
        }
    }

    async fn set_owner(&self, id: &str) -> Result<(), StorageError> {
        let written = self.source.operator().await?.write(OWNER_OBJECT, id.to_owned()).await;
        written.map(drop).map_err(|error| self.source.failure(error, OWNER_OBJECT))
    }

    async fn check(&self) -> Result<(), StorageError> {
        let failed = |error| self.source.failure(error, CHECK_OBJECT);
        let operator = self.source.operator().await?;
        operator.write(CHECK_OBJECT, "portolan").await.map_err(failed)?;
        operator.read(CHECK_OBJECT).await.map_err(failed)?;
        Ok(())
    }
}

fn timestamp(time: SystemTime) -> Timestamp {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// Returns the key if it is one.
fn checked(key: &str) -> Result<&str, StorageError> {
    if is_key(key) { Ok(key) } else { Err(StorageError::Key) }
}

/// Converts an error of the object store. Stores without space answer in different ways.
fn failure(error: opendal::Error, key: &str) -> StorageError {
    const FULL: [&str; 6] =
        ["status: 507", "QuotaExceeded", "StorageFull", "InsufficientStorage", "EntityTooLarge.Quota", "AccountIsFull"];
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::RangeNotSatisfied => StorageError::Missing(key.to_owned()),
        _ => {
            let text = error.to_string();
            let is_full = FULL.iter().any(|sign| text.contains(sign));
            let error = io::Error::other(error);
            if is_full { StorageError::Full(error) } else { StorageError::Failed(error) }
        }
    }
}
