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
use store::access::{Need, Permit, Viewer};
use tower_sessions::Session;

pub use self::facts::Facts;
use crate::state::State;

/// One viewer's way to everything, for the length of one request.
pub struct Visit {
    state: State,
    viewer: Viewer,
    session: Option<Session>,
    facts: Facts,
    /// Who is signed in, where it was read already.
    me: Option<Me>,
}

/// The portal for a page or an action of this viewer.
pub fn for_request(state: &State, viewer: Viewer, me: Option<Me>, session: Session, parts: &Parts) -> PortalHandle {
    let facts = Facts::read(parts, state);
    Arc::new(Visit { state: state.clone(), viewer, session: Some(session), facts, me })
}

impl Visit {
    /// A visit that keeps nothing between requests: whoever signs up here is not signed in, and there is no flash.
    pub fn without_session(state: State, viewer: Viewer, facts: Facts) -> Self {
        Self { state, viewer, session: None, facts, me: None }
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
