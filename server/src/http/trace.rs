//! Request ids, the request log and metrics for requests to axum's router, and the response if a handler panics.
//! Queries, bodies and secrets in paths are not logged.

use std::any::Any;
use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, StatusCode};
use tracing::Instrument;
use uuid::Uuid;

use crate::metrics::{Metrics, Surface};

/// The header with a request's id.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The request's id in the log; an extension of every request to axum's router.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// Creates an id by which a response can be found in the log.
pub fn request_id() -> String {
    Uuid::now_v7().simple().to_string()
}

/// Gives the request an id, which the response repeats, and logs and counts the outcome.
pub async fn observe(metrics: Arc<Metrics>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id();
    let path = if request.uri().path().starts_with("/invites/") { "/invites/…" } else { request.uri().path() };
    let span = tracing::info_span!("request", id, method = %request.method(), path);
    let header = HeaderValue::from_str(&id);
    request.extensions_mut().insert(RequestId(id));
    let mut response = next.run(request).instrument(span.clone()).await;
    if let Ok(value) = header {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let (status, took) = (response.status(), started.elapsed());
    metrics.count(Surface::Portal, status, took);
    span.in_scope(|| {
        if status.is_server_error() {
            tracing::error!(status = status.as_u16(), ms = took.as_millis(), "failed");
        } else {
            tracing::debug!(status = status.as_u16(), ms = took.as_millis(), "answered");
        }
    });
    response
}

/// Creates the response to a request whose handler panicked. The panic's message is only logged.
#[expect(clippy::needless_pass_by_value, reason = "the layer hands the panic over")]
pub fn broken(panic: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!(panic = panic_text(&*panic), "a handler panicked");
    let mut response = Response::new(Body::from(
        "Something went wrong on the server. Try again, and contact the administrator if the problem continues.\n",
    ));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// Returns an error in the form that the log shows with all its causes.
pub fn cause<E: Error + 'static>(error: &E) -> &(dyn Error + 'static) {
    error
}

/// Returns the message of a panic, if it is text.
pub fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no text")
}
