//! Requests below `/v2` of the hub: authenticates callers, authorises each request with a permit of the store, and
//! counts pulls.

use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{Response, StatusCode};
use model::oci::{Reference, RepositoryName};
use registry::body::drain;
use registry::ledger::Place;
use registry::{Body, Error, Operation, Request, RequestBody, response};

use crate::http::caller::Peer;
use crate::state::State;
use crate::v2::caller::{Caller, HubRequest, store_error};
use crate::v2::challenge::{RequiredScope, TokenError};
use crate::v2::need::Need;
use crate::v2::operation::{AuthorizedPlaces, catalog_range, perform, unknown_repository};

/// The number of bytes to read of a refused request's body.
const DRAIN_LIMIT: u64 = 1 << 20;

const INDEX_TYPES: [&str; 2] =
    ["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"];

/// Answers one request.
pub async fn handle(
    state: &State,
    request: Request,
    parts: &Parts,
    body: impl RequestBody,
    peer: Option<Peer>,
) -> Result<Response<Body>, Error> {
    let context = HubRequest { state, parts, peer };
    match request {
        Request::Base => authenticated(context, RequiredScope::Nothing).await.map(|_| response::base()),
        Request::Discover => authenticated(context, RequiredScope::Nothing).await.map(|_| response::discover()),
        Request::Catalog(page) => {
            let caller = authenticated(context, RequiredScope::Catalog).await?;
            if !caller.may_list() {
                return Err(context.unauthorized(RequiredScope::Catalog, Some(TokenError::InsufficientScope)));
            }
            let scope = state.store.scope(caller.viewer()).await.map_err(store_error)?;
            let names = state.store.catalog(&scope, &catalog_range(&page)).await.map_err(store_error)?;
            Ok(response::catalog(&page, &names.items, names.next.as_deref()))
        }
        Request::Repository { name, operation } => handle_operation(context, body, name, operation).await,
    }
}

async fn handle_operation(
    context: HubRequest<'_>,
    mut body: impl RequestBody,
    name: RepositoryName,
    operation: Operation,
) -> Result<Response<Body>, Error> {
    let HubRequest { state, parts, .. } = context;
    let need = Need::of(&operation);
    let path = name.clone().within_hub();
    let source = match &operation {
        Operation::MountBlob { from, .. } => from.clone().map(RepositoryName::within_hub),
        _ => None,
    };
    let admitted = async {
        let caller = Caller::of(context, RequiredScope::Repository(&path, need, source.as_ref())).await?;
        caller.admit(context, &path, need, source.as_ref()).await
    };
    let admitted = match admitted.await {
        Ok(admitted) => admitted,
        Err(error) => {
            drain(&mut body, DRAIN_LIMIT).await;
            return if matches!(error, Error::NameUnknown) { unknown_repository(&operation) } else { Err(error) };
        }
    };
    let pulled = match &operation {
        Operation::GetManifest { reference, head: false } => Some(reference.clone()),
        _ => None,
    };
    let response = perform(&state.engine, parts, body, &name, &admitted, operation).await?;
    if let Some(reference) = pulled {
        count_pull(state, &admitted, &reference, &response);
    }
    Ok(response)
}

/// Returns the caller, or an error if they sent no credentials.
async fn authenticated(context: HubRequest<'_>, wanted: RequiredScope<'_>) -> Result<Caller, Error> {
    let caller = Caller::of(context, wanted).await?;
    if caller.is_authenticated() { Ok(caller) } else { Err(context.unauthorized(wanted, None)) }
}

/// Counts a GET of an image manifest as a pull. An index is not a pull, because the client then gets an image from it.
/// Neither is HEAD or a 304 response.
fn count_pull(state: &State, admitted: &AuthorizedPlaces, reference: &Reference, response: &Response<Body>) {
    if response.status() != StatusCode::OK {
        return;
    }
    let Place { id, .. } = admitted.place;
    let index = response.headers().get(CONTENT_TYPE).is_some_and(|kind| INDEX_TYPES.iter().any(|index| kind == index));
    match (reference, index) {
        (Reference::Tag(tag), true) => state.pulls.resolve(id, tag),
        (Reference::Tag(tag), false) => state.pulls.record(id, Some(tag)),
        (Reference::Digest(_), false) => state.pulls.record(id, None),
        (Reference::Digest(_), true) => {}
    }
}
