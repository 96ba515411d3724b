//! One engine request from its bytes to its answer: parse, admit, do. The hot path of the whole server.
//! It refuses to know why a guard admits; it never touches cookies, sessions, compression or pages.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::FutureExt as _;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use model::oci::{Reference, RepositoryName};
use registry::ledger::{After, Place};
use registry::{Body, Call, Engine, Error, Operation, Page, answer};

use crate::http::caller::Peer;
use crate::http::trace::{cause, panic_text};
use crate::metrics::{Metrics, Surface};
use crate::state::State;
use crate::v2::alone::Alone;
use crate::v2::challenge::{Trouble, Wanted};
use crate::v2::hub::{Admitted, Asked, Caller, failed};
use crate::v2::needs::Need;

/// Names on a page of the catalog where the client does not say.
const CATALOG_PAGE: u64 = 100;
/// Names on a page of the catalog at most.
const CATALOG_MOST: u64 = 1_000;

/// How much of an unwanted body is read, and for how long at most.
const DRAINED: usize = 1 << 20;
const DRAINING: Duration = Duration::from_secs(5);

const INDEX_TYPES: [&str; 2] =
    ["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"];

/// Who is let in, and by whom.
#[derive(Clone)]
pub enum Guard {
    /// The hub with its accounts.
    Hub(State),
    /// An engine alone.
    Alone(Alone),
}

/// Any error of a request's body.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl Guard {
    /// Figures about requests.
    pub fn metrics(&self) -> &Metrics {
        match self {
            Self::Hub(state) => &state.metrics,
            Self::Alone(alone) => alone.metrics(),
        }
    }

    /// Answers one request, whatever it is and whatever happens.
    pub async fn answer<B>(&self, request: Request<B>, peer: Option<Peer>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin,
        B::Error: Into<BoxError>,
    {
        let started = Instant::now();
        let (parts, body) = request.into_parts();
        let response = match AssertUnwindSafe(self.act(&parts, body, peer)).catch_unwind().await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => refuse(error, &parts),
            Err(panic) => {
                tracing::error!(panic = panic_text(&*panic), method = %parts.method, path = parts.uri.path(), "the engine panicked");
                Error::Broken("a panic").into_response(&parts.method)
            }
        };
        self.metrics().count(Surface::Engine, response.status(), started.elapsed());
        tracing::debug!(target: "portolan::access", method = %parts.method, path = parts.uri.path(), status = response.status().as_u16());
        response
    }

    async fn act<B>(&self, parts: &Parts, body: B, peer: Option<Peer>) -> Result<Response<Body>, Error>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin,
        B::Error: Into<BoxError>,
    {
        let request = registry::Request::parse(&parts.method, parts.uri.path(), parts.uri.query(), &parts.headers)?;
        match (self, request) {
            (Self::Hub(state), registry::Request::Repository { name, operation }) => {
                within_hub(state, parts, body, peer, name, operation).await
            }
            (Self::Hub(state), registry::Request::Base) => {
                known(Asked { state, parts, peer }, Wanted::Nothing).await.map(|_| answer::base_response())
            }
            (Self::Hub(state), registry::Request::Discover) => {
                known(Asked { state, parts, peer }, Wanted::Nothing).await.map(|_| answer::discover_response())
            }
            (Self::Hub(state), registry::Request::Catalog(page)) => {
                let asked = Asked { state, parts, peer };
                let caller = known(asked, Wanted::Catalog).await?;
                if !caller.may_list() {
                    return Err(asked.unauthorized(Wanted::Catalog, Some(Trouble::InsufficientScope)));
                }
                let scope = state.store.scope(caller.viewer()).await.map_err(failed)?;
                let after = after(&page);
                let names = state.store.catalog(&scope, &after).await.map_err(failed)?;
                Ok(catalog(&page, &after, names))
            }
            (Self::Alone(alone), request) => alone.act(request, parts, body).await,
        }
    }
}

/// One request within a repository of the hub.
async fn within_hub<B>(
    state: &State,
    parts: &Parts,
    body: B,
    peer: Option<Peer>,
    name: RepositoryName,
    operation: Operation,
) -> Result<Response<Body>, Error>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin,
    B::Error: Into<BoxError>,
{
    let need = Need::of(&operation);
    let asked = Asked { state, parts, peer };
    let path = name.clone().within_hub();
    let source = match &operation {
        Operation::MountBlob { from, .. } => from.clone().map(RepositoryName::within_hub),
        _ => None,
    };
    let admitted = async {
        let caller = Caller::of(asked, Wanted::Repository(&path, need, source.as_ref())).await?;
        caller.admit(asked, &path, need, source.as_ref()).await
    };
    let admitted = match admitted.await {
        Ok(admitted) => admitted,
        Err(error) => {
            drain(body).await;
            return if matches!(error, Error::NameUnknown) { nowhere(&operation) } else { Err(error) };
        }
    };
    let pulled = match &operation {
        Operation::GetManifest { reference, head: false } => Some(reference.clone()),
        _ => None,
    };
    let response = perform(&state.engine, parts, body, &name, &admitted, operation).await?;
    if let Some(reference) = pulled {
        count_pull(state, &admitted.place, &reference, &response);
    }
    Ok(response)
}

/// The answer where there is no such repository, to whoever may know it: nothing refers to what is not there, and the
/// specification wants a list whatever was asked (end-12).
pub fn nowhere(operation: &Operation) -> Result<Response<Body>, Error> {
    match operation {
        Operation::ListReferrers { artifact_type, .. } => {
            Ok(registry::referrers::no_referrers(artifact_type.as_deref()))
        }
        _ => Err(Error::NameUnknown),
    }
}

/// Does what was admitted.
pub async fn perform<B>(
    engine: &Engine,
    parts: &Parts,
    body: B,
    name: &RepositoryName,
    admitted: &Admitted,
    operation: Operation,
) -> Result<Response<Body>, Error>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin,
    B::Error: Into<BoxError>,
{
    let call = Call { place: &admitted.place, name, mount_from: admitted.mount_from.as_ref(), headers: &parts.headers };
    engine.handle(call, operation, body).await
}

/// A pull is the GET of an image: an index is only the way to one, and a HEAD or an answer from the client's cache is none.
fn count_pull(state: &State, place: &Place, reference: &Reference, response: &Response<Body>) {
    if response.status() != StatusCode::OK {
        return;
    }
    let index = response.headers().get(CONTENT_TYPE).is_some_and(|kind| INDEX_TYPES.iter().any(|index| kind == index));
    match (reference, index) {
        (Reference::Tag(tag), true) => state.pulls.resolve(place.id, tag),
        (Reference::Tag(tag), false) => state.pulls.record(place.id, Some(tag)),
        (Reference::Digest(_), false) => state.pulls.record(place.id, None),
        (Reference::Digest(_), true) => {}
    }
}

/// A caller who came with something good.
async fn known(asked: Asked<'_>, wanted: Wanted<'_>) -> Result<Caller, Error> {
    let caller = Caller::of(asked, wanted).await?;
    if caller.is_known() { Ok(caller) } else { Err(asked.unauthorized(wanted, None)) }
}

/// Reads a body that nobody wants, as far as is reasonable: a client that is cut off while it sends never reads the answer.
async fn drain<B>(mut body: B)
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let read = async {
        let mut left = DRAINED;
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, Bytes::len);
            let Some(less) = left.checked_sub(length) else { return };
            left = less;
        }
    };
    // A client that is slow to send what nobody wants is cut off all the same.
    let _ = tokio::time::timeout(DRAINING, read).await;
}

/// What to ask for so that one can tell whether there is more.
pub fn after(page: &Page) -> After {
    After { last: page.last.clone(), limit: page.limit.unwrap_or(CATALOG_PAGE).min(CATALOG_MOST) + 1 }
}

/// A page of the catalog out of one name more than fits on it.
pub fn catalog(page: &Page, after: &After, mut names: Vec<RepositoryName>) -> Response<Body> {
    let fits = usize::try_from(after.limit - 1).unwrap_or(usize::MAX);
    let more = names.len() > fits && fits > 0;
    names.truncate(fits);
    answer::catalog_response(page, &names, more)
}

fn refuse(error: Error, parts: &Parts) -> Response<Body> {
    let (status, code) = error.status_and_code();
    if status.is_server_error() {
        tracing::error!(error = cause(&error), code, method = %parts.method, path = parts.uri.path(), "the engine failed");
    }
    error.into_response(&parts.method)
}
