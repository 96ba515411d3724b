//! Operations on other accounts by administrators and the command line. Every change is logged with its actor.

use std::sync::Arc;

use model::account::{Account, Me, SignUp};
use model::clock::Timestamp;
use model::event::EventKind;
use model::fault::Fault;
use model::id::AccountId;
use model::reason::Reason;
use sea_orm::sea_query::{Expr, LockType};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{password, profile, registration};
use crate::access::{Administrator, System, Viewer};
use crate::accounts::AccountRow;
use crate::database::Tx;
use crate::entity::account;
use crate::error::{Error, Result};
use crate::{Store, outbox};

/// An account as an administrator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountEntry {
    /// The account, as its owner sees it.
    pub me: Me,
    /// When it was disabled; `None` if it is enabled.
    pub disabled_at: Option<Timestamp>,
}

impl Store {
    /// Creates an account, which is a site administrator if `admin` is set. For administrators.
    pub async fn create_account(&self, viewer: &Viewer, form: &SignUp, admin: bool) -> Result<Account> {
        let administrator = viewer.administrator()?;
        let registrant = self.registrant(form, admin).await?;
        let (new, now) = (&registrant, self.clock().now());
        let insert = |tx: Arc<Tx>| async move { registration::insert(&tx, new, viewer.actor(), now).await };
        let id = self.database().write(&administrator, insert).await?;
        self.notifier().notify();
        log(&administrator, "created an account", registrant.name.as_str());
        let row = profile::by_id(self.database().read(&administrator), id).await?;
        Ok(row.ok_or(Error::Absent)?.account())
    }

    /// Returns the viewer of an account, for operations that an operator performs in its name. [`Error::Absent`] if
    /// there is no such account or it is disabled.
    pub async fn act_for(&self, system: &System, name: &str) -> Result<Viewer> {
        let row = profile::by_name(self.database().read(system), name).await?.ok_or(Error::Absent)?;
        if row.disabled_at.is_some() {
            return Err(Error::Absent);
        }
        tracing::info!(name, "the command line acts for an account");
        Ok(row.viewer())
    }

    /// Returns all accounts, ordered by name. For administrators.
    pub async fn accounts(&self, viewer: &Viewer) -> Result<Vec<AccountEntry>> {
        let administrator = viewer.administrator()?;
        let rows = account::Entity::find()
            .order_by_asc(account::Column::Name)
            .into_partial_model::<AccountRow>()
            .all(self.database().read(&administrator))
            .await?;
        let entry =
            |row: &AccountRow| AccountEntry { me: row.me(), disabled_at: row.disabled_at.map(Timestamp::from_micros) };
        Ok(rows.iter().map(entry).collect())
    }

    /// Disables an account, so that its password, sessions and tokens stop working, or enables it again. For
    /// administrators, who cannot disable themselves or the last administrator able to sign in.
    pub async fn disable_account(&self, viewer: &Viewer, name: &str, disabled: bool) -> Result<()> {
        let administrator = viewer.administrator()?;
        if viewer.account().is_some_and(|(_, own)| own.as_str() == name) {
            return Err(Error::Fault(Fault::invalid("name", Reason::OwnAccount)));
        }
        let row = &profile::by_name(self.database().read(&administrator), name).await?.ok_or(Error::Absent)?;
        let id = row.id();
        let now = self.clock().now();
        let since = disabled.then(|| now.micros());
        self.database()
            .write(&administrator, |tx| async move {
                if disabled && row.admin && is_last_administrator(&tx, id).await? {
                    return Err(Error::Fault(Fault::invalid("name", Reason::LastAdministrator)));
                }
                account::Entity::update_many()
                    .col_expr(account::Column::DisabledAt, Expr::value(since))
                    .filter(account::Column::Id.eq(id.0))
                    .exec(&*tx)
                    .await?;
                profile::end_sign_ins(&tx, id).await?;
                let kind = EventKind::AccountDisabled { account: row.name.0.clone(), disabled };
                outbox::append(&*tx, &outbox::account_event(viewer, kind), now).await
            })
            .await?;
        self.changed();
        log(&administrator, if disabled { "disabled an account" } else { "enabled an account" }, name);
        Ok(())
    }

    /// Confirms that an account's mail address is its owner's, so that it can be used to sign in. For administrators.
    pub async fn confirm_email(&self, viewer: &Viewer, name: &str) -> Result<()> {
        let administrator = viewer.administrator()?;
        let row = profile::by_name(self.database().read(&administrator), name).await?.ok_or(Error::Absent)?;
        let (id, email) = (row.id, &row.email.ok_or(Error::Absent)?);
        let confirm = |tx: Arc<Tx>| async move {
            let confirmed = account::Entity::find().filter(account::Column::ConfirmedEmail.eq(email.as_str()));
            if confirmed.filter(account::Column::Id.ne(id)).count(&*tx).await? > 0 {
                return Err(Error::Fault(Fault::conflict("email", Reason::EmailTaken)));
            }
            account::Entity::update_many()
                .col_expr(account::Column::ConfirmedEmail, Expr::value(email.clone()))
                .filter(account::Column::Id.eq(id))
                .exec(&*tx)
                .await?;
            Ok(())
        };
        self.database().write(&administrator, confirm).await?;
        log(&administrator, "confirmed an address", name);
        Ok(())
    }

    /// Sets an account's password and ends its sessions and refresh tokens. For administrators.
    pub async fn reset_password(&self, viewer: &Viewer, name: &str, new: &str) -> Result<()> {
        let administrator = viewer.administrator()?;
        if let Some(field) = password::fault("password", new) {
            return Err(Error::Fault(Fault::invalid(field.field, field.reason)));
        }
        let row = profile::by_name(self.database().read(&administrator), name).await?.ok_or(Error::Absent)?;
        self.set_password(&administrator, viewer, &row, new).await?;
        log(&administrator, "set a password", name);
        Ok(())
    }
}

/// Whether this is the only administrator able to sign in. Locks the rows of all administrators: otherwise the last two
/// could both be disabled by transactions that run at the same time.
async fn is_last_administrator(tx: &Tx, id: AccountId) -> Result<bool> {
    let ids: Vec<i64> = account::Entity::find()
        .select_only()
        .column(account::Column::Id)
        .filter(account::Column::Admin.eq(true))
        .filter(account::Column::DisabledAt.is_null())
        .filter(account::Column::PasswordHash.is_not_null())
        .order_by_asc(account::Column::Id)
        .lock(LockType::NoKeyUpdate)
        .into_tuple()
        .all(tx)
        .await?;
    Ok(ids == [id.0])
}

fn log(administrator: &Administrator, act: &str, name: &str) {
    let viewer = administrator.viewer();
    match (viewer.account(), viewer.reason()) {
        (Some((_, by)), _) => tracing::info!(by = by.as_str(), name, "an administrator {act}"),
        (None, reason) => tracing::info!(reason, name, "the site itself {act}"),
    }
}
