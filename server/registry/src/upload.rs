//! Uploads: POST, PATCH, PUT, GET and DELETE (distribution-spec, "Pushing blobs").
//!
//! A byte is acknowledged once it is durable. A chunk is stored completely or not at all: an interrupted one leaves the
//! upload at its old offset, so that the client can send the chunk again. Bytes are hashed once, as they arrive; they
//! are read again only if the final digest uses another algorithm than announced.

use std::sync::Arc;

use futures::StreamExt;
use http::header::{HeaderName, HeaderValue, LOCATION, RANGE};
use http::{Response, StatusCode};
use model::oci::{Algorithm, Digest, RepositoryName};
use uuid::Uuid;

use crate::body::{Body, RequestBody, length_of, next_frame};
use crate::context::{AuthorizedRequest, Context, run_to_completion};
use crate::error::Error;
use crate::hash::{Hasher, digest_of};
use crate::lease::{Holder, Leases};
use crate::ledger::{LedgerError, Place, Segment, Upload};
use crate::request::ContentRange;
use crate::response::{CONTENT_DIGEST, empty, upload_range, value};
use crate::storage::{Lease, Writer};

const UPLOAD_ID: HeaderName = HeaderName::from_static("docker-upload-uuid");
const CHUNK_MIN_LENGTH: HeaderName = HeaderName::from_static("oci-chunk-min-length");
/// How long a client waits, in seconds, if a repository has too many open uploads.
const UPLOAD_WAIT: u64 = 60;
/// Chunks may have any length.
const ANY_LENGTH: HeaderValue = HeaderValue::from_static("1");

/// A chunk that has arrived but is not durable yet. Dropping it discards the bytes.
struct Chunk {
    writer: Option<Box<dyn Writer>>,
    hasher: Hasher,
    /// The upload's offset after the chunk.
    offset: u64,
}

/// The operations on uploads.
pub(crate) struct Uploads {
    context: Arc<Context>,
    leases: Arc<Leases>,
}

impl Uploads {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        Self { context, leases: Arc::default() }
    }

    /// Opens an upload, and closes it at once if the body is the whole blob.
    pub(crate) async fn start(
        &self,
        call: AuthorizedRequest<'_>,
        digest: Option<Digest>,
        algorithm: Algorithm,
        body: &mut impl RequestBody,
    ) -> Result<Response<Body>, Error> {
        let id = self.open(call.place, algorithm).await?;
        // Old clients that announce a digest but send no body expect an open upload.
        let Some(digest) = digest.filter(|digest| !body.is_end_stream() || is_empty_digest(digest)) else {
            let mut response = progress(StatusCode::ACCEPTED, call.name, id, 0);
            response.headers_mut().insert(CHUNK_MIN_LENGTH, ANY_LENGTH);
            return Ok(response);
        };
        let closed = self.close(call, id, digest, None, body).await;
        if closed.is_err() {
            // The client does not know the upload's id. If this fails too, an upload without bytes is left behind.
            let _ = self.context.ledger.cancel_upload(call.place.id, id, self.context.clock.now()).await;
        }
        closed
    }

    /// Links a blob of another repository or of this one. Opens an upload if the blob is not found.
    pub(crate) async fn mount(
        &self,
        call: AuthorizedRequest<'_>,
        digest: Digest,
        algorithm: Algorithm,
    ) -> Result<Response<Body>, Error> {
        let now = self.context.clock.now();
        let from = call.mount_from.unwrap_or(call.place);
        let mounted =
            self.context.ledger.mount(call.place.id, from.id, &digest, now).await.map_err(Error::from_ledger)?;
        if let Some(blob) = mounted
            && self.context.is_intact(&blob.segments).await?
        {
            return Ok(created(call.name, &digest));
        }
        let id = self.open(call.place, algorithm).await?;
        let mut response = progress(StatusCode::ACCEPTED, call.name, id, 0);
        response.headers_mut().insert(CHUNK_MIN_LENGTH, ANY_LENGTH);
        Ok(response)
    }

    async fn open(&self, place: &Place, algorithm: Algorithm) -> Result<Uuid, Error> {
        let (id, Context { ledger, clock, limits, .. }) = (Uuid::now_v7(), &*self.context);
        let opened = ledger.open_upload(place.id, id, algorithm, limits.open_uploads, clock.now()).await;
        if opened.map_err(Error::from_ledger)? { Ok(id) } else { Err(Error::TooManyRequests(UPLOAD_WAIT)) }
    }

    async fn find_upload(&self, place: &Place, id: Uuid) -> Result<Upload, Error> {
        self.context.ledger.upload(place.id, id).await.map_err(Error::from_ledger)?.ok_or(Error::UploadUnknown)
    }

    /// Returns an upload to write to. Cancels it if its bytes are gone, so that the client starts again.
    async fn find_intact(&self, place: &Place, id: Uuid) -> Result<Upload, Error> {
        let upload = self.find_upload(place, id).await?;
        if self.context.is_intact(&upload.segments).await? {
            return Ok(upload);
        }
        tracing::error!(upload = %id, "the storage has lost bytes of an upload");
        let cancelled = self.context.ledger.cancel_upload(place.id, id, self.context.clock.now()).await;
        cancelled.map_err(Error::from_ledger)?;
        Err(Error::UploadUnknown)
    }

    pub(crate) async fn status(&self, call: AuthorizedRequest<'_>, id: Uuid) -> Result<Response<Body>, Error> {
        let upload = self.find_upload(call.place, id).await?;
        Ok(progress(StatusCode::NO_CONTENT, call.name, id, upload.offset))
    }

    pub(crate) async fn cancel(&self, call: AuthorizedRequest<'_>, id: Uuid) -> Result<Response<Body>, Error> {
        let cancelled = self.context.ledger.cancel_upload(call.place.id, id, self.context.clock.now()).await;
        if cancelled.map_err(Error::from_ledger)? {
            Ok(empty(StatusCode::NO_CONTENT))
        } else {
            Err(Error::UploadUnknown)
        }
    }

    pub(crate) async fn append(
        &self,
        call: AuthorizedRequest<'_>,
        id: Uuid,
        range: Option<ContentRange>,
        body: &mut impl RequestBody,
    ) -> Result<Response<Body>, Error> {
        // Take the lease before reading the row, so that no other request of this process makes the row outdated.
        let (lease, holder) = self.leases.take(id).await?;
        let upload = self.find_intact(call.place, id).await?;
        check_chunk(call.name, &upload, range, body)?;
        let Chunk { writer, hasher, offset } = self.receive(&upload, range, (&lease, &holder), body).await?;
        let (context, repository) = (self.context.clone(), call.place.id);
        let from_offset = upload.offset;
        if offset == from_offset {
            return Ok(progress(StatusCode::ACCEPTED, call.name, id, offset));
        }
        let advanced = run_to_completion(async move {
            let _lease = lease;
            let segments = finish(writer, &upload).await?;
            let advanced = Upload { id, algorithm: upload.algorithm, offset, hash_state: hasher.state(), segments };
            let accepted = context.ledger.advance_upload(repository, &advanced, from_offset, context.clock.now()).await;
            if is_refused(&accepted) {
                remove_new(&context, &upload, &advanced.segments).await;
            }
            accepted.map_err(Error::from_ledger)
        });
        if advanced.await? {
            Ok(progress(StatusCode::ACCEPTED, call.name, id, offset))
        } else {
            Err(self.conflict(call, id).await)
        }
    }

    pub(crate) async fn close(
        &self,
        call: AuthorizedRequest<'_>,
        id: Uuid,
        digest: Digest,
        range: Option<ContentRange>,
        body: &mut impl RequestBody,
    ) -> Result<Response<Body>, Error> {
        let (lease, holder) = self.leases.take(id).await?;
        let upload = self.find_intact(call.place, id).await?;
        // Without a last chunk, a range has no meaning.
        let range = range.filter(|_| !body.is_end_stream());
        check_chunk(call.name, &upload, range, body)?;
        let Chunk { writer, hasher, offset } = self.receive(&upload, range, (&lease, &holder), body).await?;
        let announced = digest.algorithm() == upload.algorithm;
        if announced && hasher.finish()? != digest {
            return Err(Error::DigestMismatch);
        }
        let response = created(call.name, &digest);
        let (context, repository) = (self.context.clone(), call.place.id);
        let committed = run_to_completion(async move {
            let _lease = lease;
            let segments = finish(writer, &upload).await?;
            if !announced && digest_of_segments(&context, digest.algorithm(), &segments, offset).await? != digest {
                remove_new(&context, &upload, &segments).await;
                return Err(Error::DigestMismatch);
            }
            let from_offset = upload.offset;
            let damaged = damaged_segments(&context, &digest).await?;
            let whole = Upload { offset, hash_state: Vec::new(), segments, ..upload.clone() };
            let (ledger, now) = (&context.ledger, context.clock.now());
            let committed =
                ledger.commit_upload(repository, &whole, from_offset, &digest, damaged.as_deref(), now).await;
            if is_refused(&committed) {
                remove_new(&context, &upload, &whole.segments).await;
            }
            committed.map_err(Error::from_ledger)
        });
        if committed.await? { Ok(response) } else { Err(self.conflict(call, id).await) }
    }

    /// Returns the error for an upload that is no longer at the expected offset, because it was cancelled or because
    /// another node has written to it.
    async fn conflict(&self, call: AuthorizedRequest<'_>, id: Uuid) -> Error {
        match self.find_upload(call.place, id).await {
            Ok(upload) => Error::ChunkOutOfOrder { location: location(call.name, id), offset: upload.offset },
            Err(error) => error,
        }
    }

    /// Receives a chunk: hashes it and writes it to storage.
    async fn receive(
        &self,
        upload: &Upload,
        range: Option<ContentRange>,
        (lease, holder): (&Lease, &Holder),
        body: &mut impl RequestBody,
    ) -> Result<Chunk, Error> {
        let limit = self.context.limits.blob;
        if upload.offset.saturating_add(body.size_hint().lower()) > limit {
            return Err(Error::BlobTooLarge { limit });
        }
        let mut hasher = Hasher::resume(upload.algorithm, &upload.hash_state)?;
        let mut writer: Option<Box<dyn Writer>> = None;
        let mut offset = upload.offset;
        loop {
            let frame = tokio::select! {
                frame = next_frame(body) => frame?,
                () = holder.stopped() => return Err(Error::BodyIncomplete),
            };
            let Some(frame) = frame else { break };
            holder.progress();
            let Ok(data) = frame.into_data() else { continue };
            offset = offset.saturating_add(length_of(&data));
            if offset > limit {
                return Err(Error::BlobTooLarge { limit });
            }
            hasher.update(&data);
            if writer.is_none() {
                let opened = self.context.storage.writer(upload.id, upload.segments.clone(), lease.clone());
                writer = Some(opened.await.map_err(Error::from_storage)?);
            }
            if let Some(writer) = &mut writer {
                writer.write(data).await.map_err(Error::from_storage)?;
            }
        }
        if range.is_some_and(|range| range.length() != offset - upload.offset) {
            return Err(Error::ContentRangeMismatch);
        }
        Ok(Chunk { writer, hasher, offset })
    }
}

/// Checks that a chunk starts at the upload's offset and, if its length is known in advance, is as long as its range.
fn check_chunk(
    name: &RepositoryName,
    upload: &Upload,
    range: Option<ContentRange>,
    body: &impl RequestBody,
) -> Result<(), Error> {
    let Some(range) = range else { return Ok(()) };
    let length_differs = body.size_hint().exact().is_some_and(|length| length != range.length());
    if range.first != upload.offset || length_differs {
        return Err(Error::ChunkOutOfOrder { location: location(name, upload.id), offset: upload.offset });
    }
    Ok(())
}

/// Makes a chunk durable and returns the upload's segments including it.
async fn finish(writer: Option<Box<dyn Writer>>, upload: &Upload) -> Result<Vec<Segment>, Error> {
    match writer {
        Some(writer) => writer.finish().await.map_err(Error::from_storage),
        None => Ok(upload.segments.clone()),
    }
}

/// Returns the segments of the blob with this digest if it is stored already, but damaged.
async fn damaged_segments(context: &Context, digest: &Digest) -> Result<Option<Vec<Segment>>, Error> {
    let Some(blob) = context.ledger.stored_blob(digest).await.map_err(Error::from_ledger)? else { return Ok(None) };
    if context.is_intact(&blob.segments).await? {
        return Ok(None);
    }
    tracing::warn!(%digest, "a damaged blob was pushed again");
    Ok(Some(blob.segments))
}

/// Whether a change was certainly not made. After other errors it may have been made, so that the ledger may refer to
/// the new objects.
fn is_refused(outcome: &Result<bool, LedgerError>) -> bool {
    matches!(outcome, Ok(false) | Err(LedgerError::Full(_)))
}

/// Removes new objects that the ledger did not record. Errors are only logged, because nothing refers to the objects.
async fn remove_new(context: &Context, upload: &Upload, segments: &[Segment]) {
    for segment in segments {
        if !upload.segments.iter().any(|known| known.key == segment.key)
            && let Err(error) = context.storage.delete(&segment.key).await
        {
            tracing::warn!(key = segment.key, %error, "failed to delete an unused object");
        }
    }
}

/// Computes the digest of stored segments, for an algorithm that was not announced.
async fn digest_of_segments(
    context: &Context,
    algorithm: Algorithm,
    segments: &[Segment],
    size: u64,
) -> Result<Digest, Error> {
    let mut hasher = Hasher::new(algorithm);
    if size > 0 {
        let mut bytes = context.storage.read(segments, 0..size).await.map_err(Error::from_storage)?;
        while let Some(piece) = bytes.next().await {
            hasher.update(&piece.map_err(|error| Error::from_storage(error.into()))?);
        }
    }
    hasher.finish()
}

/// Whether this is the digest of the empty blob.
fn is_empty_digest(digest: &Digest) -> bool {
    digest_of(digest.algorithm(), b"").is_ok_and(|empty| empty == *digest)
}

fn location(name: &RepositoryName, id: Uuid) -> String {
    format!("/v2/{name}/blobs/uploads/{id}")
}

/// Creates a response with an upload's location and offset.
fn progress(status: StatusCode, name: &RepositoryName, id: Uuid, offset: u64) -> Response<Body> {
    let mut response = empty(status);
    let headers = response.headers_mut();
    headers.insert(LOCATION, value(location(name, id)));
    headers.insert(RANGE, upload_range(offset));
    headers.insert(UPLOAD_ID, value(id.to_string()));
    response
}

/// Creates the response to a request that created or mounted a blob.
fn created(name: &RepositoryName, digest: &Digest) -> Response<Body> {
    let mut response = empty(StatusCode::CREATED);
    let headers = response.headers_mut();
    headers.insert(LOCATION, value(format!("/v2/{name}/blobs/{digest}")));
    headers.insert(CONTENT_DIGEST, value(digest.to_string()));
    response
}

#[cfg(test)]
mod tests;
