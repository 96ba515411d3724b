//! The viewer of a request, from its `Authorization` header.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::request::Parts;
use model::fault::Fault;
use store::access::Viewer;

use super::problem::Problem;
use crate::http::authorization::Credentials;
use crate::portal::{RequestFacts, Visit, told};
use crate::state::State;

/// The portal of any caller.
pub(super) struct Caller(pub(super) Visit);

impl FromRequestParts<State> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Problem> {
        let facts = RequestFacts::read(parts, state);
        let viewer = viewer(state, &parts.headers, facts.source()).await?;
        Ok(Self(Visit::without_session(state.clone(), viewer, facts)))
    }
}

/// The portal of a caller with credentials; without them, every request gets 401.
pub(super) struct SignedIn(pub(super) Visit);

impl FromRequestParts<State> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Problem> {
        let facts = RequestFacts::read(parts, state);
        let viewer = viewer(state, &parts.headers, facts.source()).await?;
        if !viewer.is_signed_in() {
            return Err(Fault::sign_in().into());
        }
        Ok(Self(Visit::without_session(state.clone(), viewer, facts)))
    }
}

/// Returns the viewer of a request; anonymous without credentials. Tokens of the token service are for the registry
/// only.
async fn viewer(state: &State, headers: &HeaderMap, source: Option<IpAddr>) -> Result<Viewer, Problem> {
    let checked = match Credentials::of(headers) {
        Credentials::None => return Ok(state.store.anonymous()),
        Credentials::Secret(secret) => state.store.secret_viewer(secret).await,
        Credentials::Basic { name, password } => state.store.sign_in(&name, &password, source).await,
        Credentials::Token(_) | Credentials::Unreadable => return Err(Problem::credentials()),
    };
    checked.map_err(|error| match error {
        store::Error::SignIn | store::Error::Absent | store::Error::Forbidden => Problem::credentials(),
        error => told(error).into(),
    })
}
