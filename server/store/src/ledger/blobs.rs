//! Blobs, and the links that make them readable in a repository. Blobs are shared by all repositories; foreign keys
//! prevent the deletion of a blob that is still linked.

use std::time::Duration;

use model::clock::Timestamp;
use model::id::RepositoryId;
use model::oci::{Digest, RepositoryName};
use registry::ledger::{Blob, Link, ListPage, Segment, UnlinkOutcome, Upload};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, JoinType, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, RelationTrait,
};

use super::{segments, trash};
use crate::entity::column::Text;
use crate::entity::repository_blob::{ActiveModel, Column, Entity, Relation};
use crate::entity::{blob, manifest_blob, repository};
use crate::{Error, Result, sql};

/// A HEAD of a blob that no manifest uses renews its link if it has been unused for longer than this, so that a client
/// that finds the blob has time to push its manifest.
const RENEWAL: Duration = Duration::from_mins(1);

/// The stored columns of a blob.
#[derive(FromQueryResult)]
pub(super) struct BlobRow {
    size: i64,
    segments: String,
}

impl BlobRow {
    /// Returns the row as the blob with this digest.
    pub(super) fn blob(&self, digest: &Digest) -> Result<Blob> {
        Ok(Blob {
            digest: digest.clone(),
            size: sql::unsigned(self.size),
            segments: segments::decode(&self.segments).ok_or(Error::Corrupt("blob.segments"))?,
        })
    }
}

/// Returns a blob linked to `repository`.
pub(super) async fn find(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    digest: &Digest,
) -> Result<Option<BlobRow>> {
    let row = Entity::find_by_id((repository.0, Text(digest.clone())))
        .select_only()
        .columns([blob::Column::Size, blob::Column::Segments])
        .join(JoinType::InnerJoin, Relation::Blob.def())
        .into_model::<BlobRow>()
        .one(on)
        .await?;
    Ok(row)
}

/// Returns a blob, whether or not it is linked to a repository.
pub(super) async fn stored(on: &impl ConnectionTrait, digest: &Digest) -> Result<Option<Blob>> {
    blob::Entity::find_by_id(Text(digest.clone())).one(on).await?.map(blob_of).transpose()
}

/// Returns blobs in the order of their digests.
pub(super) async fn list(on: &impl ConnectionTrait, page: &ListPage) -> Result<Vec<Blob>> {
    let rows = blob::Entity::find()
        .filter(blob::Column::Digest.gt(sql::last(page)))
        .order_by_asc(blob::Column::Digest)
        .limit(page.limit)
        .all(on)
        .await?;
    rows.into_iter().map(blob_of).collect()
}

fn blob_of(row: blob::Model) -> Result<Blob> {
    BlobRow { size: row.size, segments: row.segments }.blob(&row.digest.0)
}

/// Returns up to `limit` repositories that a blob is linked to.
pub(super) async fn repositories(
    on: &impl ConnectionTrait,
    digest: &Digest,
    limit: u64,
) -> Result<Vec<RepositoryName>> {
    let paths: Vec<Text<RepositoryName>> = Entity::find()
        .select_only()
        .column(repository::Column::Path)
        .join(JoinType::InnerJoin, Relation::Repository.def())
        .filter(Column::Digest.eq(digest.as_str()))
        .limit(limit)
        .into_tuple()
        .all(on)
        .await?;
    Ok(paths.into_iter().map(|path| path.0).collect())
}

/// Stores and links the blob that an upload has become. One that exists already keeps its segments and those of the
/// upload go to the trash, unless its segments are `damaged`.
pub(super) async fn add(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    upload: &Upload,
    digest: &Digest,
    damaged: Option<&[Segment]>,
    now: Timestamp,
) -> Result<()> {
    let row = blob::ActiveModel {
        digest: Set(Text(digest.clone())),
        size: Set(sql::signed(upload.offset)),
        segments: Set(segments::encode(&upload.segments)),
        created_at: Set(now.micros()),
        unlinked_at: Set(None),
    };
    let there = OnConflict::column(blob::Column::Digest).do_nothing().to_owned();
    let inserted = blob::Entity::insert_many([row]).on_conflict(there).exec_without_returning(on).await?;
    if inserted == 0 {
        let unused = match damaged {
            Some(damaged) if replace(on, digest, damaged, &upload.segments).await? => damaged,
            _ => &upload.segments,
        };
        trash::add(on, unused, now).await?;
    }
    link(on, repository, digest, now).await
}

/// Replaces the segments of a blob. Returns `false` if they are not `damaged` any more.
async fn replace(on: &impl ConnectionTrait, digest: &Digest, damaged: &[Segment], new: &[Segment]) -> Result<bool> {
    let replaced = blob::Entity::update_many()
        .col_expr(blob::Column::Segments, Expr::value(segments::encode(new)))
        .filter(blob::Column::Digest.eq(digest.as_str()))
        .filter(blob::Column::Segments.eq(segments::encode(damaged)))
        .exec(on)
        .await?;
    Ok(replaced.rows_affected > 0)
}

/// Returns those of these blobs that are linked to `repository`.
pub(super) async fn linked(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    digests: &[Digest],
) -> Result<Vec<Link>> {
    let mut links = Vec::new();
    for batch in digests.chunks(sql::BATCH) {
        let rows = Entity::find()
            .select_only()
            .column(Column::Digest)
            .column(blob::Column::Size)
            .join(JoinType::InnerJoin, Relation::Blob.def())
            .filter(Column::RepositoryId.eq(repository.0))
            .filter(Column::Digest.is_in(batch.iter().map(Digest::as_str)))
            .into_tuple::<(Text<Digest>, i64)>()
            .all(on)
            .await?;
        links.extend(rows.into_iter().map(|(digest, size)| Link { digest: digest.0, size: sql::unsigned(size) }));
    }
    Ok(links)
}

/// Whether a link must be renewed, because no manifest uses it and garbage collection may soon remove it; `None` if
/// there is no such link.
pub(super) async fn needs_hold(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    digest: &Digest,
    now: Timestamp,
) -> Result<Option<bool>> {
    let used = manifest_blob::Entity::find()
        .select_only()
        .column(manifest_blob::Column::Digest)
        .filter(manifest_blob::Column::RepositoryId.eq(repository.0))
        .filter(manifest_blob::Column::Digest.eq(digest.as_str()))
        .into_query();
    let row = Entity::find_by_id((repository.0, Text(digest.clone())))
        .select_only()
        .column(Column::UnusedSince)
        .expr_as(Expr::exists(used), "used")
        .into_tuple::<(Option<i64>, bool)>()
        .one(on)
        .await?;
    let renewed_before = now.minus(RENEWAL).micros();
    Ok(row.map(|(since, used)| !used && since.is_none_or(|since| since < renewed_before)))
}

/// Renews a link. Returns `false` if it has been removed.
pub(super) async fn hold(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    digest: &Digest,
    now: Timestamp,
) -> Result<bool> {
    let held = Entity::update_many()
        .col_expr(Column::UnusedSince, Expr::value(now.micros()))
        .filter(Column::RepositoryId.eq(repository.0))
        .filter(Column::Digest.eq(digest.as_str()))
        .exec(on)
        .await?;
    Ok(held.rows_affected > 0)
}

/// Links an existing blob, or renews the link.
pub(super) async fn link(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    digest: &Digest,
    now: Timestamp,
) -> Result<()> {
    let row = ActiveModel {
        repository_id: Set(repository.0),
        digest: Set(Text(digest.clone())),
        unused_since: Set(Some(now.micros())),
    };
    let there =
        OnConflict::columns([Column::RepositoryId, Column::Digest]).update_column(Column::UnusedSince).to_owned();
    Entity::insert(row).on_conflict(there).exec_without_returning(on).await?;
    Ok(())
}

/// Links a blob of `from` to `to` and returns it; `None` if `from` does not have it.
pub(super) async fn mount(
    on: &impl ConnectionTrait,
    to: RepositoryId,
    from: RepositoryId,
    digest: &Digest,
    now: Timestamp,
) -> Result<Option<Blob>> {
    let Some(row) = find(on, from, digest).await? else { return Ok(None) };
    link(on, to, digest, now).await?;
    row.blob(digest).map(Some)
}

/// Removes a link. If a manifest that uses it is stored at the same time, the foreign key rejects the removal; the
/// caller must report this as [`UnlinkOutcome::InUse`].
pub(super) async fn unlink(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    digest: &Digest,
    now: Timestamp,
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
    if gone.rows_affected == 0 {
        return Ok(UnlinkOutcome::Absent);
    }
    unlinked(on, [digest], now).await?;
    Ok(UnlinkOutcome::Done)
}

/// Marks blobs that have lost a link for the sweep, which deletes those without another one.
pub(super) async fn unlinked<'a>(
    on: &impl ConnectionTrait,
    digests: impl IntoIterator<Item = &'a Digest>,
    now: Timestamp,
) -> Result<()> {
    let mut digests: Vec<&Digest> = digests.into_iter().collect();
    digests.sort_unstable();
    digests.dedup();
    for batch in digests.chunks(sql::BATCH) {
        blob::Entity::update_many()
            .col_expr(blob::Column::UnlinkedAt, Expr::value(now.micros()))
            .filter(blob::Column::Digest.is_in(batch.iter().map(|digest| digest.as_str())))
            .exec(on)
            .await?;
    }
    Ok(())
}

/// Removes all links of a repository. Like the sweep, it locks links before blobs.
pub(crate) async fn unlink_all(on: &impl ConnectionTrait, repository: RepositoryId, now: Timestamp) -> Result<()> {
    let links = Entity::delete_many().filter(Column::RepositoryId.eq(repository.0)).exec_with_returning(on).await?;
    unlinked(on, links.iter().map(|link| &link.digest.0), now).await
}
