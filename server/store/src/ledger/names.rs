//! Repositories by name, for a standalone registry, which has no namespaces and no accounts.

use model::clock::Timestamp;
use model::event::{Event, EventKind};
use model::id::RepositoryId;
use model::oci::RepositoryName;
use registry::ledger::ListPage;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::entity::column::Text;
use crate::entity::repository::{ActiveModel, Column, Entity};
use crate::{Error, Result, outbox, sql};

/// Returns the repository with this name.
pub(super) async fn find(on: &impl ConnectionTrait, name: &RepositoryName) -> Result<Option<RepositoryId>> {
    let id: Option<i64> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::Path.eq(name.as_str()))
        .into_tuple()
        .one(on)
        .await?;
    Ok(id.map(RepositoryId))
}

/// Returns the repository with this name, creating it if necessary.
pub(super) async fn create(on: &impl ConnectionTrait, name: &RepositoryName, now: Timestamp) -> Result<RepositoryId> {
    let row = ActiveModel {
        path: Set(Text(name.clone())),
        created_at: Set(now.micros()),
        updated_at: Set(now.micros()),
        changed_at: Set(now.micros()),
        ..Default::default()
    };
    let there = OnConflict::column(Column::Path).do_nothing().to_owned();
    let made = Entity::insert_many([row]).on_conflict(there).exec_without_returning(on).await?;
    let id = find(on, name).await?.ok_or(Error::Absent)?;
    if made > 0 {
        let event = Event { repository: Some((id, name.clone())), actor: None, kind: EventKind::RepositoryCreated };
        outbox::append(on, &event, now).await?;
    }
    Ok(id)
}

/// Returns names of repositories in byte order.
pub(super) async fn list(on: &impl ConnectionTrait, page: &ListPage) -> Result<Vec<RepositoryName>> {
    let paths: Vec<Text<RepositoryName>> = Entity::find()
        .select_only()
        .column(Column::Path)
        .filter(Column::Path.gt(sql::last(page)))
        .order_by_asc(Column::Path)
        .limit(page.limit)
        .into_tuple()
        .all(on)
        .await?;
    Ok(paths.into_iter().map(|path| path.0).collect())
}
