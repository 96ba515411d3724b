//! The caller: anonymous, an account whose credentials this package checked, or the site itself with a reason.

use std::sync::Arc;

use model::account::AccountName;
use model::id::{AccountId, TokenId};
use model::token::{TokenAction, TokenScope};

use super::standing::{AllowedActions, SiteStanding};
use super::verdict::{SiteNeed, site_verdict};
use crate::Store;
use crate::error::{Error, Result};

/// The caller. Only this package creates viewers: from a session, password or token that it checked, for a new account,
/// or for the owner of a [`System`].
#[derive(Clone, Debug)]
pub struct Viewer {
    who: ViewerKind,
    limits: Option<Arc<[TokenScope]>>,
    whole_lists: bool,
    token: Option<TokenId>,
    /// Whether the account was read for this request, so that it need not be read again.
    current: bool,
}

#[derive(Clone, Debug)]
enum ViewerKind {
    Anonymous,
    Member { id: AccountId, name: AccountName, admin: bool },
    System(&'static str),
}

impl Viewer {
    pub(crate) fn nobody() -> Self {
        Self { who: ViewerKind::Anonymous, limits: None, whole_lists: false, token: None, current: false }
    }

    pub(crate) fn member(id: AccountId, name: AccountName, admin: bool) -> Self {
        Self {
            who: ViewerKind::Member { id, name, admin },
            limits: None,
            whole_lists: false,
            token: None,
            current: false,
        }
    }

    /// Restricts the viewer to these scopes. Lists then only show repositories that the scopes match, unless
    /// `whole_lists` says that the token allows the whole catalog.
    pub(crate) fn limited(self, scopes: Vec<TokenScope>, whole_lists: bool) -> Self {
        Self { limits: Some(scopes.into()), whole_lists, ..self }
    }

    /// Records the personal token that the viewer used.
    pub(crate) fn by_token(self, token: TokenId) -> Self {
        Self { token: Some(token), ..self }
    }

    /// Records that the account was read for this request. Do not keep this viewer beyond the request.
    pub(crate) fn read_now(self) -> Self {
        Self { current: true, ..self }
    }

    /// Whether the account was read for this request.
    pub(crate) const fn is_current(&self) -> bool {
        self.current
    }

    /// The personal token used, if any.
    pub(crate) const fn token(&self) -> Option<TokenId> {
        self.token
    }

    /// The account that is signed in.
    pub fn account(&self) -> Option<(AccountId, &AccountName)> {
        match &self.who {
            ViewerKind::Member { id, name, .. } => Some((*id, name)),
            ViewerKind::Anonymous | ViewerKind::System(_) => None,
        }
    }

    /// The account's id.
    pub(crate) fn account_id(&self) -> Option<AccountId> {
        self.account().map(|(id, _)| id)
    }

    /// Whether the viewer is signed in.
    pub fn is_signed_in(&self) -> bool {
        self.account().is_some()
    }

    /// Whether the viewer is a site administrator.
    pub fn is_admin(&self) -> bool {
        matches!(self.who, ViewerKind::Member { admin: true, .. })
    }

    /// Whether the viewer is the site itself.
    pub fn is_system(&self) -> bool {
        matches!(self.who, ViewerKind::System(_))
    }

    /// The reason for which the site itself acts; `None` for other viewers.
    pub fn reason(&self) -> Option<&'static str> {
        match self.who {
            ViewerKind::System(reason) => Some(reason),
            ViewerKind::Anonymous | ViewerKind::Member { .. } => None,
        }
    }

    /// The scopes of the token used; `None` if there is no restriction.
    pub fn limits(&self) -> Option<&[TokenScope]> {
        self.limits.as_deref()
    }

    /// The scopes that restrict lists; `None` if lists show everything the viewer may see.
    pub(super) fn list_limits(&self) -> Option<Arc<[TokenScope]>> {
        if self.whole_lists { None } else { self.limits.clone() }
    }

    /// Whether lists show everything the viewer may see: there are no scopes, or the token allows the whole catalog.
    pub const fn lists_all(&self) -> bool {
        self.whole_lists || self.limits.is_none()
    }

    /// The actions that the scopes allow on a path.
    pub fn allowed(&self, path: &str) -> AllowedActions {
        match &self.limits {
            None => AllowedActions::ALL,
            Some(scopes) => {
                let covering = scopes.iter().filter(|scope| scope.covers(path));
                covering.fold(AllowedActions::NONE, |all, scope| {
                    all.with(AllowedActions::of(|action: TokenAction| scope.actions().contains(&action)))
                })
            }
        }
    }

    /// Returns proof that the viewer may change their own account. Tokens with scopes do not allow it.
    pub(crate) fn own_account(&self) -> Result<OwnAccount> {
        site_verdict(self.standing(), SiteNeed::OwnAccount).require()?;
        let (id, name) = self.account().ok_or(Error::SignIn)?;
        Ok(OwnAccount { id, name: name.clone() })
    }

    /// Returns proof that the viewer may administer the site.
    pub(crate) fn administrator(&self) -> Result<Administrator> {
        site_verdict(self.standing(), SiteNeed::Administer).require()?;
        Ok(Administrator { viewer: self.clone() })
    }

    fn standing(&self) -> SiteStanding {
        match self.who {
            ViewerKind::Anonymous => SiteStanding::Anonymous,
            ViewerKind::Member { admin, .. } => SiteStanding::Member { admin, limited: self.limits.is_some() },
            ViewerKind::System(_) => SiteStanding::System,
        }
    }
}

/// Proof that a viewer may change their own account.
#[derive(Debug)]
pub(crate) struct OwnAccount {
    /// The account's id.
    pub(crate) id: AccountId,
    /// The account's name.
    pub(crate) name: AccountName,
}

/// Proof that the viewer is an administrator or the site itself.
#[derive(Debug)]
pub(crate) struct Administrator {
    viewer: Viewer,
}

impl Administrator {
    /// The acting viewer.
    pub(crate) const fn viewer(&self) -> &Viewer {
        &self.viewer
    }
}

/// Proof that the site itself is the caller, with its store. Only [`Store::open`] creates it; pass it to the jobs and
/// commands that need it.
#[derive(Clone, Debug)]
pub struct System {
    store: Store,
}

impl System {
    pub(crate) const fn of(store: Store) -> Self {
        Self { store }
    }

    /// The store.
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Returns the site as a viewer who may do everything that does not require an account.
    pub fn viewer(&self, reason: &'static str) -> Viewer {
        Viewer { who: ViewerKind::System(reason), limits: None, whole_lists: false, token: None, current: false }
    }
}

impl Store {
    /// Returns an anonymous viewer.
    pub fn anonymous(&self) -> Viewer {
        Viewer::nobody()
    }
}
