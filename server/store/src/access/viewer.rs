//! Who is asking: nobody, somebody whose credentials this package checked, or the site itself with a reason.

use std::sync::Arc;

use model::account::AccountName;
use model::id::{AccountId, TokenId};
use model::token::{TokenAction, TokenScope};

use super::standing::{AllowedActions, SiteStanding};
use super::verdict::{SiteNeed, site_verdict};
use crate::Store;
use crate::error::{Error, Result};

/// Who is asking. Only this package makes one, from a session, a password or a token that it checked.
#[derive(Clone, Debug)]
pub struct Viewer {
    who: ViewerKind,
    limits: Option<Arc<[TokenScope]>>,
    whole_lists: bool,
    token: Option<TokenId>,
    /// Whether their account was read for this request, so that nothing of it needs to be asked again.
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

    /// The same viewer, held to what these scopes allow. Lists show only what they name, unless `whole_lists` says that
    /// the token allows the catalog as a whole.
    pub(crate) fn limited(self, scopes: Vec<TokenScope>, whole_lists: bool) -> Self {
        Self { limits: Some(scopes.into()), whole_lists, ..self }
    }

    /// The same viewer, known to have come with a personal token.
    pub(crate) fn by_token(self, token: TokenId) -> Self {
        Self { token: Some(token), ..self }
    }

    /// The same viewer, whose account was read for this request; to be kept no longer.
    pub(crate) fn read_now(self) -> Self {
        Self { current: true, ..self }
    }

    /// Whether their account was read for this request.
    pub(crate) const fn is_current(&self) -> bool {
        self.current
    }

    /// The personal token that they came with.
    pub(crate) const fn token(&self) -> Option<TokenId> {
        self.token
    }

    /// Who is signed in.
    pub fn account(&self) -> Option<(AccountId, &AccountName)> {
        match &self.who {
            ViewerKind::Member { id, name, .. } => Some((*id, name)),
            ViewerKind::Anonymous | ViewerKind::System(_) => None,
        }
    }

    /// The account's identity.
    pub(crate) fn account_id(&self) -> Option<AccountId> {
        self.account().map(|(id, _)| id)
    }

    /// Whether somebody is signed in.
    pub fn is_signed_in(&self) -> bool {
        self.account().is_some()
    }

    /// Whether they administer the site.
    pub fn is_admin(&self) -> bool {
        matches!(self.who, ViewerKind::Member { admin: true, .. })
    }

    /// Whether it is the site itself.
    pub fn is_system(&self) -> bool {
        matches!(self.who, ViewerKind::System(_))
    }

    /// Why the site itself asks.
    pub fn reason(&self) -> Option<&'static str> {
        match self.who {
            ViewerKind::System(reason) => Some(reason),
            ViewerKind::Anonymous | ViewerKind::Member { .. } => None,
        }
    }

    /// The scopes of the token that they came with; `None` when nothing narrows what they may.
    pub fn limits(&self) -> Option<&[TokenScope]> {
        self.limits.as_deref()
    }

    /// What of the limits holds for lists.
    pub(super) fn list_limits(&self) -> Option<Arc<[TokenScope]>> {
        if self.whole_lists { None } else { self.limits.clone() }
    }

    /// Whether lists show all that they may see: nothing narrows that, or their token allows the catalog as a whole.
    pub const fn lists_all(&self) -> bool {
        self.whole_lists || self.limits.is_none()
    }

    /// What the limits leave on a path.
    pub fn reach(&self, path: &str) -> AllowedActions {
        match &self.limits {
            None => AllowedActions::ALL,
            Some(scopes) => {
                AllowedActions::of(|action: TokenAction| scopes.iter().any(|scope| scope.allows(path, action)))
            }
        }
    }

    /// Proof that they may change their account as a whole, which no token's scopes reach.
    pub(crate) fn own_account(&self) -> Result<OwnAccount> {
        site_verdict(self.standing(), SiteNeed::OwnAccount).require()?;
        let (id, name) = self.account().ok_or(Error::SignIn)?;
        Ok(OwnAccount { id, name: name.clone() })
    }

    /// Proof that they may administer the site.
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

/// Proof that somebody acts on their own account as a whole.
#[derive(Debug)]
pub(crate) struct OwnAccount {
    /// The account's identity.
    pub(crate) id: AccountId,
    /// Its name.
    pub(crate) name: AccountName,
}

/// Proof that an administrator acts, or the site itself.
#[derive(Debug)]
pub(crate) struct Administrator {
    viewer: Viewer,
}

impl Administrator {
    /// Who it is.
    pub(crate) const fn viewer(&self) -> &Viewer {
        &self.viewer
    }
}

/// Proof that the site itself acts, with its store. [`Store::open`] gives one to whoever starts the process, who hands it to
/// the jobs and commands that need it.
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

    /// The site as a viewer, with the reason why it asks; it sees and may do everything.
    pub fn viewer(&self, reason: &'static str) -> Viewer {
        Viewer { who: ViewerKind::System(reason), limits: None, whole_lists: false, token: None, current: false }
    }
}

impl Store {
    /// Nobody in particular.
    pub fn anonymous(&self) -> Viewer {
        Viewer::nobody()
    }
}
