//! Manifests: storing one with its references, tags and event, reading, removing, and who refers to a subject.
//! Whatever changes a repository here first locks the repository's row, so changes come one by one.

use model::clock::Timestamp;
use model::event::{Event, What};
use model::id::RepositoryId;
use model::oci::{Digest, Reference, Tag};
use registry::ledger::{After, Manifest, NewManifest, Place, Put, ReferrerRow};
use sea_orm::sea_query::LockType;
use sea_orm::{ConnectionTrait, EntityTrait, QuerySelect};

use super::references::Checked;
use super::{digest, references, tags};
use crate::entity::column::Text;
use crate::{Error, Result, entity, outbox, sql};

/// Stores a manifest, its references and its tags, and the event of it.
///
/// What is there already stays as it is: pushing the same manifest to the same tags again changes nothing and tells nobody.
pub(super) async fn put(
    on: &impl ConnectionTrait,
    place: &Place,
    manifest: &NewManifest,
    now: Timestamp,
) -> Result<Put> {
    if !lock(on, place.id).await? {
        return Ok(Put::NoRepository);
    }
    let mut wanted = manifest.tags.clone();
    wanted.sort_unstable();
    wanted.dedup();
    let current = tags::current(on, place.id, &wanted).await?;
    if !wanted.iter().all(|tag| manifest.expect.holds(current.get(tag))) {
        return Ok(Put::Unexpected);
    }
    let referred = match references::check(on, place.id, manifest).await? {
        Checked::Present(bytes) => bytes,
        Checked::Refused(put) => return Ok(put),
    };

    let mut growth = 0;
    let new = insert(on, place.id, manifest, referred, now).await?;
    if new {
        references::record(on, place.id, manifest).await?;
        growth = references::own_bytes(on, place.id, &manifest.digest).await?;
    }
    let moved: Vec<Tag> = wanted.into_iter().filter(|tag| current.get(tag) != Some(&manifest.digest)).collect();
    if !new && moved.is_empty() {
        return Ok(Put::Stored);
    }
    if !moved.is_empty() {
        let target = tags::Target { digest: &manifest.digest, size: total_size(on, place.id, &manifest.digest).await? };
        tags::point(on, place.id, &moved, &target, place.actor.as_ref(), now).await?;
    }

    let made = moved.iter().filter(|tag| !current.contains_key(tag)).count();
    sql::execute(
        on,
        "UPDATE repository SET tag_count = tag_count + $2, size = size + $3, pushed_at = $4, changed_at = $4 WHERE id = $1",
        [place.id.0.into(), i64::try_from(made).unwrap_or(0).into(), growth.into(), now.micros().into()],
    )
    .await?;
    let pushed = What::Pushed { digest: manifest.digest.clone(), media_type: manifest.media_type.clone(), tags: moved };
    outbox::append(on, &event(place, pushed), now).await?;
    Ok(Put::Stored)
}

/// Inserts the manifest's own row; `false` when it is there already.
async fn insert(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    manifest: &NewManifest,
    referred: u64,
    now: Timestamp,
) -> Result<bool> {
    let size = i64::try_from(manifest.payload.len()).unwrap_or(i64::MAX);
    let inserted = sql::execute(
        on,
        "INSERT INTO manifest (repository_id, digest, media_type, artifact_type, subject, size, total_size, payload,
                               annotations, pushed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (repository_id, digest) DO NOTHING",
        [
            repository.0.into(),
            manifest.digest.as_str().into(),
            manifest.media_type.as_str().into(),
            manifest.artifact_type.as_deref().into(),
            manifest.subject.as_ref().map(Digest::as_str).into(),
            size.into(),
            sql::signed(referred).saturating_add(size).into(),
            manifest.payload.to_vec().into(),
            manifest.annotations.as_str().into(),
            now.micros().into(),
        ],
    )
    .await?;
    Ok(inserted > 0)
}

/// A manifest by tag or digest.
pub(super) async fn find(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    reference: &Reference,
) -> Result<Option<Manifest>> {
    let select = match reference {
        Reference::Tag(_) => {
            "SELECT m.digest, m.media_type, m.payload FROM tag t
             JOIN manifest m ON m.repository_id = t.repository_id AND m.digest = t.digest
             WHERE t.repository_id = $1 AND t.name = $2"
        }
        Reference::Digest(_) => {
            "SELECT digest, media_type, payload FROM manifest WHERE repository_id = $1 AND digest = $2"
        }
    };
    let row = sql::first(on, select, [repository.0.into(), reference.as_str().into()]).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Manifest {
        digest: digest(&row.try_get_by_index::<String>(0)?)?,
        media_type: row.try_get_by_index(1)?,
        payload: row.try_get_by_index::<Vec<u8>>(2)?.into(),
    }))
}

/// Removes a tag and leaves what it pointed at to the sweep; `false` when there was none.
pub(crate) async fn delete_tag(on: &impl ConnectionTrait, place: &Place, tag: &Tag, now: Timestamp) -> Result<bool> {
    if !lock(on, place.id).await? {
        return Ok(false);
    }
    let Some(digest) = tags::remove(on, place.id, tag, place.actor.as_ref(), now).await? else { return Ok(false) };
    shrink(on, place.id, 1, 0, now).await?;
    outbox::append(on, &event(place, What::TagDeleted { tag: tag.clone(), digest }), now).await?;
    Ok(true)
}

/// Removes a manifest and every tag that points at it, and leaves its blobs and children to the sweep; `false` when there was none.
pub(super) async fn delete(on: &impl ConnectionTrait, place: &Place, digest: &Digest, now: Timestamp) -> Result<bool> {
    if !lock(on, place.id).await? {
        return Ok(false);
    }
    let bytes = references::own_bytes(on, place.id, digest).await?;
    let tags = tags::remove_all_of(on, place.id, digest, place.actor.as_ref(), now).await?;
    let gone = sql::execute(
        on,
        "DELETE FROM manifest WHERE repository_id = $1 AND digest = $2",
        [place.id.0.into(), digest.as_str().into()],
    )
    .await?;
    if gone == 0 {
        return Ok(false);
    }
    shrink(on, place.id, tags.len(), bytes, now).await?;
    outbox::append(on, &event(place, What::ManifestDeleted { digest: digest.clone(), tags }), now).await?;
    Ok(true)
}

/// Manifests whose subject is `subject`, by digest.
pub(super) async fn referrers(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    subject: &Digest,
    artifact_type: Option<&str>,
    page: &After,
) -> Result<Vec<ReferrerRow>> {
    if artifact_type.is_some_and(|artifact_type| artifact_type.contains('\0')) {
        return Ok(Vec::new());
    }
    let filter = if artifact_type.is_some() { "AND artifact_type = $5" } else { "" };
    let select = format!(
        "SELECT digest, media_type, artifact_type, size, annotations FROM manifest
         WHERE repository_id = $1 AND subject = $2 AND digest > $3 {filter} ORDER BY digest LIMIT $4"
    );
    let mut values =
        vec![repository.0.into(), subject.as_str().into(), sql::last(page).into(), sql::signed(page.limit).into()];
    values.extend(artifact_type.map(Into::into));
    let rows = sql::all(on, &select, values).await?;
    rows.iter()
        .map(|row| {
            Ok(ReferrerRow {
                digest: digest(&row.try_get_by_index::<String>(0)?)?,
                media_type: row.try_get_by_index(1)?,
                artifact_type: row.try_get_by_index(2)?,
                size: sql::unsigned(row.try_get_by_index(3)?),
                annotations: row.try_get_by_index(4)?,
            })
        })
        .collect()
}

/// Holds a repository's row until the transaction ends; `false` when there is none. Every change of tags or manifests starts
/// with it, before any other row.
async fn lock(on: &impl ConnectionTrait, repository: RepositoryId) -> Result<bool> {
    let held: Option<i64> = entity::repository::Entity::find_by_id(repository.0)
        .select_only()
        .column(entity::repository::Column::Id)
        .lock(LockType::NoKeyUpdate)
        .into_tuple()
        .one(on)
        .await?;
    Ok(held.is_some())
}

/// The bytes of a stored manifest and of all that it refers to.
async fn total_size(on: &impl ConnectionTrait, repository: RepositoryId, digest: &Digest) -> Result<i64> {
    let size: Option<i64> = entity::manifest::Entity::find_by_id((repository.0, Text(digest.clone())))
        .select_only()
        .column(entity::manifest::Column::TotalSize)
        .into_tuple()
        .one(on)
        .await?;
    size.ok_or(Error::Corrupt("manifest.total_size"))
}

async fn shrink(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    tags: usize,
    bytes: i64,
    now: Timestamp,
) -> Result<()> {
    sql::execute(
        on,
        "UPDATE repository SET tag_count = tag_count - $2, size = size - $3, changed_at = $4 WHERE id = $1",
        [repository.0.into(), i64::try_from(tags).unwrap_or(0).into(), bytes.into(), now.micros().into()],
    )
    .await?;
    Ok(())
}

fn event(place: &Place, what: What) -> Event {
    Event { repository: place.id, path: place.name.clone(), actor: place.actor.clone(), what }
}
