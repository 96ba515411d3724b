//! What pages and REST may ask for, for one viewer and one request: input parsed, then a permit, then the store.
//! It decides no right by itself and knows neither HTML pages nor JSON; the store's permit is the only way on.

mod accounts;
mod answer;
mod comments;
mod facts;
mod images;
mod repositories;
mod search;

use std::sync::Arc;

use app::portal::PortalHandle;
use http::request::Parts;
use model::account::Me;
use model::fault::Fault;
use model::oci::RepositoryName;
use store::access::{Need, Permit, Scope, Viewer};
use store::sessions::SessionAccount;
use tokio::sync::OnceCell;
use tower_sessions::Session;

pub use self::facts::RequestFacts;
use crate::state::State;

/// One viewer's way to everything, for the length of one request.
pub struct Visit {
    state: State,
    viewer: Viewer,
    session: Option<Session>,
    /// Whether the session held no more than who signed in when the request came.
    is_bare: bool,
    facts: RequestFacts,
    /// Who is signed in, where it was read already.
    me: Option<Me>,
    /// What the viewer may see in lists, once it was asked.
    scope: OnceCell<Scope>,
}

/// The portal for a page or an action of whoever signed in with this session.
pub fn for_request(state: &State, account: Option<SessionAccount>, session: Session, parts: &Parts) -> PortalHandle {
    let facts = RequestFacts::read(parts, state);
    // A session that holds no more than who signed in is not read for anything else.
    let is_bare = account.as_ref().is_some_and(|account| !account.holds_more);
    let (viewer, me) = match account {
        Some(account) => (account.viewer, Some(account.me)),
        None => (state.store.anonymous(), None),
    };
    Arc::new(Visit { state: state.clone(), viewer, session: Some(session), is_bare, facts, me, scope: OnceCell::new() })
}

impl Visit {
    /// A visit that keeps nothing between requests: whoever signs up here is not signed in, and there is no flash.
    pub fn without_session(state: State, viewer: Viewer, facts: RequestFacts) -> Self {
        Self { state, viewer, session: None, is_bare: true, facts, me: None, scope: OnceCell::new() }
    }

    async fn scope(&self) -> Result<&Scope, Fault> {
        self.scope.get_or_try_init(|| async { self.state.store.scope(&self.viewer).await.map_err(told) }).await
    }

    async fn permit<N: Need>(&self, path: &RepositoryName) -> Result<Permit<N>, Fault> {
        self.state.store.permit::<N>(&self.viewer, path).await.map_err(told)
    }
}

/// A store's error as people may see it; what went wrong inside is logged here, within the request's span.
pub(crate) fn told(error: store::Error) -> Fault {
    if matches!(error, store::Error::Unavailable(_) | store::Error::Corrupt(_)) {
        let error: &dyn std::error::Error = &error;
        tracing::error!(error, "the store failed");
    }
    error.into()
}
