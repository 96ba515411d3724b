//! Blobs: GET, HEAD and DELETE (distribution-spec, "Pulling blobs", "Deleting Blobs").

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, LOCATION,
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
use crate::storage::{ByteStream, StorageError};

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
        let cached = match self.cache.get(&(place.id, digest.clone())) {
            Some(cached) => cached,
            None => self.look_up(place, digest.clone()).await?,
        };
        // A GET may have cached the blob without holding it.
        if !hold || cached.held.load(Ordering::Relaxed) {
            return Ok(cached);
        }
        if !self.hold(place, &digest).await {
            return Err(Error::BlobUnknown(digest));
        }
        // Clients do not push a blob again if HEAD finds it.
        let found = if self.context.is_intact(&cached.blob.segments).await? {
            cached
        } else {
            // What was cached may have been swept and pushed again since.
            let found = self.look_up(place, digest.clone()).await?;
            if !self.context.is_intact(&found.blob.segments).await? {
                return Err(lost(place, digest));
            }
            found
        };
        found.held.store(true, Ordering::Relaxed);
        Ok(found)
    }

    /// Reads a blob's row and caches it.
    async fn look_up(&self, place: &Place, digest: Digest) -> Result<Arc<CachedBlob>, Error> {
        let epoch = self.cache.epoch(place.id);
        let Some(blob) = self.context.ledger.blob(place.id, &digest).await.map_err(Error::from_ledger)? else {
            return Err(Error::BlobUnknown(digest));
        };
        let found = Arc::new(CachedBlob::new(blob));
        self.cache.insert((place.id, digest), epoch, found.clone());
        Ok(found)
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

    /// Returns a URL of the storage for a blob that is one object.
    async fn read_url(&self, blob: &Blob) -> Option<HeaderValue> {
        let [segment] = &*blob.segments else { return None };
        let url = self.context.storage.read_url(&segment.key, self.context.clock.now()).await?;
        url.try_into().ok()
    }

    /// Reads a blob. If its bytes are missing, reads it from where the ledger says that they are now: what was cached
    /// may have been swept and pushed again since.
    async fn read(&self, place: &Place, blob: &Blob, range: Range<u64>) -> Result<ByteStream, Error> {
        let storage = &self.context.storage;
        match storage.read(&blob.segments, range.clone()).await {
            Err(StorageError::Missing(_)) => {}
            outcome => return outcome.map_err(Error::from_storage),
        }
        let found = self.look_up(place, blob.digest.clone()).await?;
        match storage.read(&found.blob.segments, range).await {
            Err(StorageError::Missing(_)) => Err(lost(place, blob.digest.clone())),
            outcome => outcome.map_err(Error::from_storage),
        }
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
        if !head
            && length > 0
            && let Some(url) = self.read_url(blob).await
        {
            return Ok(redirect(&cached, url));
        }
        let body = if head || length == 0 {
            Body::empty()
        } else {
            Body::stream(self.read(call.place, blob, range.clone()).await?, length)
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
            let outcome = blobs
                .context
                .ledger
                .unlink_blob(repository, &digest, blobs.context.clock.now())
                .await
                .map_err(Error::from_ledger);
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

/// Sends a client to the storage. The URL is valid for a short time only.
fn redirect(cached: &CachedBlob, url: HeaderValue) -> Response<Body> {
    let mut response = empty(StatusCode::TEMPORARY_REDIRECT);
    let headers = response.headers_mut();
    headers.insert(CONTENT_DIGEST, cached.digest.clone());
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(LOCATION, url);
    response
}

/// Returns the error for a blob whose bytes are missing from the storage.
fn lost(place: &Place, digest: Digest) -> Error {
    tracing::error!(repository = %place.name, %digest, "the storage has lost a blob; push it again");
    Error::BlobUnknown(digest)
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
