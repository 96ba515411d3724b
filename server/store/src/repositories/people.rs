//! Collaborators: accounts with a role of their own on one repository.
//! Nobody gives or takes a role that is not below their own; that is the one rule here besides the permit.

use model::clock::Timestamp;
use model::event::What;
use model::fault::Fault;
use model::reason::Reason;
use model::repository::Collaborator;
use model::role::Role;
use sea_orm::{ConnectionTrait, FromQueryResult};

use super::change;
use crate::access::{Manage, Need, Permit, See};
use crate::accounts;
use crate::accounts::AccountRow;
use crate::database::Tx;
use crate::error::{Error, Result};
use crate::{Store, outbox, sql};

impl Store {
    /// Those with a role of their own, by name.
    pub async fn collaborators(&self, permit: &Permit<Manage>) -> Result<Vec<Collaborator>> {
        let find = format!(
            "SELECT {}, c.role, c.since FROM collaborator c JOIN account a ON a.id = c.account_id
             WHERE c.repository_id = $1 ORDER BY a.name",
            AccountRow::COLUMNS
        );
        let rows = sql::all(self.database().pool(), &find, [permit.repository().0.into()]).await?;
        let collaborator = |row| {
            let role = row_role(row)?;
            let since = Timestamp::from_micros(sea_orm::QueryResult::try_get(row, "", "since")?);
            Ok(Collaborator { account: AccountRow::from_query_result(row, "")?.account()?, role, since })
        };
        rows.iter().map(collaborator).collect()
    }

    /// Gives somebody a role, or another one. Neither the new role nor the one they had may be as high as one's own.
    pub async fn set_collaborator(&self, permit: &Permit<Manage>, name: &str, role: Role) -> Result<()> {
        if Some(role) >= permit.role() {
            return Err(Error::Fault(Fault::invalid("role", Reason::RoleTooHigh)));
        }
        let account = self.person(name).await?;
        if account.name == permit.path().namespace() {
            return Err(Error::Fault(Fault::invalid("account", Reason::AlreadyOwner)));
        }
        let now = self.clock().now();
        self.database()
            .write(|tx| async move {
                if role_of(&*tx, permit, account.id).await? >= permit.role() {
                    return Err(Error::Forbidden);
                }
                let upsert = "INSERT INTO collaborator (repository_id, account_id, role, since) VALUES ($1, $2, $3, $4)
                     ON CONFLICT (repository_id, account_id) DO UPDATE SET role = excluded.role";
                let values =
                    [permit.repository().0.into(), account.id.into(), role.as_str().into(), now.micros().into()];
                sql::execute(&*tx, upsert, values).await?;
                outbox::append(&*tx, &change::event(permit, What::Changed), now).await
            })
            .await?;
        self.changed();
        Ok(())
    }

    /// Takes somebody's role away, which must be below one's own.
    pub async fn remove_collaborator(&self, permit: &Permit<Manage>, name: &str) -> Result<()> {
        let account = accounts::by_name(self.database().pool(), name).await?.ok_or(Error::Absent)?.id;
        let now = self.clock().now();
        self.database()
            .write(|tx| async move {
                let role = role_of(&*tx, permit, account).await?.ok_or(Error::Absent)?;
                if Some(role) >= permit.role() && permit.account().map(|id| id.0) != Some(account) {
                    return Err(Error::Forbidden);
                }
                remove(&tx, permit, account, now).await
            })
            .await?;
        self.changed();
        Ok(())
    }

    /// Gives one's own role back; absent when one has none of one's own.
    pub async fn leave_repository(&self, permit: &Permit<See>) -> Result<()> {
        let account = permit.require_account()?.0;
        let now = self.clock().now();
        self.database().write(|tx| async move { remove(&tx, permit, account, now).await }).await?;
        self.changed();
        Ok(())
    }

    async fn person(&self, name: &str) -> Result<AccountRow> {
        let row = accounts::by_name(self.database().pool(), name.trim()).await?;
        row.filter(|row| row.disabled_at.is_none() && row.kind != "organisation")
            .ok_or_else(|| Error::Fault(Fault::invalid("account", Reason::AccountNotFound)))
    }
}

fn row_role(row: &sea_orm::QueryResult) -> Result<Role> {
    row.try_get::<String>("", "role")?.parse().map_err(|_| Error::Corrupt("collaborator.role"))
}

async fn role_of<N: Need>(on: &impl ConnectionTrait, permit: &Permit<N>, account: i64) -> Result<Option<Role>> {
    let find = "SELECT role FROM collaborator WHERE repository_id = $1 AND account_id = $2";
    let row = sql::first(on, find, [permit.repository().0.into(), account.into()]).await?;
    row.as_ref().map(row_role).transpose()
}

async fn remove<N: Need>(tx: &Tx, permit: &Permit<N>, account: i64, now: Timestamp) -> Result<()> {
    let delete = "DELETE FROM collaborator WHERE repository_id = $1 AND account_id = $2";
    if sql::execute(tx, delete, [permit.repository().0.into(), account.into()]).await? == 0 {
        return Err(Error::Absent);
    }
    outbox::append(tx, &change::event(permit, What::Changed), now).await?;
    Ok(())
}
