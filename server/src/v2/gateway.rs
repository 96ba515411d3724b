//! The entry point of everything below `/v2`: parses requests, passes them to the hub or the standalone registry, and
//! counts them.
//!
//! This is the hot path of the server. Requests arrive here without passing sessions, compression or any other layer.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use futures::FutureExt as _;
use http::request::Parts;
use http::{HeaderValue, Request, Response};
use registry::error::InternalError;
use registry::{Body, Error, RequestBody};

use crate::http::caller::Peer;
use crate::http::trace::{REQUEST_ID, cause, panic_text, request_id};
use crate::metrics::{Metrics, Surface};
use crate::state::State;
use crate::v2::hub;
use crate::v2::standalone::Standalone;

/// The service that answers requests below `/v2`.
#[derive(Clone)]
pub enum Gateway {
    /// The hub, with its accounts.
    Hub(State),
    /// A registry without accounts.
    Standalone(Standalone),
}

impl Gateway {
    /// Returns the request metrics.
    pub fn metrics(&self) -> &Metrics {
        match self {
            Self::Hub(state) => &state.metrics,
            Self::Standalone(standalone) => standalone.metrics(),
        }
    }

    /// Answers one request, even if handling it panics.
    pub async fn respond(&self, request: Request<impl RequestBody>, peer: Option<Peer>) -> Response<Body> {
        let started = Instant::now();
        let (parts, body) = request.into_parts();
        let id = request_id();
        let mut response = match AssertUnwindSafe(self.handle(&parts, body, peer)).catch_unwind().await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => error_response(error, &parts, &id),
            Err(panic) => {
                tracing::error!(id, panic = panic_text(&*panic), method = %parts.method, path = parts.uri.path(), "the registry panicked");
                Error::Internal(InternalError::Panic).into_response(&parts.method)
            }
        };
        if let Ok(id) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        self.metrics().count(Surface::Engine, response.status(), started.elapsed());
        tracing::debug!(target: "portolan::access", id, method = %parts.method, path = parts.uri.path(), status = response.status().as_u16());
        response
    }

    async fn handle(&self, parts: &Parts, body: impl RequestBody, peer: Option<Peer>) -> Result<Response<Body>, Error> {
        let request = registry::Request::parse(&parts.method, parts.uri.path(), parts.uri.query(), &parts.headers)?;
        match self {
            Self::Hub(state) => hub::handle(state, request, parts, body, peer).await,
            Self::Standalone(standalone) => standalone.handle(request, parts, body).await,
        }
    }
}

fn error_response(error: Error, parts: &Parts, id: &str) -> Response<Body> {
    let (status, code) = error.status_and_code();
    if status.is_server_error() {
        tracing::error!(id, error = cause(&error), code, method = %parts.method, path = parts.uri.path(), "the registry failed");
    }
    error.into_response(&parts.method)
}
