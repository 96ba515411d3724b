//! The engine itself: one function a request, over a ledger and a storage.
//! It refuses to know accounts and rights; a [`Call`] is made by whoever has settled them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::EXPECT;
use http::{HeaderMap, Response};
use http_body_util::BodyExt;
use model::clock::Clock;
use model::oci::{Digest, Reference, RepositoryName};
use tokio::time::{Instant, timeout_at};

use crate::answer::{Body, discover_response};
use crate::blob::KnownBlob;
use crate::cache::Cache;
use crate::error::Error;
use crate::ledger::{Ledger, Place};
use crate::manifest::KnownManifest;
use crate::request::Operation;
use crate::storage::Storage;
use crate::upload::Leases;

/// Manifests in memory, in bytes; they live for a second.
const MANIFEST_CACHE: u64 = 64 << 20;
/// What is known of blobs, in bytes; never their content.
const BLOB_CACHE: u64 = 16 << 20;
/// How long an unwanted body is read.
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// Any error of a request's body.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How much the engine takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A manifest's bytes; the specification wants 4 MiB at least.
    pub manifest: u64,
    /// A blob's bytes.
    pub blob: u64,
    /// Items on a page of a list; a larger `n` is clamped to it.
    pub page: u64,
    /// Whether manifests of unknown media types are stored as they are, without a look at what they refer to.
    pub unknown_media_types: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { manifest: 4 << 20, blob: u64::MAX, page: 1_000, unknown_media_types: false }
    }
}

/// A request that may be done: where, and on whose word.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// The repository.
    pub place: &'a Place,
    /// Its name as it was asked for, which answers repeat.
    pub name: &'a RepositoryName,
    /// The repository that a mount may read from, if it may.
    pub mount_from: Option<&'a Place>,
    /// The request's headers.
    pub headers: &'a HeaderMap,
}

/// The engine. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) clock: Clock,
    pub(crate) limits: Limits,
    pub(crate) leases: Arc<Leases>,
    pub(crate) manifests: Cache<Reference, KnownManifest>,
    pub(crate) blobs: Cache<Digest, KnownBlob>,
}

impl Engine {
    /// An engine over these.
    pub fn new(ledger: Arc<dyn Ledger>, storage: Arc<dyn Storage>, clock: Clock, limits: Limits) -> Self {
        let manifests = Cache::new(MANIFEST_CACHE, KnownManifest::weight);
        let blobs = Cache::new(BLOB_CACHE, KnownBlob::weight);
        let leases = Arc::default();
        Self { inner: Arc::new(Inner { ledger, storage, clock, limits, leases, manifests, blobs }) }
    }

    /// Does what a request within one repository asks. An error becomes an answer by [`Error::into_response`].
    pub async fn handle<B>(&self, call: Call<'_>, operation: Operation, mut body: B) -> Result<Response<Body>, Error>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin,
        B::Error: Into<BoxError>,
    {
        let outcome = self.perform(call, operation, &mut body).await;
        if outcome.is_err() && !body.is_end_stream() && !call.headers.contains_key(EXPECT) {
            drain(&mut body).await;
        }
        outcome
    }

    async fn perform<B>(&self, call: Call<'_>, operation: Operation, body: &mut B) -> Result<Response<Body>, Error>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin,
        B::Error: Into<BoxError>,
    {
        match operation {
            Operation::Discover => Ok(discover_response()),
            Operation::GetBlob { digest, head } => self.get_blob(call, digest, head).await,
            Operation::DeleteBlob(digest) => self.delete_blob(call, digest).await,
            Operation::GetManifest { reference, head } => self.get_manifest(call, reference, head).await,
            Operation::PutManifest { reference, tags } => self.put_manifest(call, reference, tags, body).await,
            Operation::DeleteManifest(reference) => self.delete_manifest(call, reference).await,
            Operation::StartUpload { digest, algorithm } => self.start_upload(call, digest, algorithm, body).await,
            Operation::MountBlob { digest, algorithm, .. } => self.mount_blob(call, digest, algorithm).await,
            Operation::UploadStatus(upload) => self.upload_status(call, upload).await,
            Operation::AppendUpload { upload, range } => self.append_upload(call, upload, range, body).await,
            Operation::CloseUpload { upload, digest, range } => {
                self.close_upload(call, upload, digest, range, body).await
            }
            Operation::CancelUpload(upload) => self.cancel_upload(call, upload).await,
            Operation::ListTags(page) => self.list_tags(call, page).await,
            Operation::ListReferrers { subject, artifact_type, page } => {
                self.list_referrers(call, subject, artifact_type, page).await
            }
        }
    }
}

/// Runs work to its end even when the client goes away in the middle: what is half durable is never left to chance, and what holds a
/// lease holds it until the ledger has answered.
pub(crate) async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    tokio::spawn(work).await.unwrap_or(Err(Error::Broken("a task of the engine did not end")))
}

/// Reads a body that nobody wants, for a while and whatever its size: a client that is still sending would not see the answer
/// before its pipe breaks. The server closes on those that go on.
async fn drain<B>(body: &mut B)
where
    B: http_body::Body<Data = Bytes> + Send + Unpin,
{
    let end = Instant::now() + DRAIN_TIME;
    // The clock is also looked at between frames: a body that never has to be waited for would outrun its timeout.
    while Instant::now() < end && matches!(timeout_at(end, body.frame()).await, Ok(Some(Ok(_)))) {}
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::stream::{self, StreamExt as _};
    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_nobody_wants_is_read_whatever_its_size_but_not_for_ever() {
        let frame = |_| async { Ok::<_, Infallible>(Frame::data(Bytes::from_static(&[0; 1 << 14]))) };
        let mut large = StreamBody::new(stream::iter(0..640).then(frame).boxed());
        drain(&mut large).await;
        assert!(large.frame().await.is_none(), "ten MiB are read to their end");
        let slowly = stream::iter(0..20).then(|frame| async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            frame
        });
        let mut slow = StreamBody::new(slowly.then(frame).boxed());
        drain(&mut slow).await;
        let mut left = 0;
        while slow.frame().await.is_some() {
            left += 1;
        }
        assert!((14..=16).contains(&left), "{left} seconds of it are left");
    }
}
