//! The references from a manifest to blobs and child manifests: checks that they exist with the stated sizes, and
//! stores them. Foreign keys then protect the blobs from deletion.

use std::collections::{BTreeMap, BTreeSet};

use model::clock::Timestamp;
use model::id::RepositoryId;
use model::oci::Digest;
use registry::ledger::{Link, NewManifest, Put};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, Func, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, JoinType, QueryFilter, QuerySelect, QueryTrait,
    RelationTrait, Select,
};

use crate::Result;
use crate::entity::column::Text;
use crate::entity::{blob, manifest, manifest_blob, manifest_child, repository_blob};
use crate::sql;

/// The sizes of a blob or child manifest.
struct ReferenceSize {
    size: u64,
    /// The size including everything it refers to; for a blob, the same as `size`.
    total: u64,
}

/// The result of checking the references of a manifest.
pub(super) enum ReferenceCheck {
    /// All references exist. Contains their total size in bytes, counting each digest once.
    Present(u64),
    /// The manifest must not be stored, for this reason.
    Refused(Put),
}

/// Checks that everything a manifest refers to exists and has the stated size.
pub(super) async fn check(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    new: &NewManifest,
) -> Result<ReferenceCheck> {
    let links = repository_blob::Entity::find()
        .select_only()
        .column(repository_blob::Column::Digest)
        .columns([blob::Column::Size, blob::Column::Size])
        .inner_join(blob::Entity)
        .filter(repository_blob::Column::RepositoryId.eq(repository.0));
    let blobs = held(on, &links, repository_blob::Column::Digest, &new.blobs).await?;
    let manifests = manifest::Entity::find()
        .select_only()
        .columns([manifest::Column::Digest, manifest::Column::Size, manifest::Column::TotalSize])
        .filter(manifest::Column::RepositoryId.eq(repository.0));
    let children = held(on, &manifests, manifest::Column::Digest, &new.children).await?;

    let stated = || {
        let blobs = new.blobs.iter().map(|link| (link, blobs.get(&link.digest)));
        blobs.chain(new.children.iter().map(|link| (link, children.get(&link.digest))))
    };
    let missing: BTreeSet<&Digest> =
        stated().filter(|(_, held)| held.is_none()).map(|(link, _)| &link.digest).collect();
    if !missing.is_empty() {
        return Ok(ReferenceCheck::Refused(Put::Missing(missing.into_iter().cloned().collect())));
    }
    let mismatched: BTreeSet<&Digest> = stated()
        .filter(|(link, held)| held.is_some_and(|held| held.size != link.size))
        .map(|(link, _)| &link.digest)
        .collect();
    if !mismatched.is_empty() {
        return Ok(ReferenceCheck::Refused(Put::SizeMismatch(mismatched.into_iter().cloned().collect())));
    }
    let total = blobs.values().chain(children.values()).fold(0_u64, |sum, held| sum.saturating_add(held.total));
    Ok(ReferenceCheck::Present(total))
}

/// Looks up references. `query` selects the digest, size and total size.
async fn held<E: EntityTrait>(
    on: &impl ConnectionTrait,
    query: &Select<E>,
    digest: impl ColumnTrait,
    links: &[Link],
) -> Result<BTreeMap<Digest, ReferenceSize>> {
    let mut found = BTreeMap::new();
    for batch in distinct(links).chunks(sql::BATCH) {
        let rows = query
            .clone()
            .filter(digest.is_in(batch.iter().map(|digest| digest.as_str())))
            .into_tuple::<(Text<Digest>, i64, i64)>()
            .all(on)
            .await?;
        found.extend(rows.into_iter().map(|(digest, size, total)| {
            (digest.0, ReferenceSize { size: sql::unsigned(size), total: sql::unsigned(total) })
        }));
    }
    Ok(found)
}

/// Stores the references of a new manifest. A foreign key rejects this if a blob was unlinked since it was checked.
pub(super) async fn record(on: &impl ConnectionTrait, repository: RepositoryId, new: &NewManifest) -> Result<()> {
    // Insert in the order of digests, so that two writers cannot deadlock.
    for batch in distinct(&new.blobs).chunks(sql::BATCH) {
        let rows = batch.iter().map(|digest| manifest_blob::ActiveModel {
            repository_id: Set(repository.0),
            manifest: Set(Text(new.digest.clone())),
            digest: Set(Text((*digest).clone())),
        });
        manifest_blob::Entity::insert_many(rows).exec_without_returning(on).await?;
    }
    for batch in distinct(&new.children).chunks(sql::BATCH) {
        let rows = batch.iter().map(|digest| manifest_child::ActiveModel {
            repository_id: Set(repository.0),
            parent: Set(Text(new.digest.clone())),
            child: Set(Text((*digest).clone())),
        });
        manifest_child::Entity::insert_many(rows).exec_without_returning(on).await?;
    }
    Ok(())
}

/// Marks for the sweep what only a manifest may have needed, before the manifest is deleted: its children and referrers
/// as unused since `since`, unless they have lost something else later, and its blobs as unused from now on.
pub(super) async fn release(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    digest: &Digest,
    since: Timestamp,
    now: Timestamp,
) -> Result<()> {
    let children = manifest_child::Entity::find()
        .select_only()
        .column(manifest_child::Column::Child)
        .filter(manifest_child::Column::RepositoryId.eq(repository.0))
        .filter(manifest_child::Column::Parent.eq(digest.as_str()))
        .into_query();
    for dependent in [manifest::Column::Digest.in_subquery(children), manifest::Column::Subject.eq(digest.as_str())] {
        manifest::Entity::update_many()
            .col_expr(manifest::Column::UnusedSince, Expr::value(since.micros()))
            .filter(manifest::Column::RepositoryId.eq(repository.0))
            .filter(dependent)
            .filter(unused_at(since))
            .exec(on)
            .await?;
    }
    let blobs = manifest_blob::Entity::find()
        .select_only()
        .column(manifest_blob::Column::Digest)
        .filter(manifest_blob::Column::RepositoryId.eq(repository.0))
        .filter(manifest_blob::Column::Manifest.eq(digest.as_str()))
        .into_query();
    repository_blob::Entity::update_many()
        .col_expr(repository_blob::Column::UnusedSince, Expr::value(now.micros()))
        .filter(repository_blob::Column::RepositoryId.eq(repository.0))
        .filter(repository_blob::Column::Digest.in_subquery(blobs))
        .exec(on)
        .await?;
    Ok(())
}

/// The condition that a manifest has lost nothing after `time`.
pub(super) fn unused_at(time: Timestamp) -> Condition {
    let unused_since = manifest::Column::UnusedSince;
    Condition::any().add(unused_since.is_null()).add(unused_since.lte(time.micros()))
}

/// Returns the number of bytes that a stored manifest adds to its repository: its own size, and the sizes of the blobs
/// that no other manifest in the repository uses.
pub(super) async fn own_bytes(on: &impl ConnectionTrait, repository: RepositoryId, digest: &Digest) -> Result<i64> {
    let other = |column: manifest_blob::Column| Expr::col(("other", column));
    let this = |column: manifest_blob::Column| Expr::col((manifest_blob::Entity, column));
    let others = Query::select()
        .expr(Expr::value(1))
        .from_as(manifest_blob::Entity, "other")
        .and_where(other(manifest_blob::Column::RepositoryId).eq(repository.0))
        .and_where(other(manifest_blob::Column::Digest).eq(this(manifest_blob::Column::Digest)))
        .and_where(other(manifest_blob::Column::Manifest).ne(digest.as_str()))
        .take();
    let blobs = manifest_blob::Entity::find()
        .select_only()
        .expr(Expr::col((blob::Entity, blob::Column::Size)).sum())
        .join(JoinType::InnerJoin, manifest_blob::Relation::RepositoryBlob.def())
        .join(JoinType::InnerJoin, repository_blob::Relation::Blob.def())
        .filter(manifest_blob::Column::RepositoryId.eq(repository.0))
        .filter(manifest_blob::Column::Manifest.eq(digest.as_str()))
        .filter(Expr::exists(others).not())
        .into_query();
    let blobs = Func::coalesce([Expr::SubQuery(None, Box::new(blobs.into())), Expr::value(0_i64)]);
    // On PostgreSQL, the sum of a `bigint` column is a `numeric`.
    let bytes = Expr::col(manifest::Column::Size).add(Expr::from(blobs).cast_as("BIGINT"));
    let find = manifest::Entity::find_by_id((repository.0, Text(digest.clone())));
    Ok(find.select_only().expr(bytes).into_tuple::<i64>().one(on).await?.unwrap_or(0))
}

fn distinct(links: &[Link]) -> Vec<&Digest> {
    links.iter().map(|link| &link.digest).collect::<BTreeSet<_>>().into_iter().collect()
}
