//! The hub's guard: credentials become a viewer, a viewer and a need become the store's permit, a permit becomes a place.
//! It keeps nothing between requests; what may be remembered, and for how long, is the store's affair.

use std::net::IpAddr;

use http::HeaderMap;
use model::fault::FaultCode;
use model::oci::RepositoryName;
use registry::Error;
use registry::ledger::{LedgerError, Place};
use store::access::{self, Delete, Permit, Pull, Push, Viewer};

use crate::state::State;
use crate::v2::SERVICE;
use crate::v2::challenge::{Realm, Trouble, Wanted, unauthorized};
use crate::v2::credentials::Credentials;
use crate::v2::needs::Need;

/// Who asks, and by what right they are refused.
#[derive(Debug)]
pub struct Caller {
    viewer: Viewer,
    with: With,
}

/// What the caller came with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum With {
    /// Nothing; they may sign in.
    Nothing,
    /// A token of the token service; they may get one with more in it.
    Token,
    /// Their password or a personal access token; there is nothing more to get.
    Secret,
}

/// What a guard lets through.
#[derive(Debug)]
pub struct Admitted {
    /// Where the request may be done.
    pub place: Place,
    /// Where a mount may read from.
    pub mount_from: Option<Place>,
}

impl Caller {
    /// Finds out who asks.
    pub async fn of(
        state: &State,
        headers: &HeaderMap,
        address: Option<IpAddr>,
        realm: Realm<'_>,
        wanted: Wanted<'_>,
    ) -> Result<Self, Error> {
        let (with, viewer) = match Credentials::of(headers) {
            Credentials::None => return Ok(Self { viewer: state.store.anonymous(), with: With::Nothing }),
            Credentials::Token(token) => (With::Token, state.store.bearer_viewer(token, SERVICE).await),
            Credentials::Secret(secret) => (With::Secret, state.store.secret_viewer(secret).await),
            Credentials::Basic { name, password } => {
                (With::Secret, state.store.sign_in(&name, &password, address).await)
            }
            Credentials::Unreadable => return Err(unauthorized(realm, wanted, Some(Trouble::InvalidToken))),
        };
        match viewer {
            Ok(viewer) => Ok(Self { viewer, with }),
            Err(store::Error::Absent | store::Error::SignIn | store::Error::Forbidden) => {
                Err(unauthorized(realm, wanted, Some(Trouble::InvalidToken)))
            }
            Err(store::Error::Fault(fault)) if fault.code != FaultCode::TooMany => {
                Err(unauthorized(realm, wanted, Some(Trouble::InvalidToken)))
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// Whether they came with anything at all.
    pub const fn is_known(&self) -> bool {
        !matches!(self.with, With::Nothing)
    }

    /// Who they are.
    pub const fn viewer(&self) -> &Viewer {
        &self.viewer
    }

    /// Lets a request within one repository through, or says why not.
    pub async fn admit(
        &self,
        state: &State,
        name: &RepositoryName,
        need: Need,
        mount_source: Option<&RepositoryName>,
        realm: Realm<'_>,
    ) -> Result<Admitted, Error> {
        let path = name.clone().within_hub();
        let source = mount_source.map(|source| source.clone().within_hub());
        let permitted = match need {
            Need::Pull => state.store.permit::<Pull>(&self.viewer, &path).await.map(|permit| place(&permit)),
            Need::Push => state.store.permit::<Push>(&self.viewer, &path).await.map(|permit| place(&permit)),
            Need::Create => {
                state.store.push_permit(&self.viewer, &path, state.clock.now()).await.map(|permit| place(&permit))
            }
            Need::Delete => state.store.permit::<Delete>(&self.viewer, &path).await.map(|permit| place(&permit)),
        };
        let place = match permitted {
            Ok(place) => place,
            Err(error) => {
                let wanted = Wanted::Repository(&path, need, source.as_ref());
                return Err(self.refusal(state, error, &path, wanted, realm).await);
            }
        };
        // What may not be read cannot be mounted: an upload opens instead, as it does where nothing is there.
        let mount_from = match source {
            Some(source) => match state.store.permit::<Pull>(&self.viewer, &source).await {
                Ok(permit) => Some(self::place(&permit)),
                Err(error @ (store::Error::Unavailable(_) | store::Error::Corrupt(_))) => return Err(failed(error)),
                Err(_) => None,
            },
            None => None,
        };
        Ok(Admitted { place, mount_from })
    }

    /// Why the store's refusal is answered as it is: whoever cannot see a repository is told the same whether it exists or not.
    ///
    /// A token is good for what was asked of the token service, so its holder is sent back there; only where the caller may make
    /// the repository, and so may know that it is missing, does a token's holder learn that.
    async fn refusal(
        &self,
        state: &State,
        error: store::Error,
        path: &RepositoryName,
        wanted: Wanted<'_>,
        realm: Realm<'_>,
    ) -> Error {
        match (error, self.with) {
            (store::Error::Absent | store::Error::SignIn | store::Error::Forbidden, With::Nothing) => {
                unauthorized(realm, wanted, None)
            }
            (store::Error::Absent, With::Token) => match state.store.may_create_by_push(&self.viewer, path).await {
                Ok(true) => Error::NameUnknown,
                Ok(false) => unauthorized(realm, wanted, Some(Trouble::InsufficientScope)),
                Err(error) => failed(error),
            },
            (store::Error::SignIn | store::Error::Forbidden, With::Token) => {
                unauthorized(realm, wanted, Some(Trouble::InsufficientScope))
            }
            (store::Error::Absent, With::Secret) => Error::NameUnknown,
            (store::Error::Forbidden | store::Error::SignIn, With::Secret) => Error::Denied,
            (error, _) => failed(error),
        }
    }
}

/// The place that a permit opens to the engine.
pub fn place<N: access::Need>(permit: &Permit<N>) -> Place {
    Place { id: permit.repository(), name: permit.path().clone(), actor: permit.actor().cloned() }
}

/// A failure of the store as the engine's.
pub fn failed(error: store::Error) -> Error {
    match error {
        store::Error::Fault(fault) if fault.code == FaultCode::TooMany => {
            Error::TooManyRequests(u64::from(fault.retry_after.unwrap_or(1)))
        }
        store::Error::Absent => Error::NameUnknown,
        store::Error::SignIn | store::Error::Forbidden | store::Error::Fault(_) => Error::Denied,
        error @ (store::Error::Unavailable(_) | store::Error::Corrupt(_)) => {
            Error::Ledger(LedgerError::Unavailable(Box::new(error)))
        }
    }
}
