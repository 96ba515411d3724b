//! Profiles: what everyone sees of an account, and what its owner sees and may change.

use std::sync::Arc;

use model::account::{Account, AccountName, Me, ProfilePatch};
use model::event::EventKind;
use model::fault::{Fault, FaultCode};
use model::id::AccountId;
use model::language::Language;
use model::reason::Reason;
use sea_orm::{ActiveModelTrait, ActiveValue, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::{password, tokens};
use crate::access::{Proof, Viewer};
use crate::accounts::AccountRow;
use crate::database::Tx;
use crate::entity::{account, session, token};
use crate::error::{Error, Result};
use crate::{Store, cursor, outbox};

/// The longest display name, in characters.
const MAX_DISPLAY_NAME: usize = 100;
/// The longest bio, in characters.
const MAX_BIO: usize = 500;

impl Store {
    /// Returns an account or organisation by name, as everyone sees it. Only administrators see disabled ones.
    pub async fn account(&self, viewer: &Viewer, name: &str) -> Result<Account> {
        let row = by_name(self.database().read(viewer), name).await?;
        match row {
            Some(row) if row.disabled_at.is_none() || viewer.administrator().is_ok() => Ok(row.account()),
            _ => Err(Error::Absent),
        }
    }

    /// Returns the account that is signed in, as its owner sees it.
    pub async fn me(&self, viewer: &Viewer) -> Result<Me> {
        let (id, _) = viewer.account().ok_or(Error::SignIn)?;
        let row = by_id(self.database().read(viewer), id).await?;
        Ok(row.filter(|row| row.disabled_at.is_none()).ok_or(Error::SignIn)?.me())
    }

    /// Changes the viewer's own profile.
    pub async fn update_profile(&self, viewer: &Viewer, patch: &ProfilePatch) -> Result<Me> {
        let own = viewer.own_account()?;
        let line = |text: &Option<String>| text.as_ref().map(|text| text.trim().to_owned());
        let (display_name, bio) = (line(&patch.display_name), line(&patch.bio));
        let shows = |text: &String| text.chars().count() <= MAX_DISPLAY_NAME && !text.chars().any(char::is_control);
        if !display_name.as_ref().is_none_or(shows) {
            let reason = Reason::DisplayNameTooLong { max: MAX_DISPLAY_NAME };
            return Err(Error::Fault(Fault::invalid("display_name", reason)));
        }
        cursor::no_zero("bio", bio.as_deref().unwrap_or_default())?;
        if bio.as_ref().is_some_and(|text| text.chars().count() > MAX_BIO) {
            return Err(Error::Fault(Fault::invalid("bio", Reason::BioTooLong { max: MAX_BIO })));
        }
        let changes = account::ActiveModel {
            display_name: display_name.map_or(ActiveValue::NotSet, ActiveValue::Set),
            bio: bio.map_or(ActiveValue::NotSet, ActiveValue::Set),
            ..Default::default()
        };
        if changes.is_changed() {
            self.change(&own, own.id, changes).await?;
        }
        self.me(viewer).await
    }

    /// Stores the viewer's language for pages; `None` uses the browser's.
    pub async fn set_language(&self, viewer: &Viewer, language: Option<Language>) -> Result<()> {
        let own = viewer.own_account()?;
        let language = language.map(|language| language.as_str().to_owned());
        self.change(&own, own.id, account::ActiveModel { language: ActiveValue::Set(language), ..Default::default() })
            .await
    }

    async fn change(&self, proof: &impl Proof, id: AccountId, changes: account::ActiveModel) -> Result<()> {
        let changes = &changes;
        let update = |tx: Arc<Tx>| async move { set(&tx, id, changes.clone()).await };
        self.database().write(proof, update).await
    }

    /// Changes the viewer's own password. The current one is required; a wrong one counts as a failed sign-in.
    ///
    /// Ends all sessions and refresh tokens, including the current session, so the caller must start a new one.
    pub async fn change_password(&self, viewer: &Viewer, old: &str, new: &str) -> Result<()> {
        let own = viewer.own_account()?;
        if let Some(field) = password::fault("new", new) {
            return Err(Error::Fault(Fault::invalid(field.field, field.reason)));
        }
        self.sign_in(own.name.as_str(), old, None).await.map_err(|error| match error {
            Error::Fault(fault) if fault.code == FaultCode::SignIn => {
                Error::Fault(Fault::invalid("old", Reason::OldPasswordWrong))
            }
            error => error,
        })?;
        {
            let row = by_id(self.database().read(&own), own.id).await?.ok_or(Error::SignIn)?;
            self.set_password(&own, viewer, &row, new).await
        }
    }

    /// Stores a new password, which must be valid, and ends the account's sessions and refresh tokens.
    pub(super) async fn set_password(
        &self,
        proof: &(impl Proof + Sync),
        by: &Viewer,
        row: &AccountRow,
        new: &str,
    ) -> Result<()> {
        let (id, now) = (row.id(), self.clock().now());
        let hash = &self.passwords().turn().await?.hash(new).await?;
        self.database()
            .write(proof, |tx| async move {
                let password_hash = ActiveValue::Set(Some(hash.clone()));
                set(&tx, id, account::ActiveModel { password_hash, ..Default::default() }).await?;
                end_sign_ins(&tx, id).await?;
                let kind = EventKind::PasswordChanged { account: row.name.0.clone() };
                outbox::append(&*tx, &outbox::account_event(by, kind), now).await
            })
            .await?;
        self.notifier().notify();
        Ok(())
    }
}

async fn set(tx: &Tx, id: AccountId, changes: account::ActiveModel) -> Result<()> {
    account::Entity::update_many().set(changes).filter(account::Column::Id.eq(id.0)).exec(tx).await?;
    Ok(())
}

/// Ends an account's sessions and refresh tokens.
pub(super) async fn end_sign_ins(tx: &Tx, id: AccountId) -> Result<()> {
    session::Entity::delete_many().filter(session::Column::AccountId.eq(id.0)).exec(tx).await?;
    token::Entity::delete_many()
        .filter(token::Column::AccountId.eq(id.0))
        .filter(token::Column::Kind.eq(tokens::REFRESH))
        .exec(tx)
        .await?;
    Ok(())
}

/// Returns an account by its name.
pub(crate) async fn by_name(on: &impl ConnectionTrait, name: &str) -> Result<Option<AccountRow>> {
    // No account has an invalid name.
    let Ok(name) = AccountName::parse(name) else { return Ok(None) };
    let find = account::Entity::find().filter(account::Column::Name.eq(name.as_str()));
    Ok(find.into_partial_model::<AccountRow>().one(on).await?)
}

/// Returns an account by its id.
pub(crate) async fn by_id(on: &impl ConnectionTrait, id: AccountId) -> Result<Option<AccountRow>> {
    Ok(account::Entity::find_by_id(id.0).into_partial_model::<AccountRow>().one(on).await?)
}
