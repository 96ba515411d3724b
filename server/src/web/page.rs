//! Integration with `leptos_axum`: provides the portal and the site to pages, and sends the Content-Security-Policy.

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

/// Provides this request's portal and site in the Leptos context, and adds its nonce to the policy.
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

/// Renders a page.
pub async fn render(request: Request) -> Response {
    let mut response = leptos_axum::render_app_async_with_context(furnish, app::shell)(request).await;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    response
}

/// Renders the 404 page.
pub async fn missing(request: Request) -> Response {
    let mut response = render(request).await;
    if response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}

/// Runs an action. Answers with a page if the action chose one, otherwise with its redirect or value.
pub async fn act(request: Request<Body>) -> Response {
    let (headers, extensions) = (request.headers().clone(), request.extensions().clone());
    let mut response = leptos_axum::handle_server_fns_with_context(furnish, request).await.into_response();
    let shown = extensions.get::<PortalHandle>().and_then(|portal| portal.shown());
    if let Some(uri) = shown.and_then(|path| path.parse().ok()) {
        let mut page = Request::new(Body::empty());
        (*page.uri_mut(), *page.headers_mut(), *page.extensions_mut()) = (uri, headers, extensions);
        response = render(page).await;
    }
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    response
}
