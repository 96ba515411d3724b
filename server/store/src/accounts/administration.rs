//! What an administrator, or the command line, does with others' accounts.
//! It refuses to know how an act is asked for; each is written to the log with who did it, or why the site itself did.

use model::account::{Account, Me, SignUp};
use model::clock::Timestamp;
use model::fault::Fault;
use model::id::AccountId;
use model::reason::Reason;
use sea_orm::FromQueryResult;

use super::{password, profile, registration};
use crate::access::{System, Viewer};
use crate::accounts::AccountRow;
use crate::database::Tx;
use crate::error::{Error, Result};
use crate::{Store, sql};

/// An account as an administrator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountEntry {
    /// The account, as its owner sees it.
    pub me: Me,
    /// Since when it is disabled.
    pub disabled_at: Option<Timestamp>,
}

impl Store {
    /// Makes an account, an administrator's when `admin` says so. For administrators.
    pub async fn create_account(&self, viewer: &Viewer, form: &SignUp, admin: bool) -> Result<Account> {
        viewer.administers()?;
        let registrant = self.registrant(form, admin).await?;
        let (new, now) = (&registrant, self.clock().now());
        let id = self.database().write(|tx| async move { registration::insert(&tx, new, now).await }).await?;
        log(viewer, "made an account", registrant.name.as_str());
        profile::by_id(self.database().pool(), id).await?.ok_or(Error::Absent)?.account()
    }

    /// The viewer of an account, for what an operator does in its place. For the site itself; a disabled account is absent.
    pub async fn act_for(&self, system: &System, name: &str) -> Result<Viewer> {
        let row = profile::by_name(self.database().pool(), name).await?.ok_or(Error::Absent)?;
        if row.disabled_at.is_some() {
            return Err(Error::Absent);
        }
        log(&system.viewer("command line"), "acted for an account", name);
        Ok(Viewer::member(row.id(), row.name()?, row.admin))
    }

    /// All accounts by name. For administrators.
    pub async fn accounts(&self, viewer: &Viewer) -> Result<Vec<AccountEntry>> {
        viewer.administers()?;
        let all = format!("SELECT {} FROM account a ORDER BY a.name", AccountRow::COLUMNS);
        let rows = sql::all(self.database().pool(), &all, []).await?;
        let entry = |row| {
            let row = AccountRow::from_query_result(row, "")?;
            Ok(AccountEntry { me: row.me()?, disabled_at: row.disabled_at.map(Timestamp::from_micros) })
        };
        rows.iter().map(entry).collect()
    }

    /// Disables an account, so that neither password, session nor token opens anything, or enables it again. For
    /// administrators; nobody disables themselves, nor the last administrator who can sign in.
    pub async fn disable_account(&self, viewer: &Viewer, name: &str, disabled: bool) -> Result<()> {
        viewer.administers()?;
        if viewer.account().is_some_and(|(_, own)| own.as_str() == name) {
            return Err(Error::Fault(Fault::invalid("name", Reason::OwnAccount)));
        }
        let row = &profile::by_name(self.database().pool(), name).await?.ok_or(Error::Absent)?;
        let id = row.id();
        let since = disabled.then(|| self.clock().now().micros());
        self.database()
            .write(|tx| async move {
                if disabled && row.admin && is_last_administrator(&tx, id).await? {
                    return Err(Error::Fault(Fault::invalid("name", Reason::LastAdministrator)));
                }
                let update = "UPDATE account SET disabled_at = $2 WHERE id = $1";
                sql::execute(&*tx, update, [id.0.into(), since.into()]).await?;
                profile::end_sign_ins(&tx, id).await
            })
            .await?;
        self.standings().forget();
        log(viewer, if disabled { "disabled an account" } else { "enabled an account" }, name);
        Ok(())
    }

    /// Sets an account's password and ends its sessions. For administrators.
    pub async fn reset_password(&self, viewer: &Viewer, name: &str, new: &str) -> Result<()> {
        viewer.administers()?;
        if let Some(field) = password::fault("password", new) {
            return Err(Error::Fault(Fault::invalid(field.field, field.reason)));
        }
        let row = profile::by_name(self.database().pool(), name).await?.ok_or(Error::Absent)?;
        self.set_password(row.id(), new).await?;
        log(viewer, "set a password", name);
        Ok(())
    }
}

/// Whether this account is the only one of an administrator who can sign in. Holds them all against other writers, so that
/// two who are disabled at once are not each the other's last but one.
async fn is_last_administrator(tx: &Tx, id: AccountId) -> Result<bool> {
    let find = format!(
        "SELECT id FROM account WHERE admin AND disabled_at IS NULL AND password_hash IS NOT NULL ORDER BY id{}",
        sql::for_update(tx)
    );
    let rows = sql::all(tx, &find, []).await?;
    let ids = rows.iter().map(|row| row.try_get_by_index(0)).collect::<std::result::Result<Vec<i64>, _>>()?;
    Ok(ids == [id.0])
}

fn log(viewer: &Viewer, act: &str, name: &str) {
    match (viewer.account(), viewer.reason()) {
        (Some((_, by)), _) => tracing::info!(by = by.as_str(), name, "an administrator {act}"),
        (None, reason) => tracing::info!(reason, name, "the site itself {act}"),
    }
}
