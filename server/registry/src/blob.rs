//! Blobs: GET, HEAD and DELETE (distribution-spec, "Pulling blobs", "Deleting Blobs").

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue,
};
use http::{Response, StatusCode};
use model::id::RepositoryId;
use model::oci::Digest;

use crate::body::Body;
use crate::cache::Cache;
use crate::condition::{RequestedRange, not_modified, requested_range};
use crate::context::{AuthorizedRequest, Context, run_to_completion};
use crate::error::Error;
use crate::ledger::{Blob, Place, UnlinkOutcome};
use crate::response::{CONTENT_DIGEST, IMMUTABLE, empty, response, value};
use crate::storage::StorageError;

/// The capacity of the cache, in bytes. It holds metadata only.
const CACHE_CAPACITY: u64 = 16 << 20;

const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");
const BYTES: HeaderValue = HeaderValue::from_static("bytes");

/// A blob with its header values.
struct CachedBlob {
    blob: Blob,
    digest: HeaderValue,
    etag: HeaderValue,
    /// Whether its link has been held for a push since it was cached.
    held: AtomicBool,
}

impl CachedBlob {
    fn new(blob: Blob) -> Self {
        let digest = value(blob.digest.to_string());
        let etag = value(format!("\"{}\"", blob.digest));
        Self { blob, digest, etag, held: AtomicBool::new(false) }
    }

    /// Returns the approximate size in memory.
    fn weight(&self) -> u32 {
        u32::try_from(self.blob.segments.len().saturating_mul(80).saturating_add(512)).unwrap_or(u32::MAX)
    }

    fn add_headers(&self, headers: &mut HeaderMap) {
        headers.insert(CONTENT_DIGEST, self.digest.clone());
        headers.insert(ETAG, self.etag.clone());
        headers.insert(CACHE_CONTROL, IMMUTABLE);
        headers.insert(ACCEPT_RANGES, BYTES);
    }
}

/// The operations on blobs.
#[derive(Clone)]
pub(crate) struct Blobs {
    context: Arc<Context>,
    cache: Arc<Cache<Digest, CachedBlob>>,
}

impl Blobs {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        Self { context, cache: Arc::new(Cache::new(CACHE_CAPACITY, CachedBlob::weight)) }
    }

    /// Forgets what is cached of a repository.
    pub(crate) fn forget(&self, repository: RepositoryId) {
        self.cache.forget(repository);
    }

    /// Returns a blob linked to this repository. With `hold`, the caller may be about to push a manifest that uses it.
    async fn find(&self, place: &Place, digest: Digest, hold: bool) -> Result<Arc<CachedBlob>, Error> {
        let key = (place.id, digest);
        let cached = if let Some(cached) = self.cache.get(&key) {
            cached
        } else {
            let epoch = self.cache.epoch(place.id);
            let Some(blob) = self.context.ledger.blob(place.id, &key.1).await.map_err(Error::from_ledger)? else {
                return Err(Error::BlobUnknown(key.1));
            };
            let cached = Arc::new(CachedBlob::new(blob));
            self.cache.insert(key.clone(), epoch, cached.clone());
            cached
        };
        // A GET may have cached the blob without holding it.
        if hold && !cached.held.load(Ordering::Relaxed) {
            if !self.hold(place, &key.1).await {
                return Err(Error::BlobUnknown(key.1));
            }
            // Clients do not push a blob again if HEAD finds it.
            if !self.context.is_intact(&cached.blob.segments).await? {
                return Err(self.lost(place, key.1));
            }
            cached.held.store(true, Ordering::Relaxed);
        }
        Ok(cached)
    }

    /// Holds a link for the caller and returns whether it exists. A failure is only logged, so that a full database
    /// does not prevent pulls.
    async fn hold(&self, place: &Place, digest: &Digest) -> bool {
        let Context { ledger, clock, .. } = &*self.context;
        ledger.hold_blob(place.id, digest, clock.now()).await.unwrap_or_else(|error| {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(%digest, error, "cannot hold a blob for a push");
            true
        })
    }

    /// Returns the error for a blob whose bytes are missing from the storage.
    fn lost(&self, place: &Place, digest: Digest) -> Error {
        tracing::error!(repository = %place.name, %digest, "the storage has lost a blob; push it again");
        // It may have been repaired by a push to another repository or node.
        self.cache.forget(place.id);
        Error::BlobUnknown(digest)
    }

    pub(crate) async fn get(
        &self,
        call: AuthorizedRequest<'_>,
        digest: Digest,
        head: bool,
    ) -> Result<Response<Body>, Error> {
        let cached = self.find(call.place, digest, head).await?;
        let blob = &cached.blob;
        if not_modified(call.headers, &blob.digest) {
            let mut response = empty(StatusCode::NOT_MODIFIED);
            cached.add_headers(response.headers_mut());
            return Ok(response);
        }
        // `Range` is defined for GET only.
        let requested =
            if head { RequestedRange::Whole } else { requested_range(call.headers, blob.size, &blob.digest) };
        let (status, range) = match requested {
            RequestedRange::Whole => (StatusCode::OK, 0..blob.size),
            RequestedRange::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
            RequestedRange::Unsatisfiable => return Err(Error::RangeNotSatisfiable { size: blob.size }),
        };
        let length = range.end - range.start;
        let body = if head || length == 0 {
            Body::empty()
        } else {
            match self.context.storage.read(&blob.segments, range.clone()).await {
                Ok(bytes) => Body::stream(bytes, length),
                Err(StorageError::Missing(_)) => return Err(self.lost(call.place, blob.digest.clone())),
                Err(error) => return Err(Error::from_storage(error)),
            }
        };
        let mut response = response(status, body);
        let headers = response.headers_mut();
        cached.add_headers(headers);
        headers.insert(CONTENT_TYPE, OCTETS);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        if status == StatusCode::PARTIAL_CONTENT {
            let last = range.end.saturating_sub(1);
            headers.insert(CONTENT_RANGE, value(format!("bytes {}-{last}/{}", range.start, blob.size)));
        }
        Ok(response)
    }

    pub(crate) async fn delete(&self, call: AuthorizedRequest<'_>, digest: Digest) -> Result<Response<Body>, Error> {
        let (blobs, repository) = (self.clone(), call.place.id);
        run_to_completion(async move {
            let outcome = blobs.context.ledger.unlink_blob(repository, &digest).await.map_err(Error::from_ledger);
            blobs.cache.forget(repository);
            match outcome? {
                UnlinkOutcome::Done => Ok(empty(StatusCode::ACCEPTED)),
                UnlinkOutcome::Absent => Err(Error::BlobUnknown(digest)),
                UnlinkOutcome::InUse => Err(Error::BlobInUse),
            }
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::memory::MemoryLedger;
    use crate::testing::{REPOSITORY, TestRegistry};

    #[tokio::test]
    async fn only_a_head_holds_a_blob_even_if_a_get_has_cached_it() {
        let ledger = Arc::new(MemoryLedger::default());
        let registry = TestRegistry::new(ledger.clone()).await;
        let digest = registry.push_blob(REPOSITORY, "layer").await;
        let path = format!("/v2/{REPOSITORY}/blobs/{digest}");
        registry.get(&path).await.is(StatusCode::OK);
        assert_eq!(ledger.holds(), 0, "a pull writes nothing");
        for _ in 0..3 {
            registry.head(&path).await.is(StatusCode::OK);
        }
        assert_eq!(ledger.holds(), 1);
    }
}
