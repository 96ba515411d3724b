//! The engine: dispatches operations to the parts that perform them.

use std::sync::Arc;

use http::Response;
use http::header::EXPECT;
use model::clock::Clock;
use model::id::RepositoryId;

use crate::blob::Blobs;
use crate::body::{Body, RequestBody, drain};
use crate::context::{AuthorizedRequest, Context, Limits};
use crate::error::Error;
use crate::ledger::{Freed, Ledger};
use crate::manifest::Manifests;
use crate::referrers::list_referrers;
use crate::request::Operation;
use crate::response;
use crate::storage::Storage;
use crate::sweep::{SweepEnd, SweepObserver, SweepOptions, sweep, sweepable};
use crate::tags::list_tags;
use crate::upload::Uploads;

/// The engine. Cheap to clone.
///
/// It does not know accounts or permissions: whatever creates an [`AuthorizedRequest`] must have authorised it.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    context: Arc<Context>,
    blobs: Blobs,
    manifests: Manifests,
    uploads: Uploads,
}

impl Engine {
    /// Creates an engine over a ledger and a storage.
    pub fn new(ledger: Arc<dyn Ledger>, storage: Arc<dyn Storage>, clock: Clock, limits: Limits) -> Self {
        let context = Arc::new(Context { ledger, storage, clock, limits });
        let blobs = Blobs::new(context.clone());
        let manifests = Manifests::new(context.clone());
        let uploads = Uploads::new(context.clone());
        Self { inner: Arc::new(Inner { context, blobs, manifests, uploads }) }
    }

    /// Performs an operation. [`Error::into_response`] turns an error into a response.
    pub async fn handle(
        &self,
        call: AuthorizedRequest<'_>,
        operation: Operation,
        mut body: impl RequestBody,
    ) -> Result<Response<Body>, Error> {
        let outcome = self.perform(call, operation, &mut body).await;
        if outcome.is_err() && !body.is_end_stream() && !call.headers.contains_key(EXPECT) {
            drain(&mut body, u64::MAX).await;
        }
        outcome
    }

    async fn perform(
        &self,
        call: AuthorizedRequest<'_>,
        operation: Operation,
        body: &mut impl RequestBody,
    ) -> Result<Response<Body>, Error> {
        let Inner { context, blobs, manifests, uploads } = &*self.inner;
        match operation {
            Operation::Discover => Ok(response::discover()),
            Operation::GetBlob { digest, head } => blobs.get(call, digest, head).await,
            Operation::DeleteBlob(digest) => blobs.delete(call, digest).await,
            Operation::GetManifest { reference, head } => manifests.get(call, reference, head).await,
            Operation::PutManifest { reference, tags } => manifests.put(call, reference, tags, body).await,
            Operation::DeleteManifest(reference) => manifests.delete(call, reference).await,
            Operation::StartUpload { digest, algorithm } => uploads.start(call, digest, algorithm, body).await,
            Operation::MountBlob { digest, algorithm, .. } => uploads.mount(call, digest, algorithm).await,
            Operation::UploadStatus(upload) => uploads.status(call, upload).await,
            Operation::AppendUpload { upload, range } => uploads.append(call, upload, range, body).await,
            Operation::CloseUpload { upload, digest, range } => uploads.close(call, upload, digest, range, body).await,
            Operation::CancelUpload(upload) => uploads.cancel(call, upload).await,
            Operation::ListTags(page) => list_tags(context, call, page).await,
            Operation::ListReferrers { subject, artifact_type, page } => {
                list_referrers(context, call, subject, artifact_type, page).await
            }
        }
    }

    /// Forgets what is cached of a repository; must be called after a change that was not made through the engine.
    pub fn forget(&self, repository: RepositoryId) {
        self.inner.blobs.forget(repository);
        self.inner.manifests.forget(repository);
    }

    /// Frees what nothing refers to. Returns at once if another process is sweeping or if sweeping is paused.
    pub async fn sweep(
        &self,
        options: &SweepOptions,
        observer: &dyn SweepObserver,
    ) -> Result<(SweepEnd, Freed), Error> {
        sweep(&self.inner.context, options, observer).await
    }

    /// Returns what [`Engine::sweep`] would free now. Changes nothing.
    pub async fn sweepable(&self, options: &SweepOptions) -> Result<Freed, Error> {
        sweepable(&self.inner.context, options).await
    }
}
