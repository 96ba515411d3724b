//! The viewer of a page: the account of its session.

use std::sync::Arc;
use std::time::Duration;

use app::portal::{PortalHandle, Site};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use store::sessions::SessionAccount;
use tower_sessions::{Expiry, Session};

use crate::http::caller::{self, Peer};
use crate::http::trace::cause;
use crate::portal;
use crate::state::State;

const DAY: Duration = Duration::from_hours(24);

/// Adds the viewer's [`PortalHandle`] and the [`Site`] to the request's extensions.
pub async fn admit(state: State, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let Some(session) = parts.extensions.get::<Session>().cloned() else {
        tracing::error!("a page is mounted outside the session layer");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let account = match session.id() {
        Some(id) => match state.store.session_account(&id.to_string()).await {
            Ok(account) => account,
            Err(error) => {
                tracing::error!(error = cause(&error), "cannot read the account of a session");
                return StatusCode::SERVICE_UNAVAILABLE.into_response();
            }
        },
        None => None,
    };
    if let Some(account) = &account {
        keep_alive(&state, &session, account);
    }
    let handle: PortalHandle = portal::for_request(&state, account, session, &parts);
    let site = site(&state, &parts);
    parts.extensions.insert(handle);
    parts.extensions.insert(site);
    next.run(Request::from_parts(parts, body)).await
}

/// Extends a session that is used, at most once a day: sessions expire by inactivity, but not every page should write to
/// the database.
fn keep_alive(state: &State, session: &Session, account: &SessionAccount) {
    let left = state.clock.now().until(account.expires_at);
    if left + DAY < state.config.session
        && let Ok(life) = time::Duration::try_from(state.config.session)
    {
        session.set_expiry(Some(Expiry::OnInactivity(life)));
    }
}

/// The site, under the URL used by the caller if no public URL is configured.
fn site(state: &State, parts: &Parts) -> Arc<Site> {
    if state.config.public_url_set {
        return Arc::clone(&state.site);
    }
    let peer = parts.extensions.get::<Peer>().copied();
    let root = caller::site_root(&state.config, peer, &parts.uri, &parts.headers);
    if root == state.site.public_url {
        return Arc::clone(&state.site);
    }
    let host = root.split_once("://").map_or("", |(_, host)| host).to_owned();
    Arc::new(Site { registry_host: host, public_url: root, ..Site::clone(&state.site) })
}
