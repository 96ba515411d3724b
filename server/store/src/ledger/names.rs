//! Repositories by name, for a standalone registry, which has no namespaces and no accounts.

use model::clock::Timestamp;
use model::id::RepositoryId;
use model::oci::RepositoryName;
use registry::ledger::{KnownRepository, ListPage};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::entity::column::Text;
use crate::entity::repository::{ActiveModel, Column, Entity};
use crate::{Error, Result, sql};

/// Returns the repository with this name.
pub(super) async fn find(on: &impl ConnectionTrait, name: &RepositoryName) -> Result<Option<KnownRepository>> {
    let row = Entity::find()
        .select_only()
        .columns([Column::Id, Column::Pending])
        .filter(Column::Path.eq(name.as_str()))
        .into_tuple::<(i64, bool)>()
        .one(on)
        .await?;
    Ok(row.map(|(id, pending)| KnownRepository { id: RepositoryId(id), pending }))
}

/// Returns the repository with this name, creating a pending one if necessary.
pub(super) async fn create(
    on: &impl ConnectionTrait,
    name: &RepositoryName,
    now: Timestamp,
) -> Result<KnownRepository> {
    let row = ActiveModel {
        path: Set(Text(name.clone())),
        pending: Set(true),
        created_at: Set(now.micros()),
        updated_at: Set(now.micros()),
        changed_at: Set(now.micros()),
        ..Default::default()
    };
    let there = OnConflict::column(Column::Path).do_nothing().to_owned();
    Entity::insert_many([row]).on_conflict(there).exec_without_returning(on).await?;
    find(on, name).await?.ok_or(Error::Absent)
}

/// Returns names of repositories in byte order.
pub(super) async fn list(on: &impl ConnectionTrait, page: &ListPage) -> Result<Vec<RepositoryName>> {
    let paths: Vec<Text<RepositoryName>> = Entity::find()
        .select_only()
        .column(Column::Path)
        .filter(Column::Path.gt(sql::last(page)))
        .filter(Column::Pending.eq(false))
        .order_by_asc(Column::Path)
        .limit(page.limit)
        .into_tuple()
        .all(on)
        .await?;
    Ok(paths.into_iter().map(|path| path.0).collect())
}
