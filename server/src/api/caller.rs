//! Who calls: the viewer that a request's `Authorization` header makes, checked again on each request.

use std::net::IpAddr;

use http::HeaderMap;
use store::access::Viewer;

use super::problem::Problem;
use crate::http::authorization::Credentials;
use crate::portal::told;
use crate::state::State;

/// The viewer of a request; anonymous without credentials. A token of the token service is for the registry alone.
pub(super) async fn viewer(state: &State, headers: &HeaderMap, source: Option<IpAddr>) -> Result<Viewer, Problem> {
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
