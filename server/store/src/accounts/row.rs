//! A row of `account` as a person or an administrator sees it; password hashes are read elsewhere.

use model::account::{Account, AccountKind, AccountName, Me};
use model::clock::Timestamp;
use model::id::AccountId;
use sea_orm::FromQueryResult;

use crate::error::{Error, Result};

/// An account, person or not.
#[derive(Clone, Debug, FromQueryResult)]
pub(crate) struct AccountRow {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) display_name: String,
    pub(crate) bio: String,
    pub(crate) email: Option<String>,
    pub(crate) admin: bool,
    pub(crate) created_at: i64,
    pub(crate) disabled_at: Option<i64>,
    pub(crate) language: Option<String>,
}

impl AccountRow {
    /// Its columns, of a table called `a`.
    pub(crate) const COLUMNS: &'static str = "a.id, a.name, a.kind, a.display_name, a.bio, a.email, a.admin, \
         a.created_at, a.disabled_at, a.language";

    /// Its identity.
    pub(crate) fn id(&self) -> AccountId {
        AccountId(self.id)
    }

    /// Its name, which was parsed when it was stored.
    pub(crate) fn name(&self) -> Result<AccountName> {
        AccountName::parse(&self.name).map_err(|_| Error::Corrupt("account.name"))
    }

    /// As everyone may see it.
    pub(crate) fn account(&self) -> Result<Account> {
        let kinds = [AccountKind::Person, AccountKind::Organisation, AccountKind::Robot];
        let kind = kinds.into_iter().find(|kind| kind.as_str() == self.kind).ok_or(Error::Corrupt("account.kind"))?;
        Ok(Account {
            name: self.name()?,
            display_name: self.display_name.clone(),
            kind,
            bio: self.bio.clone(),
            created_at: Timestamp::from_micros(self.created_at),
        })
    }

    /// As its owner sees it.
    pub(crate) fn me(&self) -> Result<Me> {
        Ok(Me {
            account: self.account()?,
            email: self.email.clone().unwrap_or_default(),
            admin: self.admin,
            // A language that a later version knew is none.
            language: self.language.as_deref().and_then(|language| language.parse().ok()),
        })
    }
}
