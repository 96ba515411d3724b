//! Uploads in progress, and committing them as blobs.

use model::clock::Timestamp;
use model::id::RepositoryId;
use model::oci::{Algorithm, Digest};
use registry::ledger::Upload;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};
use uuid::Uuid;

use super::{blobs, segments, trash};
use crate::entity::blob;
use crate::entity::column::Text;
use crate::entity::upload::{ActiveModel, Column, Entity};
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
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Upload {
        id,
        algorithm: row.algorithm.parse().map_err(|_| Error::Corrupt("upload.algorithm"))?,
        offset: sql::unsigned(row.position),
        hash_state: row.hash_state,
        segments: segments::decode(&row.segments).ok_or(Error::Corrupt("upload.segments"))?,
    }))
}

/// Advances an upload. Returns `false` if it does not exist or its offset is not `from_offset`.
pub(super) async fn advance(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    upload: &Upload,
    from_offset: u64,
    now: Timestamp,
) -> Result<bool> {
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

/// Turns an upload into a linked blob. Returns `false` if it does not exist or its offset is not `from_offset`.
///
/// If a blob with this digest already exists, it keeps its bytes and those of the upload go to the trash.
pub(super) async fn commit(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    upload: &Upload,
    from_offset: u64,
    digest: &Digest,
    now: Timestamp,
) -> Result<bool> {
    let ended = Entity::delete_many()
        .filter(Column::Id.eq(upload.id.to_string()))
        .filter(Column::RepositoryId.eq(repository.0))
        .filter(Column::Position.eq(sql::signed(from_offset)))
        .exec(on)
        .await?;
    if ended.rows_affected == 0 {
        return Ok(false);
    }
    let row = blob::ActiveModel {
        digest: Set(Text(digest.clone())),
        size: Set(sql::signed(upload.offset)),
        segments: Set(segments::encode(&upload.segments)),
        created_at: Set(now.micros()),
    };
    let there = OnConflict::column(blob::Column::Digest).do_nothing().to_owned();
    let inserted = blob::Entity::insert_many([row]).on_conflict(there).exec_without_returning(on).await?;
    if inserted == 0 {
        trash::add(on, &upload.segments, now).await?;
    }
    blobs::link(on, repository, digest, now).await?;
    Ok(true)
}

/// Cancels up to `limit` uploads that have not advanced since `before` and returns their number.
pub(super) async fn expire(on: &impl ConnectionTrait, before: Timestamp, limit: u64, now: Timestamp) -> Result<usize> {
    let old = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::UpdatedAt.lt(before.micros()))
        .order_by_asc(Column::UpdatedAt)
        .limit(limit)
        .into_query();
    let expired = Entity::delete_many()
        .filter(Column::Id.in_subquery(old))
        .filter(Column::UpdatedAt.lt(before.micros()))
        .exec_with_returning(on)
        .await?;
    for upload in &expired {
        let segments = segments::decode(&upload.segments).ok_or(Error::Corrupt("upload.segments"))?;
        trash::add(on, &segments, now).await?;
    }
    Ok(expired.len())
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
