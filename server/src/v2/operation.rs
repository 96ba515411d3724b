//! Operations on one repository and the catalog, shared by the hub and the standalone registry.

use http::Response;
use http::request::Parts;
use model::oci::RepositoryName;
use registry::ledger::{ListPage, Place};
use registry::{AuthorizedRequest, Body, Engine, Error, Operation, Page, RequestBody, referrers};

/// The number of names on a page of the catalog if the client does not give one.
const DEFAULT_CATALOG_PAGE: u64 = 100;
/// The most names on a page of the catalog.
const MAX_CATALOG_PAGE: u64 = 1_000;

/// The repositories that an authorised operation works on.
#[derive(Debug)]
pub struct AuthorizedPlaces {
    /// The repository of the operation.
    pub place: Place,
    /// The repository to mount from, if the caller may read it.
    pub mount_from: Option<Place>,
}

/// Performs an authorised operation; `name` is the repository's name as requested.
pub async fn perform(
    engine: &Engine,
    parts: &Parts,
    body: impl RequestBody,
    name: &RepositoryName,
    admitted: &AuthorizedPlaces,
    operation: Operation,
) -> Result<Response<Body>, Error> {
    let call = AuthorizedRequest {
        place: &admitted.place,
        name,
        mount_from: admitted.mount_from.as_ref(),
        headers: &parts.headers,
    };
    engine.handle(call, operation, body).await
}

/// Returns the response if the repository does not exist: an empty list for referrers, which the specification requires
/// for any digest (end-12), and an error otherwise.
pub fn unknown_repository(operation: &Operation) -> Result<Response<Body>, Error> {
    match operation {
        Operation::ListReferrers { artifact_type, .. } => Ok(referrers::no_referrers(artifact_type.as_deref())),
        _ => Err(Error::NameUnknown),
    }
}

/// Returns the part of the catalog that a page shows.
pub fn catalog_range(page: &Page) -> ListPage {
    let limit = page.limit.unwrap_or(DEFAULT_CATALOG_PAGE).min(MAX_CATALOG_PAGE);
    ListPage { last: page.last.clone(), limit }
}
