//! An account's row without its password hash.

use model::account::{Account, AccountKind, AccountName, Me};
use model::clock::Timestamp;
use model::id::AccountId;
use sea_orm::DerivePartialModel;

use crate::access::Viewer;
use crate::entity::account;
use crate::entity::column::Text;

/// An account of any kind.
#[derive(Clone, Debug, DerivePartialModel)]
#[sea_orm(entity = "account::Entity")]
pub(crate) struct AccountRow {
    pub(crate) id: i64,
    pub(crate) name: Text<AccountName>,
    pub(crate) kind: Text<AccountKind>,
    pub(crate) display_name: String,
    pub(crate) bio: String,
    pub(crate) email: Option<String>,
    pub(crate) confirmed_email: Option<String>,
    pub(crate) admin: bool,
    pub(crate) created_at: i64,
    pub(crate) disabled_at: Option<i64>,
    pub(crate) language: Option<String>,
}

impl AccountRow {
    /// The account's id.
    pub(crate) const fn id(&self) -> AccountId {
        AccountId(self.id)
    }

    /// The account as a viewer, after its credentials were checked.
    pub(crate) fn viewer(&self) -> Viewer {
        Viewer::member(self.id(), self.name.0.clone(), self.admin)
    }

    /// The account as everyone may see it.
    pub(crate) fn account(&self) -> Account {
        Account {
            name: self.name.0.clone(),
            display_name: self.display_name.clone(),
            kind: self.kind.0,
            bio: self.bio.clone(),
            created_at: Timestamp::from_micros(self.created_at),
        }
    }

    /// The account as its owner sees it.
    pub(crate) fn me(&self) -> Me {
        Me {
            account: self.account(),
            email: self.email.clone().unwrap_or_default(),
            email_confirmed: self.email.is_some() && self.email == self.confirmed_email,
            admin: self.admin,
            // Ignore an unknown language, which a later version may have stored.
            language: self.language.as_deref().and_then(|language| language.parse().ok()),
        }
    }
}
