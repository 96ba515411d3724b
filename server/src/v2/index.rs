//! The calls of the old registry index (`/v1`) that `docker search` and `podman search` still use.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, StatusCode};
use model::fault::{Fault, FaultCode};
use model::search::{MAX_PAGE, MAX_QUERY, SearchRequest, SearchResults};
use serde::Serialize;
use store::access::Viewer;
use url::form_urlencoded;

use crate::http::authorization::Credentials;
use crate::http::caller::{self, Peer};
use crate::state::State;
use crate::v2::SERVICE;

const INDEX_VERSION: HeaderName = HeaderName::from_static("x-docker-registry-version");

#[derive(Serialize)]
struct SearchResponse<'a> {
    num_results: u64,
    num_pages: u32,
    page: u32,
    page_size: u32,
    query: &'a str,
    results: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    description: String,
    star_count: u64,
    is_official: bool,
    is_automated: bool,
    is_trusted: bool,
}

/// `GET /v1/_ping`: tells clients that this server has an index.
pub fn ping() -> impl IntoResponse {
    ([(INDEX_VERSION, "0.6.3"), (CACHE_CONTROL, "no-store")], axum::Json(true))
}

/// `GET /v1/search?q=&n=&page=`: searches repositories.
pub async fn search(state: State, request: Request) -> Response {
    let asked = asked(request.uri().query().unwrap_or_default());
    let address = caller::address(&state.config, request.extensions().get::<Peer>().copied(), request.headers());
    let viewer = match viewer(&state, request.headers(), address).await {
        Ok(viewer) => viewer,
        Err(fault) => return refused(&fault),
    };
    match find(&state, &viewer, &asked).await {
        Ok(results) => axum::Json(found(&asked, results)).into_response(),
        Err(fault) => refused(&fault),
    }
}

/// Searches. Clients report any status but 200 as unexpected, so there is nothing beyond the last page, and a query with
/// an invalid qualifier is searched for its words.
async fn find(state: &State, viewer: &Viewer, asked: &SearchRequest) -> Result<SearchResults, Fault> {
    if asked.page > MAX_PAGE {
        return Ok(SearchResults { page: asked.page, ..SearchResults::default() });
    }
    match state.search.search(&state.store, viewer, asked.clone()).await {
        Err(fault) if fault.code == FaultCode::Invalid => {
            let q = asked.q.replace([':', '"'], " ");
            state.search.search(&state.store, viewer, SearchRequest { q, ..asked.clone() }).await
        }
        found => found,
    }
}

fn asked(query: &str) -> SearchRequest {
    let mut asked = SearchRequest { limit: 25, page: 1, ..SearchRequest::default() };
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*key {
            "q" => asked.q = value.chars().take(MAX_QUERY / 4).collect(),
            "n" => asked.limit = value.parse().unwrap_or(asked.limit).clamp(1, 100),
            "page" => asked.page = value.parse().unwrap_or(1).max(1),
            _ => {}
        }
    }
    asked
}

/// Returns the caller; anonymous without credentials, or with a header that cannot be parsed.
async fn viewer(state: &State, headers: &HeaderMap, address: Option<std::net::IpAddr>) -> Result<Viewer, Fault> {
    Ok(match Credentials::of(headers) {
        Credentials::None | Credentials::Unreadable => state.store.anonymous(),
        Credentials::Token(token) => state.store.bearer_viewer(token, SERVICE).await?,
        Credentials::Secret(secret) => state.store.secret_viewer(secret).await?,
        Credentials::Basic { name, password } => state.store.sign_in(&name, &password, address).await?,
    })
}

fn found(asked: &SearchRequest, results: SearchResults) -> SearchResponse<'_> {
    let row = |hit: model::search::SearchHit| Row {
        name: short_name(hit.repository.path.as_str()).to_owned(),
        description: hit.repository.description,
        star_count: hit.repository.stars,
        is_official: hit.repository.official,
        is_automated: false,
        is_trusted: false,
    };
    SearchResponse {
        num_results: results.total,
        num_pages: results.pages,
        page: results.page,
        page_size: asked.limit,
        query: &asked.q,
        results: results.hits.into_iter().map(row).collect(),
    }
}

/// Returns a repository's name without `library/`, as users type it.
fn short_name(path: &str) -> &str {
    path.strip_prefix("library/").filter(|name| !name.contains('/')).unwrap_or(path)
}

fn refused(fault: &Fault) -> Response {
    let status = StatusCode::from_u16(fault.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response =
        (status, axum::Json(serde_json::json!({ "detail": app::reason::english(&fault.reason) }))).into_response();
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, http::HeaderValue::from_static("Basic realm=\"portolan\""));
    }
    response
}
