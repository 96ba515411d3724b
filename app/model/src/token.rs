//! Personal access tokens and the syntax of their scopes: `<path glob>:pull,push,delete,manage`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::fault::Fault;
use crate::glob::{InvalidGlob, MAX_STARS, PathGlob};
use crate::id::TokenId;
use crate::reason::Reason;

/// The prefix of a token's secret, by which scanners recognise leaked ones.
pub const SECRET_PREFIX: &str = "ptl_";

/// An action that a token allows on the repositories matching its glob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenAction {
    /// See and pull.
    Pull,
    /// Push.
    Push,
    /// Delete tags and manifests.
    Delete,
    /// Everything else that the token's owner may do, such as star, comment, change settings, rename and delete.
    Manage,
}

impl TokenAction {
    /// All actions, in the order in which they are written.
    pub const ALL: [Self; 4] = [Self::Pull, Self::Push, Self::Delete, Self::Manage];

    /// The name used in scopes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Delete => "delete",
            Self::Manage => "manage",
        }
    }
}

/// A scope: a glob for repository paths and the actions allowed there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenScope {
    glob: PathGlob,
    actions: Vec<TokenAction>,
}

impl TokenScope {
    /// Whether it allows anything on the repository at `path` (`namespace/name`).
    pub fn covers(&self, path: &str) -> bool {
        self.glob.matches(path)
    }

    /// The glob for paths.
    pub fn glob(&self) -> &PathGlob {
        &self.glob
    }

    /// The actions in their usual order, without duplicates.
    pub fn actions(&self) -> &[TokenAction] {
        &self.actions
    }
}

impl FromStr for TokenScope {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let wrong = || Fault::invalid("scopes", Reason::ScopeSyntax);
        let (glob, words) = text.rsplit_once(':').ok_or_else(wrong)?;
        let glob: PathGlob = glob.parse().map_err(|error| match error {
            InvalidGlob::Malformed => wrong(),
            InvalidGlob::TooManyStars => Fault::invalid("scopes", Reason::ScopeStars { max: MAX_STARS }),
        })?;
        let named: Vec<&str> = words.split(',').map(str::trim).collect();
        let actions: Vec<TokenAction> =
            TokenAction::ALL.into_iter().filter(|action| named.contains(&action.as_str())).collect();
        let all_known = named.iter().all(|word| TokenAction::ALL.iter().any(|action| action.as_str() == *word));
        if actions.is_empty() || !all_known {
            return Err(wrong());
        }
        Ok(Self { glob, actions })
    }
}

impl fmt::Display for TokenScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.glob)?;
        for (index, action) in self.actions.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{}", action.as_str())?;
        }
        Ok(())
    }
}

impl TryFrom<String> for TokenScope {
    type Error = Fault;

    fn try_from(text: String) -> Result<Self, Fault> {
        text.parse()
    }
}

impl From<TokenScope> for String {
    fn from(scope: TokenScope) -> Self {
        scope.to_string()
    }
}

/// A personal access token as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// Its label.
    pub label: String,
    /// Its scopes; without any, it may do everything that its owner may.
    pub scopes: Vec<TokenScope>,
    /// When it expires; `null` if never.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, with a precision of a minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A token to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewToken {
    /// A label, 1 to 100 characters.
    pub label: String,
    /// Its scopes, at most 50; without any, it may do everything that its owner may.
    #[serde(default)]
    pub scopes: Vec<TokenScope>,
    /// When it expires, which must be in the future; `null` for never.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
}

/// A new token with its secret, which is only shown once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedToken {
    /// The token.
    #[serde(flatten)]
    pub token: Token,
    /// Its secret, `ptl_…`.
    #[serde(rename = "token")]
    pub secret: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(scope: &str, path: &str, action: TokenAction) -> bool {
        let scope: TokenScope = scope.parse().unwrap();
        scope.covers(path) && scope.actions().contains(&action)
    }

    #[test]
    fn one_star_stays_within_a_segment_and_two_cross_slashes() {
        assert!(allows("team/*:pull", "team/app", TokenAction::Pull));
        assert!(!allows("team/*:pull", "team/app/web", TokenAction::Pull));
        assert!(allows("team/**:pull", "team/app/web", TokenAction::Pull));
        assert!(!allows("team/*:pull", "teams/app", TokenAction::Pull));
    }

    #[test]
    fn an_action_that_is_not_named_is_not_allowed() {
        assert!(!allows("team/*:pull", "team/app", TokenAction::Push));
        assert!(allows("team/*:push,pull", "team/app", TokenAction::Push));
    }

    #[test]
    fn a_malformed_scope_is_refused() {
        for scope in ["", "team/app", "team/app:", ":pull", "team/app:pull,eat", "TEAM/x:pull", "*****:pull"] {
            assert!(scope.parse::<TokenScope>().is_err(), "{scope}");
        }
    }

    #[test]
    fn a_scope_is_written_in_its_usual_order() {
        assert_eq!("a/b:manage,pull".parse::<TokenScope>().unwrap().to_string(), "a/b:pull,manage");
    }
}
