//! The policy itself: from what somebody is to a repository, and what they want, to what they get.
//! Pure and total; it refuses to know where a standing comes from.

use model::repository::CommentPolicy;
use model::role::Visibility;

use super::need::NeedKind;
use super::standing::Standing;

/// What somebody gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They may.
    Allowed,
    /// For them there is nothing.
    Absent,
    /// They may see it, but not do this.
    Forbidden,
    /// They may see it, and could perhaps do this if they signed in.
    SignIn,
}

/// Whether a standing is enough for a need.
///
/// What one may not see is absent, whatever one wants. A token's reach is asked before any role: it narrows, and never
/// grants.
pub fn verdict(standing: &Standing, need: NeedKind) -> Verdict {
    let Some(ground) = &standing.ground else { return Verdict::Absent };
    let seen = match ground.visibility {
        Visibility::Public => true,
        Visibility::Internal => standing.signed_in || standing.role.is_some(),
        Visibility::Private => standing.role.is_some(),
    };
    if !seen || !standing.reach.any() {
        return Verdict::Absent;
    }
    if need.action().is_some_and(|action| !standing.reach.includes(action)) {
        return if standing.signed_in { Verdict::Forbidden } else { Verdict::SignIn };
    }
    let enough = match need {
        NeedKind::See | NeedKind::Pull => return Verdict::Allowed,
        _ if !standing.signed_in => return Verdict::SignIn,
        NeedKind::Star => true,
        NeedKind::Comment => match ground.comments {
            CommentPolicy::Everyone => true,
            CommentPolicy::Members => standing.role.is_some(),
            CommentPolicy::Off => false,
        },
        NeedKind::Push | NeedKind::Delete | NeedKind::Manage | NeedKind::Own => standing.role >= need.least_role(),
    };
    if enough { Verdict::Allowed } else { Verdict::Forbidden }
}
