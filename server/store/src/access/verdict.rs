//! The policy: pure functions from standing and need to verdict. `policy.txt` next to this file lists every decision.

use model::repository::CommentPolicy;
use model::role::{Role, Visibility};
use model::token::TokenAction;

use super::need::NeedKind;
use super::standing::{NamespaceStanding, SiteStanding, Standing};
use crate::error::{Error, Result};

/// The answer to a need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The caller may do it.
    Allowed,
    /// The answer must be the same as if the repository did not exist.
    Absent,
    /// The caller may see it, but not do this.
    Forbidden,
    /// The caller may see it, and might be allowed after signing in.
    SignIn,
}

impl Verdict {
    /// Returns the matching error unless the verdict is `Allowed`.
    pub(crate) const fn require(self) -> Result<()> {
        match self {
            Self::Allowed => Ok(()),
            Self::Absent => Err(Error::Absent),
            Self::Forbidden => Err(Error::Forbidden),
            Self::SignIn => Err(Error::SignIn),
        }
    }

    /// `Allowed` if the rule holds, otherwise `Forbidden`.
    const fn allowed_if(rule: bool) -> Self {
        if rule { Self::Allowed } else { Self::Forbidden }
    }

    /// Returns this verdict, or that of `next` if this one is `Allowed`.
    fn and(self, next: impl FnOnce() -> Self) -> Self {
        if self == Self::Allowed { next() } else { self }
    }
}

/// Whether a standing is enough for a need.
///
/// A repository that the caller may not see is absent for every need. A token's scopes are checked before the role that
/// the need requires: they restrict and never grant.
pub fn verdict(standing: &Standing, need: NeedKind) -> Verdict {
    let Some(facts) = &standing.facts else { return Verdict::Absent };
    let seen = match facts.visibility {
        Visibility::Public => true,
        Visibility::Internal => standing.signed_in || standing.role.is_some(),
        Visibility::Private => standing.role.is_some(),
    };
    if !seen || !standing.allowed.any() {
        return Verdict::Absent;
    }
    if need.action().is_some_and(|action| !standing.allowed.includes(action)) {
        return if standing.signed_in { Verdict::Forbidden } else { Verdict::SignIn };
    }
    Verdict::allowed_if(match need {
        NeedKind::See | NeedKind::Pull => true,
        _ if !standing.signed_in => return Verdict::SignIn,
        NeedKind::Star | NeedKind::Participate => true,
        NeedKind::Comment => match facts.comments {
            CommentPolicy::Everyone => true,
            CommentPolicy::Members => standing.role.is_some(),
            CommentPolicy::Off => false,
        },
        NeedKind::Push | NeedKind::Delete | NeedKind::Manage | NeedKind::Own => standing.role >= need.least_role(),
    })
}

/// What a caller wants to do with an existing comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommentAct {
    /// Change its text.
    Edit,
    /// Delete it.
    Delete,
}

/// Whether a standing is enough to edit or delete a comment: authors may do both, maintainers may delete any.
pub fn comment_verdict(standing: &Standing, is_author: bool, act: CommentAct) -> Verdict {
    verdict(standing, NeedKind::Participate).and(|| {
        let moderates = act == CommentAct::Delete && standing.role >= Some(Role::Maintainer);
        Verdict::allowed_if(is_author || moderates)
    })
}

/// A change of the role that an account has on a repository.
#[derive(Clone, Copy, Debug)]
pub struct RoleChange {
    /// Whether the caller changes their own role.
    pub own: bool,
    /// The role before.
    pub before: Option<Role>,
    /// The role afterwards.
    pub after: Option<Role>,
}

/// Whether a standing is enough to change a role: the roles before and after must be lower than the caller's. Everyone
/// may give up their own role.
pub fn role_verdict(standing: &Standing, change: RoleChange) -> Verdict {
    if change.own && change.after.is_none() {
        return verdict(standing, NeedKind::Participate)
            .and(|| if change.before.is_some() { Verdict::Allowed } else { Verdict::Absent });
    }
    verdict(standing, NeedKind::Manage)
        .and(|| Verdict::allowed_if(change.before < standing.role && change.after < standing.role))
}

/// Whether a standing is enough to create a repository in a namespace, with a token that must allow `action` on its
/// path.
pub fn create_verdict(standing: &NamespaceStanding, action: TokenAction) -> Verdict {
    if !standing.signed_in {
        return Verdict::SignIn;
    }
    Verdict::allowed_if(standing.role >= Some(Role::Maintainer) && standing.allowed.includes(action))
}

/// Needs that concern no repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteNeed {
    /// Change the caller's own account, its password and its tokens.
    OwnAccount,
    /// Administer the site.
    Administer,
}

impl SiteNeed {
    /// All site needs, in the order of the policy table.
    pub const ALL: [Self; 2] = [Self::OwnAccount, Self::Administer];
}

/// Whether a standing is enough for a site need. Tokens with scopes allow none of them.
pub fn site_verdict(standing: SiteStanding, need: SiteNeed) -> Verdict {
    match (standing, need) {
        // The site itself (`System`) has no account.
        (SiteStanding::Anonymous, _) | (SiteStanding::System, SiteNeed::OwnAccount) => Verdict::SignIn,
        (SiteStanding::Member { limited, .. }, SiteNeed::OwnAccount) => Verdict::allowed_if(!limited),
        (SiteStanding::Member { limited, admin }, SiteNeed::Administer) => Verdict::allowed_if(admin && !limited),
        (SiteStanding::System, SiteNeed::Administer) => Verdict::Allowed,
    }
}
