//! Uploads: POST, PATCH, PUT, GET and DELETE (distribution-spec, "Pushing blobs").
//! It refuses to acknowledge a byte that is not durable, and to let two requests move one upload on from the same place.
//!
//! A chunk counts whole or not at all: one that is cut off leaves the upload where it stood, so that whoever sends it again is right.
//! Bytes are hashed once, while they pass; only a closing digest of another algorithm than was announced has them read again.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use http::header::{HeaderName, HeaderValue, LOCATION, RANGE};
use http::{Response, StatusCode};
use http_body_util::BodyExt;
use model::oci::{Algorithm, Digest, RepositoryName};
use tokio::sync::Notify;
use tokio::time::timeout;
use uuid::Uuid;

use crate::answer::{Body, CONTENT_DIGEST, bare, length_of, value};
use crate::engine::{BoxError, Call, Engine, Inner, to_the_end};
use crate::error::{Error, acknowledged, ledger, storage};
use crate::hash::{Hasher, digest_of};
use crate::ledger::{Place, Segment, Upload};
use crate::request::ContentRange;
use crate::storage::{Lease, Writer};

const UPLOAD_ID: HeaderName = HeaderName::from_static("docker-upload-uuid");
const CHUNK_MIN_LENGTH: HeaderName = HeaderName::from_static("oci-chunk-min-length");
/// Chunks of any length are taken.
const ANY_LENGTH: HeaderValue = HeaderValue::from_static("1");

/// How long a request waits for another one that is still writing to the same upload.
const LEASE_WAIT: Duration = Duration::from_secs(1);

/// The uploads that are being written to.
#[derive(Default)]
pub(crate) struct Leases {
    held: Mutex<HashSet<Uuid>>,
    released: Notify,
}

impl Leases {
    /// Waits a moment where another request still holds the lease, such as one whose chunk was cut off.
    async fn take(self: &Arc<Self>, upload: Uuid) -> Result<Lease, Error> {
        let acquired = async {
            loop {
                // Made before the attempt, so that a release right after it is not missed.
                let released = self.released.notified();
                if self.held().insert(upload) {
                    return;
                }
                released.await;
            }
        };
        timeout(LEASE_WAIT, acquired).await.map_err(|_| Error::UploadBusy)?;
        Ok(Lease::new(Held { upload, leases: self.clone() }))
    }

    fn held(&self) -> MutexGuard<'_, HashSet<Uuid>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Held {
    upload: Uuid,
    leases: Arc<Leases>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.leases.held().remove(&self.upload);
        self.leases.released.notify_waiters();
    }
}

/// A chunk that has arrived, not durable yet. Dropped, it never was.
struct Received {
    writer: Option<Box<dyn Writer>>,
    hasher: Hasher,
    /// Where the upload stands with it.
    offset: u64,
}

impl Engine {
    /// Opens an upload; one whose whole blob is the body is closed at once.
    pub(crate) async fn start_upload<B>(
        &self,
        call: Call<'_>,
        digest: Option<Digest>,
        algorithm: Algorithm,
        body: &mut B,
    ) -> Result<Response<Body>, Error>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin,
        B::Error: Into<BoxError>,
    {
        let id = self.open(call.place, algorithm).await?;
        // Old clients announce a digest and send no body: they want an upload.
        let Some(digest) = digest.filter(|digest| !body.is_end_stream() || is_of_nothing(digest)) else {
            let mut response = standing(StatusCode::ACCEPTED, call.name, id, 0);
            response.headers_mut().insert(CHUNK_MIN_LENGTH, ANY_LENGTH);
            return Ok(response);
        };
        let closed = self.close_upload(call, id, digest, None, body).await;
        if closed.is_err() {
            // The client never learnt of the upload. Where this fails too, a row without bytes is left behind.
            let _ = self.inner.ledger.cancel_upload(call.place.id, id, self.inner.clock.now()).await;
        }
        closed
    }

    /// Links a blob of another repository, or of this one; opens an upload where there is none to be had.
    pub(crate) async fn mount_blob(
        &self,
        call: Call<'_>,
        digest: Digest,
        algorithm: Algorithm,
    ) -> Result<Response<Body>, Error> {
        let now = self.inner.clock.now();
        let from = call.mount_from.unwrap_or(call.place);
        let mounted = self.inner.ledger.mount(call.place.id, from.id, &digest, now).await.map_err(ledger)?;
        if mounted.is_some() {
            return Ok(created(call.name, &digest));
        }
        let id = self.open(call.place, algorithm).await?;
        let mut response = standing(StatusCode::ACCEPTED, call.name, id, 0);
        response.headers_mut().insert(CHUNK_MIN_LENGTH, ANY_LENGTH);
        Ok(response)
    }

    async fn open(&self, place: &Place, algorithm: Algorithm) -> Result<Uuid, Error> {
        let id = Uuid::now_v7();
        self.inner.ledger.open_upload(place.id, id, algorithm, self.inner.clock.now()).await.map_err(ledger)?;
        Ok(id)
    }

    async fn find_upload(&self, place: &Place, id: Uuid) -> Result<Upload, Error> {
        self.inner.ledger.upload(place.id, id).await.map_err(ledger)?.ok_or(Error::UploadUnknown)
    }

    pub(crate) async fn upload_status(&self, call: Call<'_>, id: Uuid) -> Result<Response<Body>, Error> {
        let upload = self.find_upload(call.place, id).await?;
        Ok(standing(StatusCode::NO_CONTENT, call.name, id, upload.offset))
    }

    pub(crate) async fn cancel_upload(&self, call: Call<'_>, id: Uuid) -> Result<Response<Body>, Error> {
        let cancelled = self.inner.ledger.cancel_upload(call.place.id, id, self.inner.clock.now()).await;
        if cancelled.map_err(ledger)? { Ok(bare(StatusCode::NO_CONTENT)) } else { Err(Error::UploadUnknown) }
    }

    pub(crate) async fn append_upload<B>(
        &self,
        call: Call<'_>,
        id: Uuid,
        range: Option<ContentRange>,
        body: &mut B,
    ) -> Result<Response<Body>, Error>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin,
        B::Error: Into<BoxError>,
    {
        // The lease comes before the row is read: what the row says then holds until the lease ends.
        let lease = self.inner.leases.take(id).await?;
        let upload = self.find_upload(call.place, id).await?;
        check_chunk(call.name, &upload, range, body)?;
        let Received { writer, hasher, offset } = self.receive(&upload, range, &lease, body).await?;
        let (inner, repository) = (self.inner.clone(), call.place.id);
        let from_offset = upload.offset;
        if offset == from_offset {
            return Ok(standing(StatusCode::ACCEPTED, call.name, id, offset));
        }
        let advanced = to_the_end(async move {
            let held = lease;
            let segments = finish(writer, &upload).await?;
            let moved = Upload { id, algorithm: upload.algorithm, offset, hash_state: hasher.state(), segments };
            let now = inner.clock.now();
            let advanced = inner.ledger.advance_upload(repository, &moved, from_offset, now).await.map_err(ledger)?;
            if !advanced {
                remove_new(&inner, &upload, &moved.segments).await;
            }
            drop(held);
            Ok(advanced)
        });
        if advanced.await? {
            Ok(standing(StatusCode::ACCEPTED, call.name, id, offset))
        } else {
            Err(self.overtaken(call, id).await)
        }
    }

    pub(crate) async fn close_upload<B>(
        &self,
        call: Call<'_>,
        id: Uuid,
        digest: Digest,
        range: Option<ContentRange>,
        body: &mut B,
    ) -> Result<Response<Body>, Error>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin,
        B::Error: Into<BoxError>,
    {
        let lease = self.inner.leases.take(id).await?;
        let upload = self.find_upload(call.place, id).await?;
        // Without a last chunk there is nothing that a range could be of.
        let range = range.filter(|_| !body.is_end_stream());
        check_chunk(call.name, &upload, range, body)?;
        let Received { writer, hasher, offset } = self.receive(&upload, range, &lease, body).await?;
        let announced = digest.algorithm() == upload.algorithm;
        if announced && hasher.finish()? != digest {
            return Err(Error::DigestMismatch);
        }
        let response = created(call.name, &digest);
        let (inner, repository) = (self.inner.clone(), call.place.id);
        let committed = to_the_end(async move {
            let held = lease;
            let segments = finish(writer, &upload).await?;
            if !announced && hash_again(&inner, digest.algorithm(), &segments, offset).await? != digest {
                remove_new(&inner, &upload, &segments).await;
                return Err(Error::DigestMismatch);
            }
            let from_offset = upload.offset;
            let whole = Upload { offset, hash_state: Vec::new(), segments, ..upload.clone() };
            let now = inner.clock.now();
            let committed = inner.ledger.commit_upload(repository, &whole, from_offset, &digest, now).await;
            let committed = committed.map_err(ledger)?;
            if !committed {
                remove_new(&inner, &upload, &whole.segments).await;
            }
            drop(held);
            Ok(committed)
        });
        if committed.await? { Ok(response) } else { Err(self.overtaken(call, id).await) }
    }

    /// Why an upload is no longer where it was: it was cancelled, or another node moved it on.
    async fn overtaken(&self, call: Call<'_>, id: Uuid) -> Error {
        match self.find_upload(call.place, id).await {
            Ok(upload) => Error::OutOfOrder { location: location(call.name, id), offset: upload.offset },
            Err(error) => error,
        }
    }

    /// Takes in a chunk, hashing it on the way to storage.
    async fn receive<B>(
        &self,
        upload: &Upload,
        range: Option<ContentRange>,
        lease: &Lease,
        body: &mut B,
    ) -> Result<Received, Error>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin,
        B::Error: Into<BoxError>,
    {
        let limit = self.inner.limits.blob;
        if upload.offset.saturating_add(body.size_hint().lower()) > limit {
            return Err(Error::BlobTooLarge);
        }
        let mut hasher = Hasher::resume(upload.algorithm, &upload.hash_state)?;
        let mut writer: Option<Box<dyn Writer>> = None;
        let mut offset = upload.offset;
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| Error::BodyCutOff)?.into_data() else { continue };
            offset = offset.saturating_add(length_of(&data));
            if offset > limit {
                return Err(Error::BlobTooLarge);
            }
            hasher.update(&data);
            if writer.is_none() {
                let opened = self.inner.storage.writer(upload.id, upload.segments.clone(), lease.clone());
                writer = Some(opened.await.map_err(storage)?);
            }
            if let Some(writer) = &mut writer {
                writer.write(data).await.map_err(storage)?;
            }
        }
        if range.is_some_and(|range| range.length() != offset - upload.offset) {
            return Err(Error::UploadInvalid("the body is not as long as its Content-Range"));
        }
        Ok(Received { writer, hasher, offset })
    }
}

/// Whether a chunk starts where the upload stands and is as long as it says, as far as that is known before it arrives.
fn check_chunk<B: http_body::Body>(
    name: &RepositoryName,
    upload: &Upload,
    range: Option<ContentRange>,
    body: &B,
) -> Result<(), Error> {
    let Some(range) = range else { return Ok(()) };
    let length_differs = body.size_hint().exact().is_some_and(|length| length != range.length());
    if range.first != upload.offset || length_differs {
        return Err(Error::OutOfOrder { location: location(name, upload.id), offset: upload.offset });
    }
    Ok(())
}

/// Makes a chunk durable; the upload's segments with it.
async fn finish(writer: Option<Box<dyn Writer>>, upload: &Upload) -> Result<Vec<Segment>, Error> {
    match writer {
        Some(writer) => writer.finish().await.map_err(storage),
        None => Ok(upload.segments.clone()),
    }
}

/// Removes objects that the ledger never heard of. Best effort: nothing refers to them.
async fn remove_new(inner: &Inner, upload: &Upload, segments: &[Segment]) {
    for segment in segments {
        if !upload.segments.iter().any(|known| known.key == segment.key)
            && let Err(error) = inner.storage.delete(&segment.key).await
        {
            tracing::warn!(key = segment.key, %error, "an object that nothing needs is left behind");
        }
    }
}

/// The digest under an algorithm that was not announced.
async fn hash_again(inner: &Inner, algorithm: Algorithm, segments: &[Segment], size: u64) -> Result<Digest, Error> {
    let mut hasher = Hasher::new(algorithm);
    if size > 0 {
        let mut bytes = inner.storage.read(segments, 0..size).await.map_err(storage)?;
        while let Some(piece) = bytes.next().await {
            hasher.update(&piece.map_err(|error| storage(error.into()))?);
        }
    }
    hasher.finish()
}

/// Whether this is a digest of no bytes.
fn is_of_nothing(digest: &Digest) -> bool {
    digest_of(digest.algorithm(), b"").is_ok_and(|empty| empty == *digest)
}

fn location(name: &RepositoryName, id: Uuid) -> String {
    format!("/v2/{name}/blobs/uploads/{id}")
}

/// Where an upload stands.
fn standing(status: StatusCode, name: &RepositoryName, id: Uuid, offset: u64) -> Response<Body> {
    let mut response = bare(status);
    let headers = response.headers_mut();
    headers.insert(LOCATION, value(location(name, id)));
    headers.insert(RANGE, acknowledged(offset));
    headers.insert(UPLOAD_ID, value(id.to_string()));
    response
}

/// The answer to whoever has made a blob.
fn created(name: &RepositoryName, digest: &Digest) -> Response<Body> {
    let mut response = bare(StatusCode::CREATED);
    let headers = response.headers_mut();
    headers.insert(LOCATION, value(format!("/v2/{name}/blobs/{digest}")));
    headers.insert(CONTENT_DIGEST, value(digest.to_string()));
    response
}

#[cfg(test)]
mod tests;
