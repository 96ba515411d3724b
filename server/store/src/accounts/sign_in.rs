//! Sign-in with a name and a password or token; used by pages, Basic authentication and the token service.

use std::net::IpAddr;
use std::sync::Arc;

use model::fault::{Fault, FaultCode};
use model::reason::Reason;
use model::token::SECRET_PREFIX;
use sea_orm::sea_query::ExprTrait;
use sea_orm::{ColumnTrait, DerivePartialModel, EntityTrait, IntoSimpleExpr, QueryFilter};

use super::backoff::{self, Subject};
use crate::Store;
use crate::access::{Exemption, Viewer};
use crate::accounts::AccountRow;
use crate::database::Tx;
use crate::entity::account;
use crate::error::{Error, Result};

#[derive(DerivePartialModel)]
#[sea_orm(entity = "account::Entity")]
struct CredentialsRow {
    #[sea_orm(nested)]
    account: AccountRow,
    password_hash: Option<String>,
}

/// The error for wrong credentials, the same for every cause.
fn wrong() -> Error {
    Error::Fault(Fault::new(FaultCode::SignIn, Reason::WrongCredentials))
}

impl Store {
    /// Signs in by account name or mail address, with a password or the secret of a personal token.
    ///
    /// Wrong credentials, an unknown name and a disabled account return the same error after the same time. After too
    /// many failures for a name or from a network address, the caller has to wait ([`FaultCode::TooMany`]).
    pub async fn sign_in(&self, name: &str, password: &str, from: Option<IpAddr>) -> Result<Viewer> {
        let from = from.map(Subject::address);
        if password.starts_with(SECRET_PREFIX) {
            return self.sign_in_with_token(name, password, from).await;
        }
        // Take the permit first: otherwise many parallel guesses could be checked before the first failure is counted.
        let turn = self.passwords().turn().await?;
        let now = self.clock().now();
        let database = self.database();
        let rows = database.read(&Exemption::Credentials);
        if let Some(from) = &from {
            backoff::check(rows, from, now).await?;
        }
        let found = self.credentials(name).await?;
        let subject = found.as_ref().map_or_else(|| Subject::unknown(name), |(row, _)| Subject::account(row.id));
        backoff::check(rows, &subject, now).await?;
        let (row, hash) = found.map_or((None, None), |(row, hash)| (Some(row), hash));
        let right = turn.verify(password, hash).await?;
        match row {
            Some(row) if right && row.disabled_at.is_none() => {
                if backoff::has_failed(rows, &subject).await? {
                    let subject = &subject;
                    let forget = |tx: Arc<Tx>| async move { backoff::forget(&*tx, subject).await };
                    database.write(&Exemption::Credentials, forget).await?;
                }
                Ok(row.viewer())
            }
            _ => {
                self.failed(&[Some(subject), from]).await?;
                Err(wrong())
            }
        }
    }

    async fn failed(&self, subjects: &[Option<Subject>]) -> Result<()> {
        let now = self.clock().now();
        self.database()
            .write(&Exemption::Credentials, |tx| async move {
                for subject in subjects.iter().flatten() {
                    backoff::failed(&*tx, subject, now).await?;
                }
                Ok(())
            })
            .await
    }

    /// Signs in with a personal token. Its 256 bits cannot be guessed, so a valid one always works, even after failures
    /// of others for the same name or from the same network address. Invalid ones count against the address only.
    async fn sign_in_with_token(&self, name: &str, secret: &str, from: Option<Subject>) -> Result<Viewer> {
        let found = self.find_secret(secret).await?;
        let named = found.as_ref().is_some_and(|(row, _)| {
            row.name.0.as_str() == name || row.email.as_ref().is_some_and(|email| email.eq_ignore_ascii_case(name))
        });
        match found {
            Some((_, viewer)) if named => Ok(viewer),
            _ => {
                if let Some(from) = &from {
                    backoff::check(self.database().read(&Exemption::Credentials), from, self.clock().now()).await?;
                }
                self.failed(&[from]).await?;
                Err(wrong())
            }
        }
    }

    /// Returns the account with that name or mail address and its password hash.
    pub(super) async fn credentials(&self, name: &str) -> Result<Option<(AccountRow, Option<String>)>> {
        if name.contains('\0') {
            return Ok(None);
        }
        let name = name.trim().to_lowercase();
        let named =
            account::Column::Name.into_simple_expr().eq(name.as_str()).or(account::Column::Email.eq(name.as_str()));
        let find = account::Entity::find().filter(named).filter(account::Column::PasswordHash.is_not_null());
        let row =
            find.into_partial_model::<CredentialsRow>().one(self.database().read(&Exemption::Credentials)).await?;
        Ok(row.map(|row| (row.account, row.password_hash)))
    }
}
