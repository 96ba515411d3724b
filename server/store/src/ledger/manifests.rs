//! Storing, reading and deleting manifests, and listing referrers. Every change first locks the repository's row, so
//! that changes to one repository happen one after the other.

use model::account::AccountName;
use model::clock::Timestamp;
use model::event::{Event, EventKind, TagMove};
use model::id::RepositoryId;
use model::oci::{Digest, Reference, Tag};
use registry::ledger::{ListPage, Manifest, NewManifest, Place, Put, ReferrerPage, ReferrerRow, fitting};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, Func, LockType, OnConflict};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, IntoSimpleExpr, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, UpdateMany,
};

use super::references::ReferenceCheck;
use super::{references, tags};
use crate::entity::column::Text;
use crate::entity::{manifest, repository, tag};
use crate::{Error, Result, outbox, sql};

/// Stores a manifest with its references, tags and event. Also returns whether its repository, which was pending, appeared.
///
/// Storing the same manifest with the same tags again changes nothing and writes no event.
pub(super) async fn put(
    on: &impl ConnectionTrait,
    place: &Place,
    manifest: &NewManifest,
    now: Timestamp,
) -> Result<(Put, bool)> {
    let Some(pending) = lock(on, place.id).await? else { return Ok((Put::NoRepository, false)) };
    let mut wanted = manifest.tags.clone();
    wanted.sort_unstable();
    wanted.dedup();
    let current = tags::current(on, place.id, &wanted).await?;
    if !wanted.iter().all(|tag| manifest.expect.holds(current.get(tag))) {
        return Ok((Put::Unexpected, false));
    }
    let referred = match references::check(on, place.id, manifest).await? {
        ReferenceCheck::Present(bytes) => bytes,
        ReferenceCheck::Refused(put) => return Ok((put, false)),
    };

    let mut growth = 0;
    let new = insert(on, place.id, manifest, referred, now).await?;
    if new {
        references::record(on, place.id, manifest).await?;
        growth = references::own_bytes(on, place.id, &manifest.digest).await?;
    } else {
        renew(on, place.id, &manifest.digest, now).await?;
    }
    let moved: Vec<Tag> = wanted.into_iter().filter(|tag| current.get(tag) != Some(&manifest.digest)).collect();
    if !new && moved.is_empty() {
        return Ok((Put::Stored, false));
    }
    if !moved.is_empty() {
        let target = tags::Target { digest: &manifest.digest, size: total_size(on, place.id, &manifest.digest).await? };
        tags::point(on, place.id, &moved, &target, actor(place), now).await?;
        unused(on, place.id, moved.iter().filter_map(|tag| current.get(tag)), now).await?;
    }

    let made = tags::count(moved.iter().filter(|tag| !current.contains_key(tag)));
    // A signature or the like does not count as a push of an image.
    let is_image = manifest.subject.is_none() && (moved.is_empty() || tags::count(&moved) > 0);
    let grown = grow(place.id, made, growth, now).col_expr(repository::Column::Pending, Expr::value(false));
    let grown = grown.apply_if(is_image.then_some(now), |update, now| {
        update.col_expr(repository::Column::PushedAt, Expr::value(now.micros()))
    });
    grown.exec(on).await?;
    if pending {
        outbox::append(on, &event(place, EventKind::RepositoryCreated), now).await?;
    }
    let tags = moved.into_iter().map(|tag| TagMove { before: current.get(&tag).cloned(), tag }).collect();
    let pushed = EventKind::Pushed { digest: manifest.digest.clone(), media_type: manifest.media_type.clone(), tags };
    outbox::append(on, &event(place, pushed), now).await?;
    Ok((Put::Stored, pending))
}

/// Inserts the manifest's row. Returns `false` if it already exists.
async fn insert(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    new: &NewManifest,
    referred: u64,
    now: Timestamp,
) -> Result<bool> {
    let size = i64::try_from(new.payload.len()).unwrap_or(i64::MAX);
    let row = manifest::ActiveModel {
        repository_id: Set(repository.0),
        digest: Set(Text(new.digest.clone())),
        media_type: Set(new.media_type.clone()),
        artifact_type: Set(new.artifact_type.clone()),
        subject: Set(new.subject.clone().map(Text)),
        size: Set(size),
        total_size: Set(sql::signed(referred).saturating_add(size)),
        payload: Set(new.payload.to_vec()),
        annotations: Set(new.annotations.clone()),
        pushed_at: Set(now.micros()),
        unused_since: Set(new.tags.is_empty().then_some(now.micros())),
    };
    let key = [manifest::Column::RepositoryId, manifest::Column::Digest];
    let keep = OnConflict::columns(key).do_nothing().to_owned();
    Ok(manifest::Entity::insert_many([row]).on_conflict(keep).exec_without_returning(on).await? > 0)
}

#[derive(FromQueryResult)]
struct ManifestRow {
    digest: Text<Digest>,
    media_type: String,
    payload: Vec<u8>,
}

/// Returns a manifest by tag or digest.
pub(super) async fn find(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    reference: &Reference,
) -> Result<Option<Manifest>> {
    let columns = [manifest::Column::Digest, manifest::Column::MediaType, manifest::Column::Payload];
    let find = manifest::Entity::find().select_only().columns(columns);
    let find = match reference {
        Reference::Tag(tag) => find
            .inner_join(tag::Entity)
            .filter(tag::Column::RepositoryId.eq(repository.0))
            .filter(tag::Column::Name.eq(tag.as_str())),
        Reference::Digest(digest) => find
            .filter(manifest::Column::RepositoryId.eq(repository.0))
            .filter(manifest::Column::Digest.eq(digest.as_str())),
    };
    let row = find.into_model::<ManifestRow>().one(on).await?;
    Ok(row.map(|row| Manifest { digest: row.digest.0, media_type: row.media_type, payload: row.payload.into() }))
}

/// Deletes a tag. Returns `false` if it does not exist. Its manifest is left to garbage collection.
pub(crate) async fn delete_tag(on: &impl ConnectionTrait, place: &Place, tag: &Tag, now: Timestamp) -> Result<bool> {
    if lock(on, place.id).await?.is_none() {
        return Ok(false);
    }
    let Some(digest) = tags::remove(on, place.id, tag, actor(place), now).await? else { return Ok(false) };
    unused(on, place.id, [&digest], now).await?;
    grow(place.id, -tags::count([tag]), 0, now).exec(on).await?;
    outbox::append(on, &event(place, EventKind::TagDeleted { tag: tag.clone(), digest }), now).await?;
    Ok(true)
}

/// Deletes a manifest and its tags. Returns `false` if it does not exist. Its blobs and children are left to garbage
/// collection.
pub(super) async fn delete(on: &impl ConnectionTrait, place: &Place, digest: &Digest, now: Timestamp) -> Result<bool> {
    if lock(on, place.id).await?.is_none() {
        return Ok(false);
    }
    let bytes = references::own_bytes(on, place.id, digest).await?;
    let tags = tags::remove_all_of(on, place.id, digest, actor(place), now).await?;
    references::release(on, place.id, digest, now, now).await?;
    let gone = manifest::Entity::delete_by_id((place.id.0, Text(digest.clone()))).exec(on).await?.rows_affected;
    if gone == 0 {
        return Ok(false);
    }
    grow(place.id, -tags::count(&tags), -bytes, now).exec(on).await?;
    outbox::append(on, &event(place, EventKind::ManifestDeleted { digest: digest.clone(), tags }), now).await?;
    Ok(true)
}

/// Returns the manifests with this `subject`, ordered by digest. The lengths of annotations are read first, so that a
/// page with large ones is cut before they are loaded.
pub(super) async fn referrers(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    subject: &Digest,
    artifact_type: Option<&str>,
    page: &ListPage,
    max_bytes: u64,
) -> Result<ReferrerPage> {
    if artifact_type.is_some_and(|artifact_type| artifact_type.contains('\0')) {
        return Ok(ReferrerPage::default());
    }
    let length = Func::cust("octet_length").arg(manifest::Column::Annotations.into_simple_expr());
    let mut found = manifest::Entity::find()
        .select_only()
        .column(manifest::Column::Digest)
        .expr_as(Expr::from(length).cast_as("BIGINT"), "length")
        .filter(manifest::Column::RepositoryId.eq(repository.0))
        .filter(manifest::Column::Subject.eq(subject.as_str()))
        .filter(manifest::Column::Digest.gt(sql::last(page)))
        .apply_if(artifact_type, |query, kind| query.filter(manifest::Column::ArtifactType.eq(kind)))
        .order_by_asc(manifest::Column::Digest)
        .limit(page.limit.saturating_add(1))
        .into_tuple::<(Text<Digest>, i64)>()
        .all(on)
        .await?;
    let count = fitting(found.iter().map(|(_, length)| sql::unsigned(*length)), page.limit, max_bytes);
    let more = found.len() > count;
    found.truncate(count);
    let mut rows = Vec::new();
    for batch in found.chunks(sql::BATCH) {
        let batch = manifest::Entity::find()
            .select_only()
            .columns([manifest::Column::Digest, manifest::Column::MediaType, manifest::Column::ArtifactType])
            .columns([manifest::Column::Size, manifest::Column::Annotations])
            .filter(manifest::Column::RepositoryId.eq(repository.0))
            .filter(manifest::Column::Digest.is_in(batch.iter().map(|(digest, _)| digest.0.as_str())))
            .order_by_asc(manifest::Column::Digest)
            .into_tuple::<(Text<Digest>, String, Option<String>, i64, String)>()
            .all(on)
            .await?;
        rows.extend(batch.into_iter().map(|(digest, media_type, artifact_type, size, annotations)| ReferrerRow {
            digest: digest.0,
            media_type,
            artifact_type,
            size: sql::unsigned(size),
            annotations,
        }));
    }
    Ok(ReferrerPage { rows, more })
}

/// Locks a repository's row until the transaction ends, and returns whether the repository is pending. `None` if it
/// does not exist. Every change to tags or manifests must do this before it locks any other row.
pub(crate) async fn lock(on: &impl ConnectionTrait, repository: RepositoryId) -> Result<Option<bool>> {
    let pending = repository::Entity::find_by_id(repository.0)
        .select_only()
        .column(repository::Column::Pending)
        .lock(LockType::NoKeyUpdate)
        .into_tuple()
        .one(on)
        .await?;
    Ok(pending)
}

/// Returns the size of a stored manifest and everything it refers to, in bytes.
async fn total_size(on: &impl ConnectionTrait, repository: RepositoryId, digest: &Digest) -> Result<i64> {
    let size: Option<i64> = manifest::Entity::find_by_id((repository.0, Text(digest.clone())))
        .select_only()
        .column(manifest::Column::TotalSize)
        .into_tuple()
        .one(on)
        .await?;
    size.ok_or(Error::Corrupt("manifest.total_size"))
}

/// Marks manifests that have lost a tag for the sweep.
async fn unused<'a>(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    digests: impl IntoIterator<Item = &'a Digest>,
    now: Timestamp,
) -> Result<()> {
    manifest::Entity::update_many()
        .col_expr(manifest::Column::UnusedSince, Expr::value(now.micros()))
        .filter(manifest::Column::RepositoryId.eq(repository.0))
        .filter(manifest::Column::Digest.is_in(digests.into_iter().map(Digest::as_str)))
        .exec(on)
        .await?;
    Ok(())
}

/// Keeps a manifest that may be unused as long as a new one, because it has been pushed again.
async fn renew(on: &impl ConnectionTrait, repository: RepositoryId, digest: &Digest, now: Timestamp) -> Result<()> {
    manifest::Entity::update_many()
        .col_expr(manifest::Column::UnusedSince, Expr::value(now.micros()))
        .filter(manifest::Column::RepositoryId.eq(repository.0))
        .filter(manifest::Column::Digest.eq(digest.as_str()))
        .filter(manifest::Column::UnusedSince.is_not_null())
        .exec(on)
        .await?;
    Ok(())
}

/// Returns a statement that adds to a repository's tag count and size in bytes, and sets the time of its last change.
fn grow(repository: RepositoryId, tags: i64, bytes: i64, now: Timestamp) -> UpdateMany<repository::Entity> {
    resize(repository, tags, bytes).col_expr(repository::Column::ChangedAt, Expr::value(now.micros()))
}

/// Returns a statement that adds to a repository's tag count and size in bytes.
pub(super) fn resize(repository: RepositoryId, tags: i64, bytes: i64) -> UpdateMany<repository::Entity> {
    let more = |column: repository::Column, by: i64| Expr::col(column).add(by);
    repository::Entity::update_many()
        .col_expr(repository::Column::TagCount, more(repository::Column::TagCount, tags))
        .col_expr(repository::Column::Size, more(repository::Column::Size, bytes))
        .filter(repository::Column::Id.eq(repository.0))
}

fn actor(place: &Place) -> Option<&AccountName> {
    place.actor.as_ref().map(|actor| &actor.name)
}

fn event(place: &Place, kind: EventKind) -> Event {
    Event { repository: Some((place.id, place.name.clone())), actor: place.actor.clone(), kind }
}
