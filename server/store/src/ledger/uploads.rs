//! Uploads in progress.

use model::clock::Timestamp;
use model::id::RepositoryId;
use model::oci::Algorithm;
use registry::ledger::{ListPage, Upload};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, LockType};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};
use uuid::Uuid;

use super::{segments, trash};
use crate::entity::upload::{ActiveModel, Column, Entity, Model};
use crate::{Error, Result, sql};

/// Returns the number of open uploads of `repository`.
pub(super) async fn count(on: &impl ConnectionTrait, repository: RepositoryId) -> Result<u64> {
    Ok(Entity::find().filter(Column::RepositoryId.eq(repository.0)).count(on).await?)
}

/// Creates an empty upload.
pub(super) async fn open(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    id: Uuid,
    algorithm: Algorithm,
    now: Timestamp,
) -> Result<()> {
    let row = ActiveModel {
        id: Set(id.to_string()),
        repository_id: Set(repository.0),
        algorithm: Set(algorithm.as_str().to_owned()),
        position: Set(0),
        hash_state: Set(Vec::new()),
        segments: Set(segments::encode(&[])),
        created_at: Set(now.micros()),
        updated_at: Set(now.micros()),
    };
    Entity::insert(row).exec_without_returning(on).await?;
    Ok(())
}

/// Returns an upload of `repository`.
pub(super) async fn find(on: &impl ConnectionTrait, repository: RepositoryId, id: Uuid) -> Result<Option<Upload>> {
    let row = Entity::find_by_id(id.to_string()).filter(Column::RepositoryId.eq(repository.0)).one(on).await?;
    row.map(upload_of).transpose()
}

fn upload_of(row: Model) -> Result<Upload> {
    Ok(Upload {
        id: row.id.parse().map_err(|_| Error::Corrupt("upload.id"))?,
        algorithm: row.algorithm.parse().map_err(|_| Error::Corrupt("upload.algorithm"))?,
        offset: sql::unsigned(row.position),
        hash_state: row.hash_state,
        segments: segments::decode(&row.segments).ok_or(Error::Corrupt("upload.segments"))?,
    })
}

/// Advances an upload. Segments that it no longer has go to the trash. Returns `false` if it does not exist or its offset
/// is not `from_offset`.
pub(super) async fn advance(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    upload: &Upload,
    from_offset: u64,
    now: Timestamp,
) -> Result<bool> {
    let before = Entity::find_by_id(upload.id.to_string())
        .select_only()
        .column(Column::Segments)
        .filter(Column::RepositoryId.eq(repository.0))
        .filter(Column::Position.eq(sql::signed(from_offset)))
        .lock(LockType::Update)
        .into_tuple::<String>();
    let Some(before) = before.one(on).await? else { return Ok(false) };
    trash::replaced(on, &before, &upload.segments, now).await?;
    let moved = Entity::update_many()
        .col_expr(Column::Algorithm, Expr::value(upload.algorithm.as_str()))
        .col_expr(Column::Position, Expr::value(sql::signed(upload.offset)))
        .col_expr(Column::HashState, Expr::value(upload.hash_state.clone()))
        .col_expr(Column::Segments, Expr::value(segments::encode(&upload.segments)))
        .col_expr(Column::UpdatedAt, Expr::value(now.micros()))
        .filter(Column::Id.eq(upload.id.to_string()))
        .filter(Column::RepositoryId.eq(repository.0))
        .filter(Column::Position.eq(sql::signed(from_offset)))
        .exec(on)
        .await?;
    Ok(moved.rows_affected > 0)
}

/// Removes an upload that becomes a blob with the segments of `whole`. Others go to the trash. Returns `false` if it does
/// not exist or its offset is not `from_offset`.
pub(super) async fn end(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    whole: &Upload,
    from_offset: u64,
    now: Timestamp,
) -> Result<bool> {
    let ended = Entity::delete_many()
        .filter(Column::Id.eq(whole.id.to_string()))
        .filter(Column::RepositoryId.eq(repository.0))
        .filter(Column::Position.eq(sql::signed(from_offset)))
        .exec_with_returning(on)
        .await?;
    let Some(ended) = ended.first() else { return Ok(false) };
    trash::replaced(on, &ended.segments, &whole.segments, now).await?;
    Ok(true)
}

/// Returns uploads of all repositories in the order of their ids.
pub(super) async fn list(on: &impl ConnectionTrait, page: &ListPage) -> Result<Vec<Upload>> {
    let rows = Entity::find()
        .filter(Column::Id.gt(sql::last(page)))
        .order_by_asc(Column::Id)
        .limit(page.limit)
        .all(on)
        .await?;
    rows.into_iter().map(upload_of).collect()
}

/// Cancels up to `limit` uploads that last advanced at `before` or earlier and returns their number.
pub(super) async fn expire(on: &impl ConnectionTrait, before: Timestamp, limit: u64, now: Timestamp) -> Result<u64> {
    let old = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::UpdatedAt.lte(before.micros()))
        .order_by_asc(Column::UpdatedAt)
        .limit(limit)
        .into_query();
    let expired = Entity::delete_many()
        .filter(Column::Id.in_subquery(old))
        .filter(Column::UpdatedAt.lte(before.micros()))
        .exec_with_returning(on)
        .await?;
    for upload in &expired {
        let segments = segments::decode(&upload.segments).ok_or(Error::Corrupt("upload.segments"))?;
        trash::add(on, &segments, now).await?;
    }
    Ok(sql::count(expired.len()))
}

/// Returns those of these uploads that exist.
pub(super) async fn existing(on: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<Uuid>> {
    let mut existing = Vec::new();
    for batch in ids.chunks(sql::BATCH) {
        let rows: Vec<String> = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::Id.is_in(batch.iter().map(Uuid::to_string)))
            .into_tuple()
            .all(on)
            .await?;
        for id in rows {
            existing.push(id.parse().map_err(|_| Error::Corrupt("upload.id"))?);
        }
    }
    Ok(existing)
}

/// Deletes an upload and moves its segments to the trash. Returns `false` if it does not exist.
pub(super) async fn cancel(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    id: Uuid,
    now: Timestamp,
) -> Result<bool> {
    let gone = Entity::delete_many()
        .filter(Column::Id.eq(id.to_string()))
        .filter(Column::RepositoryId.eq(repository.0))
        .exec_with_returning(on)
        .await?;
    let Some(upload) = gone.first() else { return Ok(false) };
    let segments = segments::decode(&upload.segments).ok_or(Error::Corrupt("upload.segments"))?;
    trash::add(on, &segments, now).await?;
    Ok(true)
}
