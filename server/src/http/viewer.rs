//! Who looks at a page: the session's account, as the store vouches for it, and the portal made for them.
//! It refuses to know what they look at, and nothing outside the pages passes through it.

use app::portal::PortalHandle;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use tower_sessions::Session;

use crate::portal;
use crate::state::State;

/// Puts the [`PortalHandle`] of this request's viewer into its extensions.
pub async fn admit(state: State, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let Some(session) = parts.extensions.get::<Session>().cloned() else {
        tracing::error!("a page is mounted outside the session layer");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let viewer = match session.id() {
        Some(id) => match state.store.session_viewer(&id.to_string()).await {
            Ok(viewer) => viewer,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "cannot tell who a session belongs to");
                return StatusCode::SERVICE_UNAVAILABLE.into_response();
            }
        },
        None => state.store.anonymous(),
    };
    let handle: PortalHandle = portal::for_request(&state, viewer, session, &parts);
    parts.extensions.insert(handle);
    next.run(Request::from_parts(parts, body)).await
}
