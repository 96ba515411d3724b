//! Authentication and authorisation of the hub's registry requests: the credentials identify a viewer, and the store
//! issues permits to the viewer.

use http::request::Parts;
use model::fault::FaultCode;
use model::oci::RepositoryName;
use registry::Error;
use registry::ledger::{LedgerError, Place};
use store::access::{self, Permit, Pull, Push, Viewer};

use crate::http::authorization::Credentials;
use crate::http::caller::{self, Peer};
use crate::limits::{LimitedAction, LimitedCaller};
use crate::state::State;
use crate::v2::SERVICE;
use crate::v2::challenge::{Realm, RequiredScope, TokenError, unauthorized};
use crate::v2::need::Need;
use crate::v2::operation::AuthorizedPlaces;

/// The sender of a request, and the kind of credentials they sent.
#[derive(Debug)]
pub struct Caller {
    viewer: Viewer,
    credential: CredentialKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CredentialKind {
    /// No credentials; the caller may sign in.
    None,
    /// A token of the token service; the caller may get one with a wider scope.
    Token,
    /// A password or a personal access token; a token would not allow more.
    Secret,
}

/// A request to the hub's registry.
#[derive(Clone, Copy)]
pub struct HubRequest<'a> {
    /// The hub.
    pub state: &'a State,
    /// The request's head.
    pub parts: &'a Parts,
    /// The peer of the connection.
    pub peer: Option<Peer>,
}

impl HubRequest<'_> {
    /// Returns the error that sends the caller to the token service.
    pub fn unauthorized(self, wanted: RequiredScope<'_>, error: Option<TokenError>) -> Error {
        let root = caller::site_root(&self.state.config, self.peer, &self.parts.uri, &self.parts.headers);
        unauthorized(Realm { root: &root, service: SERVICE }, wanted, error)
    }
}

impl Caller {
    /// Authenticates the sender of a request. `wanted` is the scope for the challenge if that fails.
    pub async fn of(request: HubRequest<'_>, wanted: RequiredScope<'_>) -> Result<Self, Error> {
        let store = &request.state.store;
        let (credential, viewer) = match Credentials::of(&request.parts.headers) {
            Credentials::None => return Ok(Self { viewer: store.anonymous(), credential: CredentialKind::None }),
            Credentials::Token(token) => (CredentialKind::Token, store.bearer_viewer(token, SERVICE).await),
            Credentials::Secret(secret) => (CredentialKind::Secret, store.secret_viewer(secret).await),
            Credentials::Basic { name, password } => {
                let address = caller::address(&request.state.config, request.peer, &request.parts.headers);
                (CredentialKind::Secret, store.sign_in(&name, &password, address).await)
            }
            Credentials::Unreadable => return Err(request.unauthorized(wanted, Some(TokenError::InvalidToken))),
        };
        match viewer {
            Ok(viewer) => Ok(Self { viewer, credential }),
            Err(store::Error::Absent | store::Error::SignIn | store::Error::Forbidden) => {
                Err(request.unauthorized(wanted, Some(TokenError::InvalidToken)))
            }
            Err(store::Error::Fault(fault)) if fault.code != FaultCode::TooMany => {
                Err(request.unauthorized(wanted, Some(TokenError::InvalidToken)))
            }
            Err(error) => Err(store_error(error)),
        }
    }

    /// Whether the caller sent credentials.
    pub const fn is_authenticated(&self) -> bool {
        !matches!(self.credential, CredentialKind::None)
    }

    /// Whether the caller may list the catalog. A token without that scope is refused, because its catalog would be
    /// empty.
    pub const fn may_list(&self) -> bool {
        !matches!(self.credential, CredentialKind::Token) || self.viewer.lists_all()
    }

    /// Returns the caller as a viewer.
    pub const fn viewer(&self) -> &Viewer {
        &self.viewer
    }

    /// Authorises an operation. `path` and `source` are full names: one-word names already have their namespace.
    pub async fn admit(
        &self,
        request: HubRequest<'_>,
        path: &RepositoryName,
        need: Need,
        source: Option<&RepositoryName>,
    ) -> Result<AuthorizedPlaces, Error> {
        let store = &request.state.store;
        let permitted = match need {
            Need::Pull => store.permit::<Pull>(&self.viewer, path).await.map(|permit| place(&permit)),
            Need::Blob => store.continued_pull_permit(&self.viewer, path).await.map(|permit| place(&permit)),
            Need::Push => store.continued_push_permit(&self.viewer, path).await.map(|permit| place(&permit)),
            Need::Create => self.push_permit(request, path).await.map(|permit| place(&permit)),
            Need::Delete => store.continued_delete_permit(&self.viewer, path).await.map(|permit| place(&permit)),
        };
        let place = match permitted {
            Ok(place) => place,
            Err(error) => {
                return Err(self.refusal(request, error, (path, need), source).await);
            }
        };
        // If the source may not be read, nothing is mounted and an upload is opened, as if the source did not exist.
        let mount_from = match source {
            Some(source) => match store.permit::<Pull>(&self.viewer, source).await {
                Ok(permit) => Some(self::place(&permit)),
                Err(error @ (store::Error::Unavailable(_) | store::Error::Corrupt(_))) => {
                    return Err(store_error(error));
                }
                Err(_) => None,
            },
            None => None,
        };
        Ok(AuthorizedPlaces { place, mount_from })
    }

    /// Returns a permit to push, and creates the repository if it does not exist.
    async fn push_permit(&self, request: HubRequest<'_>, path: &RepositoryName) -> store::Result<Permit<Push>> {
        let store = &request.state.store;
        match store.continued_push_permit(&self.viewer, path).await {
            Err(store::Error::Absent) if self.viewer.is_signed_in() => {
                let caller = LimitedCaller::of(&self.viewer, None);
                request.state.limits.check(LimitedAction::Repository, caller).map_err(store::Error::Fault)?;
                store.push_permit(&self.viewer, path, request.state.clock.now()).await
            }
            permit => permit,
        }
    }

    /// Converts a refusal of the store. A hidden repository and a missing one give the same error.
    ///
    /// The holder of a token is sent back to the token service, because the token has only the scope that was asked
    /// for. They learn that the repository does not exist only if they may create it.
    async fn refusal(
        &self,
        request: HubRequest<'_>,
        error: store::Error,
        (path, need): (&RepositoryName, Need),
        source: Option<&RepositoryName>,
    ) -> Error {
        let wanted = RequiredScope::Repository(path, need, source);
        match (error, self.credential) {
            (store::Error::Absent | store::Error::SignIn | store::Error::Forbidden, CredentialKind::None) => {
                request.unauthorized(wanted, None)
            }
            (store::Error::Absent, CredentialKind::Token) => {
                match request.state.store.may_create(&self.viewer, path, need.enough_for_absence()).await {
                    Ok(true) => Error::NameUnknown,
                    Ok(false) => request.unauthorized(wanted, Some(TokenError::InsufficientScope)),
                    Err(error) => store_error(error),
                }
            }
            (store::Error::SignIn | store::Error::Forbidden, CredentialKind::Token) => {
                request.unauthorized(wanted, Some(TokenError::InsufficientScope))
            }
            (store::Error::Absent, CredentialKind::Secret) => Error::NameUnknown,
            (store::Error::Forbidden | store::Error::SignIn, CredentialKind::Secret) => Error::Denied,
            (error, _) => store_error(error),
        }
    }
}

/// Returns the repository of a permit, for the engine.
pub fn place<N: access::Need>(permit: &Permit<N>) -> Place {
    Place { id: permit.repository(), name: permit.path().clone(), actor: permit.viewer().actor() }
}

/// Converts an error of the store into one of the engine.
pub fn store_error(error: store::Error) -> Error {
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
