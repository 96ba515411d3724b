//! What pages and REST can do for one viewer in one request: parse input, get a permit, call the store. All access
//! decisions are made by the store; its permits are the only way to a repository.

mod accounts;
mod answer;
mod comments;
mod facts;
mod images;
mod repositories;
mod search;

use std::sync::{Arc, Mutex};

use app::portal::{Flash, PortalHandle};
use http::request::Parts;
use model::account::Me;
use model::fault::Fault;
use model::oci::RepositoryName;
use store::access::{Need, Permit, Scope, Viewer};
use store::sessions::SessionAccount;
use tokio::sync::OnceCell;
use tower_sessions::Session;

pub use self::facts::RequestFacts;
use crate::limits::{LimitedAction, LimitedCaller};
use crate::state::State;

/// A request of a viewer.
pub struct Visit {
    state: State,
    viewer: Viewer,
    session: Option<Session>,
    /// Whether the session contained nothing but the account when the request arrived.
    is_bare: bool,
    facts: RequestFacts,
    /// The account that is signed in, if already read.
    me: Option<Me>,
    /// What the viewer may see in lists, once read.
    scope: OnceCell<Scope>,
    /// The page to answer a form with, and its flash message.
    shown: Mutex<Option<(String, Option<Flash>)>>,
}

/// The portal of a page or action, for the account of this session.
pub fn for_request(state: &State, account: Option<SessionAccount>, session: Session, parts: &Parts) -> PortalHandle {
    let facts = RequestFacts::read(parts, state);
    // A session with nothing but the account need not be read again.
    let is_bare = account.as_ref().is_some_and(|account| !account.holds_more);
    let (viewer, me) = match account {
        Some(account) => (account.viewer, Some(account.me)),
        None => (state.store.anonymous(), None),
    };
    let state = state.clone();
    Arc::new(Visit { me, is_bare, session: Some(session), ..Visit::without_session(state, viewer, facts) })
}

impl Visit {
    /// A visit without a session: sign-up does not sign in, and there are no flash messages.
    pub fn without_session(state: State, viewer: Viewer, facts: RequestFacts) -> Self {
        let (scope, shown) = (OnceCell::new(), Mutex::default());
        Self { state, viewer, session: None, is_bare: true, facts, me: None, scope, shown }
    }

    async fn scope(&self) -> Result<&Scope, Fault> {
        self.scope.get_or_try_init(|| async { self.state.store.scope(&self.viewer).await.map_err(told) }).await
    }

    /// Counts an action of the viewer; fails if it is one too many.
    fn limited(&self, action: LimitedAction) -> Result<(), Fault> {
        self.state.limits.check(action, LimitedCaller::of(&self.viewer, self.facts.source()))
    }

    async fn permit<N: Need>(&self, path: &RepositoryName) -> Result<Permit<N>, Fault> {
        self.state.store.permit::<N>(&self.viewer, path).await.map_err(told)
    }
}

/// Converts an error of the store to one that people may see; internal errors are logged here, within the request's
/// span.
pub(crate) fn told(error: store::Error) -> Fault {
    if matches!(error, store::Error::Unavailable(_) | store::Error::Corrupt(_)) {
        let error: &dyn std::error::Error = &error;
        tracing::error!(error, "the store failed");
    }
    error.into()
}
