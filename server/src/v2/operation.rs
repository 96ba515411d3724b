//! Operations on one repository, and the catalog, as both kinds of server perform them.

use http::Response;
use http::request::Parts;
use model::oci::RepositoryName;
use registry::ledger::{ListPage, Place};
use registry::{AuthorizedRequest, Body, Engine, Error, Operation, Page, RequestBody, referrers, response};

/// Names on a page of the catalog where the client does not say.
const DEFAULT_CATALOG_PAGE: u64 = 100;
/// The most names on a page of the catalog.
const MAX_CATALOG_PAGE: u64 = 1_000;

/// The repositories that an authorised operation works on.
#[derive(Debug)]
pub struct AuthorizedPlaces {
    /// The repository of the operation.
    pub place: Place,
    /// The repository that a mount may read from.
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

/// The response where the repository does not exist: an empty list of referrers, which the specification requires for any digest
/// (end-12), and an error otherwise.
pub fn unknown_repository(operation: &Operation) -> Result<Response<Body>, Error> {
    match operation {
        Operation::ListReferrers { artifact_type, .. } => Ok(referrers::no_referrers(artifact_type.as_deref())),
        _ => Err(Error::NameUnknown),
    }
}

/// The names to fetch for a page of the catalog: one more than fits tells whether there is another page.
pub fn catalog_range(page: &Page) -> ListPage {
    let limit = page.limit.unwrap_or(DEFAULT_CATALOG_PAGE).min(MAX_CATALOG_PAGE) + 1;
    ListPage { last: page.last.clone(), limit }
}

/// A page of the catalog from the names of [`catalog_range`].
pub fn catalog_page(page: &Page, range: &ListPage, mut names: Vec<RepositoryName>) -> Response<Body> {
    let fitting = usize::try_from(range.limit - 1).unwrap_or(usize::MAX);
    let more = names.len() > fitting && fitting > 0;
    names.truncate(fitting);
    response::catalog(page, &names, more)
}
