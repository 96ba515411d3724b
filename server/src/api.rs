//! REST v1: JSON over the same portal as the pages, for callers who send a token or password with each request. The
//! OpenAPI document is derived from the handlers and their types.

mod accounts;
mod answer;
mod caller;
mod collaborators;
mod comments;
mod extract;
mod images;
mod invitations;
mod openapi;
mod path;
mod problem;
mod repositories;
mod search;
mod stars;

use std::sync::Arc;

use axum::Router;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, Request};
use tower::ServiceBuilder;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::problem::Problem;
use crate::state::State;

/// The path of the REST API.
pub const PREFIX: &str = "/api/v1";

/// All handlers.
fn calls() -> OpenApiRouter<State> {
    OpenApiRouter::with_openapi(openapi::Base::openapi())
        .routes(routes!(accounts::read_user))
        .routes(routes!(accounts::list_tokens, accounts::create_token))
        .routes(routes!(accounts::delete_token))
        .routes(routes!(accounts::create_user))
        .routes(routes!(accounts::read_account))
        .routes(routes!(invitations::list_invitations, invitations::create_invitation))
        .routes(routes!(invitations::delete_invitation))
        .routes(routes!(repositories::list_repositories, repositories::create_repository))
        .routes(routes!(
            repositories::read_repository,
            repositories::change_repository,
            repositories::delete_repository
        ))
        .routes(routes!(repositories::rename_repository))
        .routes(routes!(images::list_tags))
        .routes(routes!(images::read_tag, images::delete_tag))
        .routes(routes!(images::read_image))
        .routes(routes!(stars::read_star, stars::put_star, stars::delete_star))
        .routes(routes!(stars::list_stargazers))
        .routes(routes!(comments::list_comments, comments::create_comment))
        .routes(routes!(comments::read_comment, comments::change_comment, comments::delete_comment))
        .routes(routes!(collaborators::list_collaborators))
        .routes(routes!(collaborators::put_collaborator, collaborators::delete_collaborator))
        .routes(routes!(search::search))
        .routes(routes!(openapi::read_document))
        .routes(routes!(openapi::read_docs))
        .routes(routes!(openapi::read_docs_file))
}

/// The routes below [`PREFIX`], including the 404 for unknown ones.
pub fn router(state: State) -> Router {
    let (router, mut document) = calls().split_for_parts();
    openapi::add_refusals(&mut document);
    let document = Arc::new(document);
    let router = router
        .method_not_allowed_fallback(|| async { Problem::method() })
        .layer(axum::Extension(document))
        .with_state(state);
    let service = ServiceBuilder::new()
        .layer(SetResponseHeaderLayer::if_not_present(CACHE_CONTROL, HeaderValue::from_static("private, no-store")))
        .map_request(|mut request: Request<axum::body::Body>| {
            path::fold(request.uri_mut());
            request
        })
        .service(Router::new().nest(PREFIX, router).fallback(|| async { Problem::not_found() }));
    [PREFIX, "/api/v1/", "/api/v1/{*rest}"]
        .into_iter()
        .fold(Router::new(), |router, path| router.route_service(path, service.clone()))
}

/// Every route as (method, path), with path parameters in braces.
pub fn routes() -> Vec<(&'static str, String)> {
    let document = calls().into_openapi();
    let calls = document.paths.paths.iter().flat_map(|(path, item)| {
        openapi::methods(item).into_iter().map(move |method| (method, format!("{PREFIX}{path}")))
    });
    calls.collect()
}
