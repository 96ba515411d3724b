//! Blobs: GET, HEAD and DELETE (distribution-spec, "Pulling blobs", "Deleting Blobs").
//! It refuses to serve a blob that is not linked to the repository in question, whoever else has it.

use std::sync::Arc;

use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue,
};
use http::{Response, StatusCode};
use model::oci::Digest;

use crate::answer::{Body, CONTENT_DIGEST, answer, bare, value};
use crate::condition::{Wanted, is_known, wanted};
use crate::engine::{Call, Engine, to_the_end};
use crate::error::{Error, ledger, storage};
use crate::ledger::{Blob, Place, Unlink};

pub(crate) const FOR_EVER: HeaderValue = HeaderValue::from_static("max-age=31536000, immutable");
const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");
const BYTES: HeaderValue = HeaderValue::from_static("bytes");

/// A blob with its headers ready.
pub(crate) struct KnownBlob {
    pub(crate) blob: Blob,
    digest: HeaderValue,
    etag: HeaderValue,
}

impl KnownBlob {
    fn new(blob: Blob) -> Self {
        let digest = value(blob.digest.to_string());
        let etag = value(format!("\"{}\"", blob.digest));
        Self { blob, digest, etag }
    }

    /// Roughly its bytes in memory.
    pub(crate) fn weight(&self) -> u32 {
        u32::try_from(self.blob.segments.len().saturating_mul(80).saturating_add(512)).unwrap_or(u32::MAX)
    }

    fn add_headers(&self, headers: &mut HeaderMap) {
        headers.insert(CONTENT_DIGEST, self.digest.clone());
        headers.insert(ETAG, self.etag.clone());
        headers.insert(CACHE_CONTROL, FOR_EVER);
        headers.insert(ACCEPT_RANGES, BYTES);
    }
}

impl Engine {
    /// A blob of this repository, out of the cache where it was asked for a moment ago.
    pub(crate) async fn find_blob(&self, place: &Place, digest: Digest) -> Result<Arc<KnownBlob>, Error> {
        let key = (place.id, digest);
        if let Some(known) = self.inner.blobs.get(&key) {
            return Ok(known);
        }
        let epoch = self.inner.blobs.epoch(place.id);
        let Some(blob) = self.inner.ledger.blob(place.id, &key.1).await.map_err(ledger)? else {
            return Err(Error::BlobUnknown(key.1));
        };
        let known = Arc::new(KnownBlob::new(blob));
        self.inner.blobs.keep(key, epoch, known.clone());
        Ok(known)
    }

    pub(crate) async fn get_blob(&self, call: Call<'_>, digest: Digest, head: bool) -> Result<Response<Body>, Error> {
        let known = self.find_blob(call.place, digest).await?;
        let blob = &known.blob;
        if is_known(call.headers, &blob.digest) {
            let mut response = bare(StatusCode::NOT_MODIFIED);
            known.add_headers(response.headers_mut());
            return Ok(response);
        }
        // `Range` is defined for GET alone.
        let wanted = if head { Wanted::Whole } else { wanted(call.headers, blob.size, &blob.digest) };
        let (status, range) = match wanted {
            Wanted::Whole => (StatusCode::OK, 0..blob.size),
            Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
            Wanted::Outside => return Err(Error::RangeOutside { size: blob.size }),
        };
        let length = range.end - range.start;
        let body = if head || length == 0 {
            Body::empty()
        } else {
            let bytes = self.inner.storage.read(&blob.segments, range.clone()).await.map_err(storage)?;
            Body::stream(bytes, length)
        };
        let mut response = answer(status, body);
        let headers = response.headers_mut();
        known.add_headers(headers);
        headers.insert(CONTENT_TYPE, OCTETS);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        if status == StatusCode::PARTIAL_CONTENT {
            let last = range.end.saturating_sub(1);
            headers.insert(CONTENT_RANGE, value(format!("bytes {}-{last}/{}", range.start, blob.size)));
        }
        Ok(response)
    }

    pub(crate) async fn delete_blob(&self, call: Call<'_>, digest: Digest) -> Result<Response<Body>, Error> {
        let (inner, repository) = (self.inner.clone(), call.place.id);
        to_the_end(async move {
            let outcome = inner.ledger.unlink_blob(repository, &digest).await.map_err(ledger);
            inner.blobs.forget(repository);
            match outcome? {
                Unlink::Done => Ok(bare(StatusCode::ACCEPTED)),
                Unlink::Absent => Err(Error::BlobUnknown(digest)),
                Unlink::InUse => Err(Error::BlobInUse),
            }
        })
        .await
    }
}
