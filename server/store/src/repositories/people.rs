//! Collaborators: accounts with a role on a single repository.

use model::account::{AccountKind, AccountName};
use model::clock::Timestamp;
use model::event::EventKind;
use model::fault::Fault;
use model::page::{Page, PageRequest};
use model::reason::Reason;
use model::repository::Collaborator;
use model::role::Role;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue, ColumnTrait, ConnectionTrait, DerivePartialModel, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};

use crate::access::{Manage, Need, Participate, Permit, RoleChange, Verdict, role_verdict};
use crate::accounts;
use crate::accounts::AccountRow;
use crate::entity::column::Text;
use crate::entity::{account, collaborator};
use crate::error::{Error, Result};
use crate::{Store, cursor, outbox};

#[derive(Debug, DerivePartialModel)]
#[sea_orm(entity = "collaborator::Entity")]
struct CollaboratorRow {
    #[sea_orm(nested)]
    account: AccountRow,
    role: Text<Role>,
    since: i64,
}

impl Store {
    /// Returns the collaborators, sorted by name.
    pub async fn collaborators(&self, permit: &Permit<Manage>, page: &PageRequest) -> Result<Page<Collaborator>> {
        let after = page.cursor.as_deref().unwrap_or_default();
        cursor::no_zero("cursor", after)?;
        let limit = page.limit();
        let rows = collaborator::Entity::find()
            .inner_join(account::Entity)
            .filter(collaborator::Column::RepositoryId.eq(permit.repository().0))
            .filter(account::Column::Name.gt(after))
            .order_by_asc(account::Column::Name)
            .limit(u64::from(limit) + 1)
            .into_partial_model::<CollaboratorRow>()
            .all(self.database().read(permit))
            .await?;
        let collaborator = |row: CollaboratorRow| Collaborator {
            account: row.account.account(),
            role: row.role.0,
            since: Timestamp::from_micros(row.since),
        };
        let rows = rows.into_iter().map(collaborator).collect();
        Ok(Page::from_surplus(rows, limit, |last: &Collaborator| last.account.name.to_string()))
    }

    /// Sets an account's role. Both the previous and the new role must be lower than the viewer's.
    pub async fn set_collaborator(&self, permit: &Permit<Manage>, name: &str, role: Role) -> Result<()> {
        let change = |before| RoleChange { own: false, before, after: Some(role) };
        if role_verdict(permit.standing(), change(None)) != Verdict::Allowed {
            return Err(Error::Fault(Fault::invalid("role", Reason::RoleTooHigh)));
        }
        let account = &self.person(permit, name).await?;
        if account.name.0.as_str() == permit.path().namespace() {
            return Err(Error::Fault(Fault::invalid("account", Reason::AlreadyOwner)));
        }
        let now = self.clock().now();
        self.database()
            .write(permit, |tx| async move {
                let before = role_of(&*tx, permit, account.id).await?;
                role_verdict(permit.standing(), change(before)).require()?;
                let row = collaborator::ActiveModel {
                    repository_id: ActiveValue::Set(permit.repository().0),
                    account_id: ActiveValue::Set(account.id),
                    role: ActiveValue::Set(Text(role)),
                    since: ActiveValue::Set(now.micros()),
                };
                let key = [collaborator::Column::RepositoryId, collaborator::Column::AccountId];
                let replace = OnConflict::columns(key).update_column(collaborator::Column::Role).to_owned();
                collaborator::Entity::insert(row).on_conflict(replace).exec_without_returning(&*tx).await?;
                let kind = EventKind::RoleChanged { account: account.name.0.clone(), before, after: Some(role) };
                outbox::append(&*tx, &outbox::event(permit, kind), now).await
            })
            .await?;
        self.changed();
        Ok(())
    }

    /// Removes a collaborator, whose role must be lower than the viewer's unless they remove themselves.
    pub async fn remove_collaborator(&self, permit: &Permit<Manage>, name: &str) -> Result<()> {
        let account = accounts::by_name(self.database().read(permit), name).await?.ok_or(Error::Absent)?;
        self.remove(permit, account.id, &account.name.0).await
    }

    /// Removes the viewer from the collaborators; [`Error::Absent`] if they are not a collaborator.
    pub async fn leave_repository(&self, permit: &Permit<Participate>) -> Result<()> {
        let (id, name) = permit.viewer().account().ok_or(Error::SignIn)?;
        self.remove(permit, id.0, name).await
    }

    async fn remove<N: Need>(&self, permit: &Permit<N>, account: i64, name: &AccountName) -> Result<()> {
        let own = permit.account().map(|id| id.0) == Some(account);
        let now = self.clock().now();
        self.database()
            .write(permit, |tx| async move {
                let before = Some(role_of(&*tx, permit, account).await?.ok_or(Error::Absent)?);
                role_verdict(permit.standing(), RoleChange { own, before, after: None }).require()?;
                collaborator::Entity::delete_by_id((permit.repository().0, account)).exec(&*tx).await?;
                let kind = EventKind::RoleChanged { account: name.clone(), before, after: None };
                outbox::append(&*tx, &outbox::event(permit, kind), now).await
            })
            .await?;
        self.changed();
        Ok(())
    }

    async fn person(&self, permit: &Permit<Manage>, name: &str) -> Result<AccountRow> {
        let row = accounts::by_name(self.database().read(permit), name.trim()).await?;
        row.filter(|row| row.disabled_at.is_none() && row.kind.0 != AccountKind::Organisation)
            .ok_or_else(|| Error::Fault(Fault::invalid("account", Reason::AccountNotFound)))
    }
}

/// Returns an account's role as a collaborator.
async fn role_of<N: Need>(on: &impl ConnectionTrait, permit: &Permit<N>, account: i64) -> Result<Option<Role>> {
    let row = collaborator::Entity::find_by_id((permit.repository().0, account)).one(on).await?;
    Ok(row.map(|row| row.role.0))
}
