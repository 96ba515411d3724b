//! Sign-in with a name and a password or token; used by pages, Basic authentication and the token service.

use std::net::IpAddr;
use std::sync::Arc;

use model::fault::{Fault, FaultCode};
use model::reason::Reason;
use model::token::SECRET_PREFIX;
use sea_orm::sea_query::ExprTrait;
use sea_orm::{ColumnTrait, DerivePartialModel, EntityTrait, IntoSimpleExpr, QueryFilter};

use super::backoff::{self, Origin, Subject};
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

/// Ignores that the database is full: a sign-in need not write anything.
fn unless_full(error: Error) -> Result<()> {
    if error.is_full() {
        tracing::warn!("the database is full; a sign-in is not recorded");
        return Ok(());
    }
    Err(error)
}

impl Store {
    /// Signs in by account name or confirmed mail address, with a password or the secret of a personal token.
    ///
    /// Wrong credentials, an unknown name and a disabled account return the same error after the same time. After too
    /// many failures, the caller has to wait ([`FaultCode::TooMany`]). An empty password is not an attempt: clients send
    /// one when they only have a refresh token.
    pub async fn sign_in(&self, name: &str, password: &str, from: Option<IpAddr>) -> Result<Viewer> {
        let name = name.trim().to_lowercase();
        if password.is_empty() {
            return Err(wrong());
        }
        if password.starts_with(SECRET_PREFIX) {
            return self.sign_in_with_token(&name, password, from.map(backoff::address)).await;
        }
        // In a task of its own, so that a caller who hangs up cannot keep a failure from being recorded.
        let (store, password) = (self.clone(), password.to_owned());
        let attempt = tokio::spawn(async move { store.sign_in_with_password(&name, &password, from).await });
        attempt.await.unwrap_or(Err(Error::Corrupt("password hashing")))
    }

    async fn sign_in_with_password(&self, name: &str, password: &str, from: Option<IpAddr>) -> Result<Viewer> {
        let rows = self.database().read(&Exemption::Credentials);
        let found = self.credentials(name).await?;
        let origin = Origin::of(rows, found.as_ref().map(|(row, _)| row.id), name, from).await?;
        let subjects = origin.subjects();
        self.check_waits(&subjects).await?;
        let turn = self.passwords().turn().await?;
        // Check again: otherwise many parallel guesses could be checked before the first failure is counted.
        let has_failed = self.check_waits(&subjects).await?;
        let (row, hash) = found.map_or((None, None), |(row, hash)| (Some(row), hash));
        let right = turn.verify(password, hash).await?;
        match row {
            Some(row) if right && row.disabled_at.is_none() => {
                let (own, account, now) = (&origin.own(), row.id, self.clock().now());
                if has_failed || origin.new_address().is_some() {
                    let settle = |tx: Arc<Tx>| {
                        let address = origin.new_address();
                        async move {
                            backoff::forget(&*tx, own).await?;
                            match address {
                                Some(address) => backoff::remember(&tx, account, address, now).await,
                                None => Ok(()),
                            }
                        }
                    };
                    let settled: Result<()> = self.database().write(&Exemption::Credentials, settle).await;
                    settled.or_else(unless_full)?;
                }
                Ok(row.viewer())
            }
            _ => {
                self.failed(&subjects).await?;
                Err(wrong())
            }
        }
    }

    /// Records a failure for these subjects; if the database is full, makes the first of them wait on this node.
    async fn failed(&self, subjects: &[Subject]) -> Result<()> {
        let now = self.clock().now();
        let record = |tx: Arc<Tx>| async move {
            for subject in subjects {
                backoff::failed(&*tx, subject, now).await?;
            }
            Ok(())
        };
        let recorded: Result<()> = self.database().write(&Exemption::Credentials, record).await;
        recorded.or_else(|error| {
            unless_full(error)?;
            if let Some(first) = subjects.first() {
                self.spare().hold(&first.name, now);
            }
            Ok(())
        })
    }

    /// Returns an error with the seconds left if one of the subjects has to wait; otherwise, whether the first of them
    /// has failed before.
    async fn check_waits(&self, subjects: &[Subject]) -> Result<bool> {
        let now = self.clock().now();
        for subject in subjects {
            self.spare().check(&subject.name, now)?;
        }
        backoff::check(self.database().read(&Exemption::Credentials), subjects, now).await
    }

    /// Signs in with a personal token. Its 256 bits cannot be guessed, so a valid one always works, even after failures
    /// of others for the same name or from the same network address. Invalid ones count against the address only.
    async fn sign_in_with_token(&self, name: &str, secret: &str, from: Option<Subject>) -> Result<Viewer> {
        let found = self.find_secret(secret).await?;
        let named = found.as_ref().is_some_and(|(row, _)| {
            row.name.0.as_str() == name || row.confirmed_email.as_ref().is_some_and(|email| email == name)
        });
        match found {
            Some((_, viewer)) if named => Ok(viewer),
            _ => {
                let subjects: Vec<Subject> = from.into_iter().collect();
                self.check_waits(&subjects).await?;
                self.failed(&subjects).await?;
                Err(wrong())
            }
        }
    }

    /// Returns the account with that name or confirmed mail address, in lower case, and its password hash.
    pub(super) async fn credentials(&self, name: &str) -> Result<Option<(AccountRow, Option<String>)>> {
        if name.contains('\0') {
            return Ok(None);
        }
        let named = account::Column::Name.into_simple_expr().eq(name).or(account::Column::ConfirmedEmail.eq(name));
        let find = account::Entity::find().filter(named).filter(account::Column::PasswordHash.is_not_null());
        let row =
            find.into_partial_model::<CredentialsRow>().one(self.database().read(&Exemption::Credentials)).await?;
        Ok(row.map(|row| (row.account, row.password_hash)))
    }

    /// Returns the account with this id and its password hash, unless it is disabled.
    pub(crate) async fn credentials_of(&self, id: i64) -> Result<Option<(AccountRow, Option<String>)>> {
        let find = account::Entity::find_by_id(id).filter(account::Column::DisabledAt.is_null());
        let row =
            find.into_partial_model::<CredentialsRow>().one(self.database().read(&Exemption::Credentials)).await?;
        Ok(row.map(|row| (row.account, row.password_hash)))
    }
}
