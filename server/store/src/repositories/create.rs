//! Creates repositories, on request or at the first push to a path.

use std::sync::Arc;

use model::account::{Account, AccountName};
use model::clock::Timestamp;
use model::event::{Event, EventKind};
use model::fault::Fault;
use model::id::RepositoryId;
use model::oci::RepositoryName;
use model::reason::Reason;
use model::repository::{MAX_DESCRIPTION, NewRepository, Repository};
use model::role::{Role, Visibility};
use model::token::TokenAction;
use sea_orm::sea_query::{Expr, ExprTrait, Order};
use sea_orm::{
    ActiveValue, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoSimpleExpr, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait, TryInsertResult,
};

use crate::access::{CreatePermit, LIBRARY, Viewer, is_admin};
use crate::accounts::AccountRow;
use crate::database::Tx;
use crate::entity::column::Text;
use crate::entity::{account, membership, repository, repository_alias};
use crate::error::{Error, Result};
use crate::{Store, outbox};

impl Store {
    /// Creates a repository. A path that is in use, or is the former path of a renamed repository, is a conflict.
    pub async fn create_repository(&self, viewer: &Viewer, form: &NewRepository) -> Result<Repository> {
        if !viewer.is_signed_in() {
            return Err(Error::SignIn);
        }
        let no_namespace = || Error::Fault(Fault::invalid("namespace", Reason::NamespaceNotFound));
        let namespace = AccountName::parse(form.namespace.trim()).map_err(|_| no_namespace())?;
        let path = repository_path(namespace.as_str(), form.name.trim())?;
        let permit = match self.create_permit(viewer, &path, TokenAction::Manage).await {
            Err(Error::Absent) => return Err(no_namespace()),
            permit => permit?,
        };
        let description = description(&form.description)?;
        let visibility = form.visibility.unwrap_or(permit.default_visibility());
        let new = NewRow { description, visibility, pending: false, now: self.clock().now() };
        if !self.insert(&permit, &new).await? {
            return Err(taken());
        }
        self.repository(&self.permit(viewer, &path).await?).await
    }

    /// Returns the namespaces in which the viewer may create repositories, their own first.
    pub async fn namespaces(&self, viewer: &Viewer) -> Result<Vec<Account>> {
        let (id, _) = viewer.account().ok_or(Error::SignIn)?;
        let memberships = membership::Entity::find()
            .select_only()
            .column(membership::Column::NamespaceId)
            .filter(membership::Column::AccountId.eq(id.0))
            .filter(membership::Column::Role.is_in([Role::Maintainer, Role::Owner].map(Text)))
            .into_query();
        let name = account::Column::Name;
        let member = Condition::all().add(name.ne(LIBRARY)).add(account::Column::Id.in_subquery(memberships));
        let curator = Condition::all().add(name.eq(LIBRARY)).add(is_admin(Some(id.0)).eq(true));
        let own = account::Column::Id.into_simple_expr().eq(id.0);
        let own_first: Expr = Expr::case(own.clone(), 0).finally(1).into();
        let rows = account::Entity::find()
            .filter(account::Column::DisabledAt.is_null())
            .filter(Condition::any().add(own).add(member).add(curator))
            .order_by(own_first, Order::Asc)
            .order_by_asc(name)
            .into_partial_model::<AccountRow>()
            .all(self.database().read(viewer))
            .await?;
        Ok(rows.iter().map(AccountRow::account).collect())
    }

    /// Creates a pending repository for a push. Returns [`Error::Absent`] if the viewer may not, as for a hidden
    /// repository.
    pub(crate) async fn create_by_push(&self, viewer: &Viewer, path: &RepositoryName, now: Timestamp) -> Result<()> {
        let permit = match self.create_permit(viewer, path, TokenAction::Push).await {
            Err(Error::SignIn | Error::Forbidden) => return Err(Error::Absent),
            permit => permit?,
        };
        let new = NewRow { description: "", visibility: permit.default_visibility(), pending: true, now };
        // `false` means that another push has just created it, which is no error.
        self.insert(&permit, &new).await?;
        Ok(())
    }

    /// Inserts a repository. Returns `false` if another repository has this path.
    async fn insert(&self, permit: &CreatePermit, new: &NewRow<'_>) -> Result<bool> {
        let work = |tx: Arc<Tx>| async move { insert(&tx, permit, new).await };
        let created = self.database().write(permit, work).await?;
        self.changed();
        Ok(created)
    }
}

/// A repository to insert.
struct NewRow<'a> {
    description: &'a str,
    visibility: Visibility,
    pending: bool,
    now: Timestamp,
}

async fn insert(tx: &Tx, permit: &CreatePermit, new: &NewRow<'_>) -> Result<bool> {
    let insert = repository::Entity::insert(row(permit, new)).on_conflict_do_nothing_on([repository::Column::Path]);
    let TryInsertResult::Inserted(inserted) = insert.exec(tx).await? else {
        return if new.pending { Ok(false) } else { adopt(tx, permit, new).await };
    };
    // Checked after the insert, which may have waited for a rename that left this path as an alias.
    if is_alias(tx, permit.path()).await? {
        return Err(taken());
    }
    if !new.pending {
        announce(tx, permit, RepositoryId(inserted.last_insert_id), new.now).await?;
    }
    Ok(true)
}

/// Turns a pending repository at this path into one created on purpose, which keeps what has been pushed to it. Returns
/// `false` if there is none.
async fn adopt(tx: &Tx, permit: &CreatePermit, new: &NewRow<'_>) -> Result<bool> {
    let adopted = repository::Entity::update_many()
        .set(row(permit, new))
        .filter(repository::Column::Path.eq(permit.path().as_str()))
        .filter(repository::Column::Pending.eq(true))
        .exec_with_returning(tx)
        .await?;
    let Some(adopted) = adopted.first() else { return Ok(false) };
    announce(tx, permit, RepositoryId(adopted.id), new.now).await?;
    Ok(true)
}

fn row(permit: &CreatePermit, new: &NewRow<'_>) -> repository::ActiveModel {
    let now = new.now.micros();
    repository::ActiveModel {
        namespace_id: ActiveValue::Set(Some(permit.namespace())),
        path: ActiveValue::Set(Text(permit.path().clone())),
        description: ActiveValue::Set(new.description.to_owned()),
        visibility: ActiveValue::Set(Text(new.visibility)),
        official: ActiveValue::Set(permit.official()),
        pending: ActiveValue::Set(new.pending),
        created_at: ActiveValue::Set(now),
        updated_at: ActiveValue::Set(now),
        changed_at: ActiveValue::Set(now),
        ..Default::default()
    }
}

/// Writes the event of a new repository.
async fn announce(tx: &Tx, permit: &CreatePermit, id: RepositoryId, now: Timestamp) -> Result<()> {
    let repository = Some((id, permit.path().clone()));
    let event = Event { repository, actor: permit.viewer().actor(), kind: EventKind::RepositoryCreated };
    outbox::append(tx, &event, now).await
}

/// Whether this is the former path of a renamed repository.
pub(super) async fn is_alias(on: &impl ConnectionTrait, path: &RepositoryName) -> Result<bool> {
    Ok(repository_alias::Entity::find_by_id(Text(path.clone())).count(on).await? > 0)
}

/// Returns the error for a path that is taken.
pub(super) fn taken() -> Error {
    Error::Fault(Fault::conflict("name", Reason::RepositoryNameTaken))
}

/// Returns the path of a repository in a namespace.
pub(super) fn repository_path(namespace: &str, name: &str) -> Result<RepositoryName> {
    RepositoryName::parse(&format!("{namespace}/{name}"))
        .map_err(|_| Error::Fault(Fault::invalid("name", Reason::RepositoryNameSyntax)))
}

/// Validates a description and trims it.
pub(super) fn description(text: &str) -> Result<&str> {
    let text = text.trim();
    if text.chars().count() > MAX_DESCRIPTION || text.chars().any(char::is_control) {
        let reason = Reason::DescriptionTooLong { max: MAX_DESCRIPTION };
        return Err(Error::Fault(Fault::invalid("description", reason)));
    }
    Ok(text)
}
