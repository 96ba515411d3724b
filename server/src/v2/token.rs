//! The token service: authenticates the caller and issues a signed token for those of the requested scopes that the
//! store grants (distribution, "Token Authentication Specification" and "OAuth2 Token Authentication").

use axum::body::to_bytes;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use model::fault::{Fault, FaultCode};
use model::oci::RepositoryName;
use registry::scope::ResourceScope;
use serde::Serialize;
use serde_json::json;
use store::access::Viewer;
use store::bearer::IssuedBearer;
use url::form_urlencoded;

use crate::http::authorization::Credentials;
use crate::http::caller::{self, Peer};
use crate::http::trace::cause;
use crate::state::State;
use crate::v2::SERVICE;

/// The largest form, in bytes.
const MOST: usize = 64 << 10;
/// The most scopes in a request; further ones are ignored.
const MOST_SCOPES: usize = 100;

/// A request for a token, from a query or a form. Unknown fields are ignored.
#[derive(Debug, Default)]
struct TokenRequest {
    service: String,
    scopes: Vec<ResourceScope>,
    offline: bool,
    grant_type: String,
    username: String,
    password: String,
    refresh_token: String,
}

/// Why no token is issued.
enum Refusal {
    /// The credentials are wrong.
    Credentials,
    /// Too many attempts; holds the number of seconds to wait.
    TooMany(u32),
    /// The request is invalid; holds an OAuth2 error code and its description.
    Request(&'static str, &'static str),
    /// The store is unavailable or corrupt.
    Unavailable,
}

#[derive(Serialize)]
struct TokenResponse {
    token: String,
    access_token: String,
    expires_in: u64,
    issued_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

/// `GET /token`: credentials in the `Authorization` header or none; `service` and any number of `scope`s in the query.
///
/// There is no refresh token, even for `offline_token=true`: `docker login` would store it instead of the password, and
/// tools that only read the password from docker's configuration could not sign in.
pub async fn issue(state: State, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let asked = TokenRequest::read(parts.uri.query().unwrap_or_default());
    let answer = async {
        check_service(&asked)?;
        let viewer = by_header(&state, &parts).await?;
        let issued = sign(&state, &parts, &viewer, &asked).await?;
        Ok::<_, Refusal>(given(issued, None, None))
    };
    match answer.await {
        Ok(given) => given,
        Err(refusal) => refusal.for_get(),
    }
}

/// `POST /token`: an OAuth2 form whose `grant_type` is `password` or `refresh_token`.
pub async fn grant(state: State, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(form) = to_bytes(body, MOST).await else {
        return Refusal::Request("invalid_request", "the form is larger than 64 KiB").for_post();
    };
    let asked = TokenRequest::read(&String::from_utf8_lossy(&form));
    let answer = async {
        check_service(&asked)?;
        let (viewer, refresh) = by_form(&state, &parts, &asked).await?;
        let issued = sign(&state, &parts, &viewer, &asked).await?;
        let scope = issued.granted.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        Ok::<_, Refusal>(given(issued, Some(scope), refresh))
    };
    match answer.await {
        Ok(given) => given,
        Err(refusal) => refusal.for_post(),
    }
}

/// `GET /.well-known/jwks.json`: the public keys to verify tokens with.
pub async fn keys(state: State) -> Response {
    match state.store.jwks().await {
        Ok(keys) => ([(CACHE_CONTROL, "public, max-age=300")], axum::Json(keys)).into_response(),
        Err(error) => {
            tracing::error!(error = cause(&error), "the signing keys cannot be read");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

impl TokenRequest {
    fn read(encoded: &str) -> Self {
        let mut asked = Self::default();
        for (key, value) in form_urlencoded::parse(encoded.as_bytes()) {
            match &*key {
                "service" => asked.service = value.into_owned(),
                "scope" => asked.scopes.extend(ResourceScope::parse_all(&value)),
                "access_type" => asked.offline |= &*value == "offline",
                "grant_type" => asked.grant_type = value.into_owned(),
                "username" => asked.username = value.into_owned(),
                "password" => asked.password = value.into_owned(),
                "refresh_token" => asked.refresh_token = value.into_owned(),
                _ => {}
            }
        }
        asked.scopes = merged(asked.scopes);
        asked
    }
}

/// Returns one scope for each resource, with all actions asked for: some clients only read the first entry.
fn merged(scopes: Vec<ResourceScope>) -> Vec<ResourceScope> {
    let mut merged: Vec<ResourceScope> = Vec::new();
    for mut scope in scopes {
        if let Ok(name) = RepositoryName::parse(&scope.name)
            && scope.kind == "repository"
        {
            name.within_hub().as_str().clone_into(&mut scope.name);
        }
        if let Some(other) = merged.iter_mut().find(|other| other.kind == scope.kind && other.name == scope.name) {
            let actions: Vec<String> = other.actions.drain(..).chain(scope.actions).collect();
            *other = ResourceScope::new(scope.kind, scope.name, actions);
        } else if merged.len() < MOST_SCOPES {
            merged.push(scope);
        }
    }
    merged
}

/// Rejects a request for another service, because that service would not accept this hub's tokens.
fn check_service(asked: &TokenRequest) -> Result<(), Refusal> {
    if asked.service.is_empty() || asked.service == SERVICE {
        Ok(())
    } else {
        Err(Refusal::Request("invalid_request", "this hub issues no tokens for that service"))
    }
}

async fn by_header(state: &State, parts: &Parts) -> Result<Viewer, Refusal> {
    match Credentials::of(&parts.headers) {
        Credentials::None => Ok(state.store.anonymous()),
        Credentials::Basic { name, password } => sign_in(state, parts, &name, &password).await,
        Credentials::Secret(secret) => state.store.secret_viewer(secret).await.map_err(Refusal::of),
        Credentials::Token(_) | Credentials::Unreadable => Err(Refusal::Credentials),
    }
}

/// Authenticates the caller of a form. Also returns the refresh token for the response, if any.
async fn by_form(state: &State, parts: &Parts, asked: &TokenRequest) -> Result<(Viewer, Option<String>), Refusal> {
    match asked.grant_type.as_str() {
        "password" if asked.username.is_empty() => {
            Err(Refusal::Request("invalid_request", "username and password are required"))
        }
        "password" => {
            let viewer = sign_in(state, parts, &asked.username, &asked.password).await?;
            let refresh = if asked.offline { refresh_token(state, &viewer).await? } else { None };
            Ok((viewer, refresh))
        }
        "refresh_token" => {
            let viewer = state.store.refresh_viewer(&asked.refresh_token, SERVICE).await.map_err(Refusal::of)?;
            Ok((viewer, Some(asked.refresh_token.clone())))
        }
        _ => Err(Refusal::Request("unsupported_grant_type", "grant_type is password or refresh_token")),
    }
}

async fn sign_in(state: &State, parts: &Parts, name: &str, password: &str) -> Result<Viewer, Refusal> {
    let peer = parts.extensions.get::<Peer>().copied();
    let address = caller::address(&state.config, peer, &parts.headers);
    state.store.sign_in(name, password, address).await.map_err(Refusal::of)
}

async fn refresh_token(state: &State, viewer: &Viewer) -> Result<Option<String>, Refusal> {
    if !viewer.is_signed_in() {
        return Ok(None);
    }
    state.store.issue_refresh(viewer, SERVICE).await.map(Some).map_err(Refusal::of)
}

async fn sign(state: &State, parts: &Parts, viewer: &Viewer, asked: &TokenRequest) -> Result<IssuedBearer, Refusal> {
    let peer = parts.extensions.get::<Peer>().copied();
    let issuer = caller::site_root(&state.config, peer, &parts.uri, &parts.headers);
    state.store.issue_bearer(viewer, SERVICE, &issuer, asked.scopes.clone()).await.map_err(Refusal::of)
}

fn given(issued: IssuedBearer, scope: Option<String>, refresh_token: Option<String>) -> Response {
    let given = TokenResponse {
        access_token: issued.token.clone(),
        token: issued.token,
        expires_in: issued.expires_in,
        issued_at: issued.issued_at.rfc3339(),
        scope,
        refresh_token,
    };
    ([(CACHE_CONTROL, "no-store")], axum::Json(given)).into_response()
}

impl Refusal {
    fn of(error: store::Error) -> Self {
        match error {
            store::Error::Fault(Fault { code: FaultCode::TooMany, retry_after, .. }) => {
                Self::TooMany(retry_after.unwrap_or(1))
            }
            store::Error::Fault(_) | store::Error::Absent | store::Error::SignIn | store::Error::Forbidden => {
                Self::Credentials
            }
            error @ (store::Error::Unavailable(_) | store::Error::Corrupt(_)) => {
                tracing::error!(error = cause(&error), "the token service is unavailable");
                Self::Unavailable
            }
        }
    }

    /// Creates the response to GET, in the format of the engine's errors, because clients display both in the same way.
    fn for_get(self) -> Response {
        let (status, code, message) = match &self {
            Self::Credentials => (StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "the name or the password is wrong"),
            Self::TooMany(_) => (StatusCode::TOO_MANY_REQUESTS, "TOOMANYREQUESTS", "too many tries"),
            Self::Request(_, meaning) => (StatusCode::BAD_REQUEST, "UNSUPPORTED", *meaning),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", "try again in a moment"),
        };
        let body = json!({ "errors": [{ "code": code, "message": message, "detail": null }] });
        self.dressed((status, axum::Json(body)).into_response(), true)
    }

    /// Creates the response to POST, in the format of RFC 6749, section 5.2.
    fn for_post(self) -> Response {
        let (status, code, meaning) = match &self {
            Self::Credentials => {
                (StatusCode::BAD_REQUEST, "invalid_grant", "the name, the password or the token is wrong")
            }
            Self::TooMany(_) => (StatusCode::TOO_MANY_REQUESTS, "slow_down", "too many tries"),
            Self::Request(code, meaning) => (StatusCode::BAD_REQUEST, *code, *meaning),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", "try again in a moment"),
        };
        let body = json!({ "error": code, "error_description": meaning });
        self.dressed((status, axum::Json(body)).into_response(), false)
    }

    fn dressed(self, mut response: Response, basic: bool) -> Response {
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        match self {
            Self::Credentials if basic => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"portolan\""));
            }
            Self::TooMany(seconds) => {
                headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
            _ => {}
        }
        response
    }
}
