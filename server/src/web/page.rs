//! The bridge to the pages: each request's portal and site put where pages look for them, and the policy sent along.

use std::sync::Arc;

use app::portal::{PortalHandle, Site};
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use leptos::nonce::use_nonce;
use leptos::prelude::{provide_context, use_context};
use leptos_axum::ResponseOptions;

use crate::http::headers::page_policy;

/// Puts this request's portal and site into the Leptos context, and its nonce into the policy.
fn furnish() {
    let Some(parts) = use_context::<Parts>() else { return };
    if let Some(portal) = parts.extensions.get::<PortalHandle>() {
        provide_context(Arc::clone(portal));
    }
    if let Some(site) = parts.extensions.get::<Arc<Site>>() {
        provide_context(Arc::clone(site));
    }
    if let (Some(nonce), Some(options)) = (use_nonce(), use_context::<ResponseOptions>())
        && let Ok(policy) = HeaderValue::from_str(&page_policy(&nonce))
    {
        options.insert_header(CONTENT_SECURITY_POLICY, policy);
    }
}

/// Renders the page of a path, whole.
pub async fn render(request: Request) -> Response {
    let mut response = leptos_axum::render_app_async_with_context(furnish, app::shell)(request).await;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    response
}

/// Renders the page that says that there is none.
pub async fn missing(request: Request) -> Response {
    let mut response = render(request).await;
    if response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}

/// Runs the action of a path.
pub async fn act(request: Request<Body>) -> Response {
    let mut response = leptos_axum::handle_server_fns_with_context(furnish, request).await.into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    response
}
