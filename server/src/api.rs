//! REST v1: JSON over the same portal that the pages use, for callers who bring a token or a password with each request.
//! It decides nothing about rights and never looks at a cookie.

mod accounts;
mod caller;
mod collaborators;
mod comments;
mod docs;
mod images;
mod input;
mod openapi;
pub mod operations;
mod problem;
mod repositories;
pub mod schema;
mod search;
mod stars;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, StatusCode};
use model::fault::Fault;
use model::page::Page;
use percent_encoding::percent_decode_str;
use serde::Serialize;

use self::input::Input;
use self::operations::{Call, Found};
use self::problem::Problem;
use crate::portal::{Facts, Visit};
use crate::state::State;

/// Where it is mounted.
pub const PREFIX: &str = "/api/v1";

/// What a call comes to.
type Answered = Result<Response, Problem>;

/// The routes below [`PREFIX`]; everything under it is answered here, what is not served included.
pub fn router(state: State) -> Router {
    let serve = any(move |request: Request| {
        let state = state.clone();
        async move { answer(state, request).await }
    });
    [PREFIX, "/api/v1/", "/api/v1/{*rest}"]
        .into_iter()
        .fold(Router::new(), |router, path| router.route(path, serve.clone()))
}

/// Every route as (method, path) with the path's parameters in braces, for whoever has to try them all.
pub fn routes() -> impl Iterator<Item = (&'static str, String)> {
    operations::OPERATIONS.iter().map(|operation| (operation.method, format!("{PREFIX}{}", operation.path)))
}

async fn answer(state: State, request: Request) -> Response {
    let mut response = respond(state, request).await.unwrap_or_else(Problem::into_response);
    response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-store"));
    response
}

async fn respond(state: State, request: Request) -> Answered {
    let (parts, body) = request.into_parts();
    let below = parts.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    let path = percent_decode_str(below).decode_utf8().map_err(|_| Problem::not_found())?;
    let (operation, values) = match operations::find(parts.method.as_str(), &path) {
        Found::Call(operation, values) => (operation, values),
        Found::OtherMethods(methods) => return Err(Problem::method(methods)),
        Found::Nothing => return Err(Problem::not_found()),
    };
    let facts = Facts::read(&parts, &state);
    let viewer = caller::viewer(&state, &parts.headers, facts.source()).await?;
    if operation.signed_in && !viewer.is_signed_in() {
        return Err(Fault::sign_in().into());
    }
    let input = Input::read(operation, &parts, values, body).await?;
    let visit = Visit::without_session(state, viewer, facts);
    match operation.call {
        Call::ReadUser => accounts::me(&visit).await,
        Call::ListTokens => accounts::tokens(&visit).await,
        Call::CreateToken => accounts::create_token(&visit, &input).await,
        Call::DeleteToken => accounts::revoke_token(&visit, &input).await,
        Call::CreateUser => accounts::sign_up(&visit, &input).await,
        Call::ReadAccount => accounts::account(&visit, &input).await,
        Call::ListRepositories => repositories::list(&visit, &input).await,
        Call::CreateRepository => repositories::create(&visit, &input).await,
        Call::ReadRepository => repositories::read(&visit, &input).await,
        Call::ChangeRepository => repositories::change(&visit, &input).await,
        Call::DeleteRepository => repositories::delete(&visit, &input).await,
        Call::RenameRepository => repositories::rename(&visit, &input).await,
        Call::ListTags => images::tags(&visit, &input).await,
        Call::ReadTag => images::tag(&visit, &input).await,
        Call::DeleteTag => images::delete_tag(&visit, &input).await,
        Call::ReadImage => images::image(&visit, &input).await,
        Call::ReadStar => stars::read(&visit, &input).await,
        Call::PutStar => stars::set(&visit, &input, true).await,
        Call::DeleteStar => stars::set(&visit, &input, false).await,
        Call::ListStargazers => stars::list(&visit, &input).await,
        Call::ListComments => comments::list(&visit, &input).await,
        Call::CreateComment => comments::create(&visit, &input).await,
        Call::ReadComment => comments::read(&visit, &input).await,
        Call::ChangeComment => comments::change(&visit, &input).await,
        Call::DeleteComment => comments::delete(&visit, &input).await,
        Call::ListCollaborators => collaborators::list(&visit, &input).await,
        Call::PutCollaborator => collaborators::set(&visit, &input).await,
        Call::DeleteCollaborator => collaborators::remove(&visit, &input).await,
        Call::Search => search::search(&visit, &input).await,
        Call::Description => Ok(openapi::response(visit.state())),
        Call::Documentation => Ok(docs::response(visit.state())),
    }
}

/// 200 with an object.
fn one(object: &impl Serialize) -> Response {
    json(StatusCode::OK, object)
}

/// 201 with an object, and where it is from now on.
fn created(location: &str, object: &impl Serialize) -> Response {
    let mut response = json(StatusCode::CREATED, object);
    if let Ok(location) = HeaderValue::from_str(&format!("{PREFIX}{location}")) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// 200 with a list that has no further pages.
fn whole<T: Serialize>(items: Vec<T>) -> Response {
    one(&Page { items, next: None })
}

/// 204.
fn nothing() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

fn json(status: StatusCode, object: &impl Serialize) -> Response {
    let (status, bytes) = match serde_json::to_vec(object) {
        Ok(bytes) => (status, bytes),
        Err(error) => {
            tracing::error!(%error, "an answer does not serialise");
            (StatusCode::INTERNAL_SERVER_ERROR, Vec::new())
        }
    };
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
