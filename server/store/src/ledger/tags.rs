//! Tags and their history. Callers that change tags must have locked the repository's row.

use std::collections::BTreeMap;

use model::account::AccountName;
use model::clock::Timestamp;
use model::id::RepositoryId;
use model::oci::{Digest, Tag};
use model::version;
use registry::ledger::ListPage;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::entity::column::Text;
use crate::entity::tag::{ActiveModel, Column, Entity};
use crate::entity::tag_history;
use crate::{Result, sql};

/// The manifest to point tags at.
pub(super) struct Target<'a> {
    pub(super) digest: &'a Digest,
    /// The size in bytes of the manifest and everything it refers to.
    pub(super) size: i64,
}

/// The number of these tags that name images, not signatures and the like.
pub(super) fn count<'a>(tags: impl IntoIterator<Item = &'a Tag>) -> i64 {
    i64::try_from(tags.into_iter().filter(|tag| tag.subject().is_none()).count()).unwrap_or(i64::MAX)
}

/// Returns tags in byte order.
pub(super) async fn list(on: &impl ConnectionTrait, repository: RepositoryId, page: &ListPage) -> Result<Vec<Tag>> {
    let names: Vec<Text<Tag>> = Entity::find()
        .select_only()
        .column(Column::Name)
        .filter(Column::RepositoryId.eq(repository.0))
        .filter(Column::Name.gt(sql::last(page)))
        .order_by_asc(Column::Name)
        .limit(page.limit)
        .into_tuple()
        .all(on)
        .await?;
    Ok(names.into_iter().map(|name| name.0).collect())
}

/// Returns the digests that `tags` point at, without tags that do not exist.
pub(super) async fn current(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    tags: &[Tag],
) -> Result<BTreeMap<Tag, Digest>> {
    let mut found = BTreeMap::new();
    for batch in tags.chunks(sql::BATCH) {
        let rows: Vec<(Text<Tag>, Text<Digest>)> = Entity::find()
            .select_only()
            .columns([Column::Name, Column::Digest])
            .filter(Column::RepositoryId.eq(repository.0))
            .filter(Column::Name.is_in(batch.iter().map(Tag::as_str)))
            .into_tuple()
            .all(on)
            .await?;
        found.extend(rows.into_iter().map(|(name, digest)| (name.0, digest.0)));
    }
    Ok(found)
}

/// Returns the tags that point at a manifest, in byte order; with a limit, the first ones.
pub(crate) async fn of(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    target: &Digest,
    limit: Option<u64>,
) -> Result<Vec<Tag>> {
    let names: Vec<Text<Tag>> = Entity::find()
        .select_only()
        .column(Column::Name)
        .filter(Column::RepositoryId.eq(repository.0))
        .filter(Column::Digest.eq(target.as_str()))
        .order_by_asc(Column::Name)
        .limit(limit)
        .into_tuple()
        .all(on)
        .await?;
    Ok(names.into_iter().map(|name| name.0).collect())
}

/// Creates tags or moves them to `target`.
pub(super) async fn point(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    tags: &[Tag],
    target: &Target<'_>,
    actor: Option<&AccountName>,
    now: Timestamp,
) -> Result<()> {
    for batch in tags.chunks(sql::BATCH) {
        let rows = batch.iter().map(|tag| ActiveModel {
            repository_id: Set(repository.0),
            name: Set(Text(tag.clone())),
            digest: Set(Text(target.digest.clone())),
            version: Set(version::sort_key(tag.as_str())),
            size: Set(target.size),
            pushed_at: Set(now.micros()),
            pulled_at: NotSet,
            subject: Set(tag.subject().map(Text)),
        });
        let moved = OnConflict::columns([Column::RepositoryId, Column::Name])
            .update_columns([Column::Digest, Column::Version, Column::Size, Column::PushedAt])
            .to_owned();
        Entity::insert_many(rows).on_conflict(moved).exec_without_returning(on).await?;
    }
    remember(on, repository, tags, Some(target.digest), actor, now).await
}

/// Removes a tag and returns the digest that it pointed at; `None` if the tag does not exist.
pub(super) async fn remove(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    name: &Tag,
    actor: Option<&AccountName>,
    now: Timestamp,
) -> Result<Option<Digest>> {
    let gone = Entity::delete_by_id((repository.0, Text(name.clone()))).exec_with_returning(on).await?;
    let Some(gone) = gone else { return Ok(None) };
    remember(on, repository, std::slice::from_ref(name), None, actor, now).await?;
    Ok(Some(gone.digest.0))
}

/// Removes and returns the tags that point at a manifest.
pub(super) async fn remove_all_of(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    target: &Digest,
    actor: Option<&AccountName>,
    now: Timestamp,
) -> Result<Vec<Tag>> {
    let tags = of(on, repository, target, None).await?;
    Entity::delete_many()
        .filter(Column::RepositoryId.eq(repository.0))
        .filter(Column::Digest.eq(target.as_str()))
        .exec(on)
        .await?;
    remember(on, repository, &tags, None, actor, now).await?;
    Ok(tags)
}

/// Records in the history that tags now point at `target`, or, with `None`, that they were removed.
async fn remember(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    tags: &[Tag],
    target: Option<&Digest>,
    actor: Option<&AccountName>,
    now: Timestamp,
) -> Result<()> {
    for batch in tags.chunks(sql::BATCH) {
        let rows = batch.iter().map(|tag| tag_history::ActiveModel {
            id: NotSet,
            repository_id: Set(repository.0),
            name: Set(Text(tag.clone())),
            digest: Set(target.cloned().map(Text)),
            actor: Set(actor.cloned().map(Text)),
            at: Set(now.micros()),
        });
        tag_history::Entity::insert_many(rows).exec_without_returning(on).await?;
    }
    Ok(())
}
