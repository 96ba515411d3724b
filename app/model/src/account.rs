//! Accounts as people see them, and the syntax of their names.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::fault::Fault;
use crate::language::Language;
use crate::reason::Reason;

/// Path segments and API words that cannot be used as names.
const RESERVED: [&str; 31] = [
    "access-tokens",
    "admin",
    "api",
    "auditlogs",
    "auth",
    "explore",
    "healthz",
    "invites",
    "library",
    "login",
    "metrics",
    "namespaces",
    "new",
    "notifications",
    "orgs",
    "r",
    "readyz",
    "repositories",
    "scim",
    "search",
    "settings",
    "setup",
    "signin",
    "signout",
    "signup",
    "static",
    "token",
    "u",
    "user",
    "users",
    "v1",
];

/// The minimum length of a password, in characters.
pub const MIN_PASSWORD: usize = 8;
/// The maximum length of a password, in bytes.
pub const MAX_PASSWORD: usize = 256;

/// The name of an account or organisation; the first component of its repositories' paths.
///
/// 2 to 39 characters: lower-case letters and digits, with single dashes, dots or underscores between them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountName(Box<str>);

impl AccountName {
    /// Parses the name of an account that may exist, including `library` and other reserved words.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let bytes = text.as_bytes();
        let ends_well = bytes.first().is_some_and(alphanumeric) && bytes.last().is_some_and(alphanumeric);
        let separated = bytes.split(alphanumeric).all(|separator| matches!(separator, b"" | b"-" | b"." | b"_"));
        if (2..=39).contains(&text.len()) && ends_well && separated {
            Ok(Self(text.into()))
        } else {
            Err(Fault::invalid("name", Reason::AccountNameSyntax))
        }
    }

    /// Parses a name for a new account; reserved words are rejected.
    pub fn parse_new(text: &str) -> Result<Self, Fault> {
        let name = Self::parse(text)?;
        if RESERVED.contains(&text) || text == "v2" {
            return Err(Fault::invalid("name", Reason::AccountNameReserved));
        }
        Ok(name)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AccountName {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        Self::parse(text)
    }
}

impl TryFrom<String> for AccountName {
    type Error = Fault;

    fn try_from(text: String) -> Result<Self, Fault> {
        Self::parse(&text)
    }
}

impl From<AccountName> for String {
    fn from(name: AccountName) -> Self {
        name.0.into()
    }
}

/// The kind of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum AccountKind {
    /// A person who signs in.
    Person,
    /// A namespace shared by people.
    Organisation,
    /// A machine account.
    Robot,
}

impl AccountKind {
    /// The name used in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Organisation => "organisation",
            Self::Robot => "robot",
        }
    }
}

impl fmt::Display for AccountKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AccountKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        let kinds = [Self::Person, Self::Organisation, Self::Robot];
        kinds.into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownKind)
    }
}

/// The text is not a kind of account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownKind;

/// An account as everyone sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Account {
    /// Its name, which is also the namespace of its repositories.
    pub name: AccountName,
    /// The display name; may be empty.
    pub display_name: String,
    /// Its kind.
    pub kind: AccountKind,
    /// A short description in plain text.
    pub bio: String,
    /// When it was created.
    pub created_at: Timestamp,
}

/// An account as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Me {
    /// The account.
    #[serde(flatten)]
    pub account: Account,
    /// The mail address.
    pub email: String,
    /// Whether the address is known to be the owner's, so that it can be used to sign in.
    pub email_confirmed: bool,
    /// Whether this is a site administrator.
    pub admin: bool,
    /// The language for pages; `None` follows the browser.
    #[serde(skip)]
    pub language: Option<Language>,
}

/// An account to create.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignUp {
    /// The name of the new account.
    pub name: String,
    /// The mail address.
    pub email: String,
    /// The password, at least 8 characters and at most 256 bytes.
    pub password: String,
    /// The secret of an invitation, if registration requires one.
    #[serde(default)]
    pub invitation: Option<String>,
}

/// An invitation to sign up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Invitation {
    /// Its id.
    pub id: String,
    /// The address of the person it is for; an account created with both is confirmed.
    pub email: Option<String>,
    /// The administrator who created it; `null` if it was created on the command line.
    pub created_by: Option<AccountName>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it becomes invalid.
    pub expires_at: Timestamp,
}

/// An invitation to create.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct NewInvitation {
    /// The address of the person to invite.
    pub email: Option<String>,
    /// When it becomes invalid: after seven days by default, and at most a year.
    pub expires_at: Option<Timestamp>,
}

/// A new invitation with its link, which is shown only once.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedInvitation {
    /// The invitation.
    #[serde(flatten)]
    pub invitation: Invitation,
    /// The link that creates an account, once.
    pub url: String,
}

/// Who may sign up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Registration {
    /// Everyone.
    #[default]
    Open,
    /// People with an invitation.
    Invitation,
    /// Nobody; administrators add accounts.
    Closed,
}

impl FromStr for Registration {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        match text {
            "open" => Ok(Self::Open),
            "invitation" => Ok(Self::Invitation),
            "closed" => Ok(Self::Closed),
            _ => Err(Fault::invalid("registration", Reason::UnknownRegistration)),
        }
    }
}

/// Changes to one's own profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProfilePatch {
    /// The display name, up to 100 characters.
    pub display_name: Option<String>,
    /// A short description, up to 500 characters.
    pub bio: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserved_word_is_never_a_new_namespace() {
        for word in RESERVED.into_iter().filter(|word| word.len() > 1) {
            assert!(AccountName::parse_new(word).is_err(), "{word}");
        }
        assert!(AccountName::parse("library").is_ok());
    }

    #[test]
    fn an_account_name_is_a_repository_path_component() {
        for good in ["ada", "a1", "x-y.z_0"] {
            assert!(AccountName::parse_new(good).is_ok(), "{good}");
        }
        for bad in ["", "a", "A1", "a--b", "_a", "a/", "a__b", "a b", &"a".repeat(40)] {
            assert!(AccountName::parse(bad).is_err(), "{bad}");
        }
    }
}
