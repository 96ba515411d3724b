//! The hub's guard: credentials become a viewer, a viewer and a need become the store's permit, a permit becomes a place.
//! It keeps nothing between requests; what may be remembered, and for how long, is the store's affair.

use http::request::Parts;
use model::fault::FaultCode;
use model::oci::RepositoryName;
use registry::Error;
use registry::ledger::{LedgerError, Place};
use store::access::{self, Delete, Permit, Pull, Push, Viewer};

use crate::http::caller::{self, Peer};
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

/// One request to the hub's engine, as far as a guard looks at it.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The hub.
    pub state: &'a State,
    /// The request's head.
    pub parts: &'a Parts,
    /// The other end of its connection.
    pub peer: Option<Peer>,
}

impl Asked<'_> {
    /// The answer that sends the caller to the token service.
    pub fn unauthorized(self, wanted: Wanted<'_>, trouble: Option<Trouble>) -> Error {
        let root = caller::site_root(&self.state.config, self.peer, &self.parts.uri, &self.parts.headers);
        unauthorized(Realm { root: &root, service: SERVICE }, wanted, trouble)
    }
}

impl Caller {
    /// Finds out who asks.
    pub async fn of(asked: Asked<'_>, wanted: Wanted<'_>) -> Result<Self, Error> {
        let store = &asked.state.store;
        let (with, viewer) = match Credentials::of(&asked.parts.headers) {
            Credentials::None => return Ok(Self { viewer: store.anonymous(), with: With::Nothing }),
            Credentials::Token(token) => (With::Token, store.bearer_viewer(token, SERVICE).await),
            Credentials::Secret(secret) => (With::Secret, store.secret_viewer(secret).await),
            Credentials::Basic { name, password } => {
                let address = caller::address(&asked.state.config, asked.peer, &asked.parts.headers);
                (With::Secret, store.sign_in(&name, &password, address).await)
            }
            Credentials::Unreadable => return Err(asked.unauthorized(wanted, Some(Trouble::InvalidToken))),
        };
        match viewer {
            Ok(viewer) => Ok(Self { viewer, with }),
            Err(store::Error::Absent | store::Error::SignIn | store::Error::Forbidden) => {
                Err(asked.unauthorized(wanted, Some(Trouble::InvalidToken)))
            }
            Err(store::Error::Fault(fault)) if fault.code != FaultCode::TooMany => {
                Err(asked.unauthorized(wanted, Some(Trouble::InvalidToken)))
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// Whether they came with anything at all.
    pub const fn is_known(&self) -> bool {
        !matches!(self.with, With::Nothing)
    }

    /// Whether they may ask for the catalog; a token that was not asked for with it would show an empty one.
    pub const fn may_list(&self) -> bool {
        !matches!(self.with, With::Token) || self.viewer.lists_all()
    }

    /// Who they are.
    pub const fn viewer(&self) -> &Viewer {
        &self.viewer
    }

    /// Lets a request within one repository through, or says why not. Both names are as the hub knows them.
    pub async fn admit(
        &self,
        asked: Asked<'_>,
        path: &RepositoryName,
        need: Need,
        source: Option<&RepositoryName>,
    ) -> Result<Admitted, Error> {
        let store = &asked.state.store;
        let permitted = match need {
            Need::Pull => store.permit::<Pull>(&self.viewer, path).await.map(|permit| place(&permit)),
            Need::Push => store.permit::<Push>(&self.viewer, path).await.map(|permit| place(&permit)),
            Need::Create => {
                let now = asked.state.clock.now();
                store.push_permit(&self.viewer, path, now).await.map(|permit| place(&permit))
            }
            Need::Delete => store.permit::<Delete>(&self.viewer, path).await.map(|permit| place(&permit)),
        };
        let place = match permitted {
            Ok(place) => place,
            Err(error) => {
                return Err(self.refusal(asked, error, path, Wanted::Repository(path, need, source)).await);
            }
        };
        // What may not be read cannot be mounted: an upload opens instead, as it does where nothing is there.
        let mount_from = match source {
            Some(source) => match store.permit::<Pull>(&self.viewer, source).await {
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
    async fn refusal(&self, asked: Asked<'_>, error: store::Error, path: &RepositoryName, wanted: Wanted<'_>) -> Error {
        match (error, self.with) {
            (store::Error::Absent | store::Error::SignIn | store::Error::Forbidden, With::Nothing) => {
                asked.unauthorized(wanted, None)
            }
            (store::Error::Absent, With::Token) => match asked.state.store.may_know_missing(&self.viewer, path).await {
                Ok(true) => Error::NameUnknown,
                Ok(false) => asked.unauthorized(wanted, Some(Trouble::InsufficientScope)),
                Err(error) => failed(error),
            },
            (store::Error::SignIn | store::Error::Forbidden, With::Token) => {
                asked.unauthorized(wanted, Some(Trouble::InsufficientScope))
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
        full if full.is_full() => Error::LedgerFull(LedgerError::Full(Box::new(full))),
        error @ (store::Error::Unavailable(_) | store::Error::Corrupt(_)) => {
            Error::Ledger(LedgerError::Unavailable(Box::new(error)))
        }
    }
}
