//! Blobs and the links that make them readable within a repository: looking up, linking, mounting and unlinking.
//! A blob's row belongs to no repository; the foreign keys decide whether it may go.

use std::time::Duration;

use model::clock::Timestamp;
use model::id::RepositoryId;
use model::oci::Digest;
use registry::ledger::{Blob, UnlinkOutcome};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, JoinType, QueryFilter, QuerySelect, QueryTrait,
    RelationTrait,
};

use super::segments;
use crate::entity::column::Text;
use crate::entity::repository_blob::{ActiveModel, Column, Entity, Relation};
use crate::entity::{blob, manifest_blob};
use crate::{Error, Result, sql};

/// How long a link that no manifest uses yet is kept from the sweep.
const HOLD: Duration = Duration::from_hours(24);

/// A link with less than this left is held anew when somebody asks for its blob, so that a push which found the blob there
/// also finds it there when its manifest comes.
const SHORT_HOLD: Duration = Duration::from_hours(1);

/// A link and the blob that it is to.
#[derive(FromQueryResult)]
pub(super) struct LinkRow {
    size: i64,
    segments: String,
    hold_until: i64,
    used: bool,
}

impl LinkRow {
    /// Whether it is to be held before its blob is shown: no manifest uses it, and the sweep may soon take it away.
    pub(super) fn needs_hold(&self, now: Timestamp) -> bool {
        !self.used && Timestamp::from_micros(self.hold_until) < now.plus(SHORT_HOLD)
    }

    /// The blob, which has this digest.
    pub(super) fn blob(&self, digest: &Digest) -> Result<Blob> {
        Ok(Blob {
            digest: digest.clone(),
            size: sql::unsigned(self.size),
            segments: segments::decode(&self.segments).ok_or(Error::Corrupt("blob.segments"))?,
        })
    }
}

/// A blob that is linked to `repository`.
pub(super) async fn find(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    digest: &Digest,
) -> Result<Option<LinkRow>> {
    let used = manifest_blob::Entity::find()
        .select_only()
        .column(manifest_blob::Column::Digest)
        .filter(manifest_blob::Column::RepositoryId.eq(repository.0))
        .filter(manifest_blob::Column::Digest.eq(digest.as_str()))
        .into_query();
    let row = Entity::find_by_id((repository.0, Text(digest.clone())))
        .select_only()
        .columns([blob::Column::Size, blob::Column::Segments])
        .column(Column::HoldUntil)
        .expr_as(Expr::exists(used), "used")
        .join(JoinType::InnerJoin, Relation::Blob.def())
        .into_model::<LinkRow>()
        .one(on)
        .await?;
    Ok(row)
}

/// Holds a link for another while; `false` when it has just been swept.
pub(super) async fn hold(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    digest: &Digest,
    now: Timestamp,
) -> Result<bool> {
    let held = Entity::update_many()
        .col_expr(Column::HoldUntil, Expr::value(now.plus(HOLD).micros()))
        .filter(Column::RepositoryId.eq(repository.0))
        .filter(Column::Digest.eq(digest.as_str()))
        .exec(on)
        .await?;
    Ok(held.rows_affected > 0)
}

/// Links a blob that exists, or holds the link that is there.
pub(super) async fn link(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    digest: &Digest,
    now: Timestamp,
) -> Result<()> {
    let row = ActiveModel {
        repository_id: Set(repository.0),
        digest: Set(Text(digest.clone())),
        hold_until: Set(now.plus(HOLD).micros()),
    };
    let held = OnConflict::columns([Column::RepositoryId, Column::Digest]).update_column(Column::HoldUntil).to_owned();
    Entity::insert(row).on_conflict(held).exec_without_returning(on).await?;
    Ok(())
}

/// Links a blob that `from` has; its size, or `None` when `from` does not have it.
pub(super) async fn mount(
    on: &impl ConnectionTrait,
    to: RepositoryId,
    from: RepositoryId,
    digest: &Digest,
    now: Timestamp,
) -> Result<Option<u64>> {
    let size: Option<i64> = Entity::find_by_id((from.0, Text(digest.clone())))
        .select_only()
        .column(blob::Column::Size)
        .join(JoinType::InnerJoin, Relation::Blob.def())
        .into_tuple()
        .one(on)
        .await?;
    let Some(size) = size else { return Ok(None) };
    link(on, to, digest, now).await?;
    Ok(Some(sql::unsigned(size)))
}

/// Removes a link. A manifest that is stored at the same moment makes the foreign key refuse, which the caller reads as in use.
pub(super) async fn unlink(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    digest: &Digest,
) -> Result<UnlinkOutcome> {
    let used: Option<i64> = manifest_blob::Entity::find()
        .select_only()
        .column(manifest_blob::Column::RepositoryId)
        .filter(manifest_blob::Column::RepositoryId.eq(repository.0))
        .filter(manifest_blob::Column::Digest.eq(digest.as_str()))
        .into_tuple()
        .one(on)
        .await?;
    if used.is_some() {
        return Ok(UnlinkOutcome::InUse);
    }
    let gone = Entity::delete_by_id((repository.0, Text(digest.clone()))).exec(on).await?;
    Ok(if gone.rows_affected > 0 { UnlinkOutcome::Done } else { UnlinkOutcome::Absent })
}
