//! Tags: what each points at, moving and removing them with their history.
//! It knows nothing of conditions and events; whoever moves a tag has locked the repository's row before.

use std::collections::BTreeMap;

use model::account::AccountName;
use model::clock::Timestamp;
use model::id::RepositoryId;
use model::oci::{Digest, Tag};
use registry::ledger::After;
use sea_orm::{ConnectionTrait, Value};

use super::digest;
use crate::sql;
use crate::{Error, Result};

/// Tags in byte order.
pub(super) async fn list(on: &impl ConnectionTrait, repository: RepositoryId, page: &After) -> Result<Vec<Tag>> {
    let rows = sql::all(
        on,
        "SELECT name FROM tag WHERE repository_id = $1 AND name > $2 ORDER BY name LIMIT $3",
        [repository.0.into(), sql::last(page).into(), sql::signed(page.limit).into()],
    )
    .await?;
    rows.iter().map(|row| tag(&row.try_get_by_index::<String>(0)?)).collect()
}

/// What those of `tags` that exist point at.
pub(super) async fn current(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    tags: &[Tag],
) -> Result<BTreeMap<Tag, Digest>> {
    let mut found = BTreeMap::new();
    for batch in tags.chunks(sql::BATCH) {
        let select = format!(
            "SELECT name, digest FROM tag WHERE repository_id = $1 AND name IN ({})",
            sql::list(2, batch.len())
        );
        let values = std::iter::once(repository.0.into()).chain(batch.iter().map(|tag| tag.as_str().into()));
        for row in sql::all(on, &select, values).await? {
            let (name, target): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            found.insert(tag(&name)?, digest(&target)?);
        }
    }
    Ok(found)
}

/// The tags that point at a manifest, in byte order.
pub(crate) async fn of(on: &impl ConnectionTrait, repository: RepositoryId, target: &Digest) -> Result<Vec<Tag>> {
    let rows = sql::all(
        on,
        "SELECT name FROM tag WHERE repository_id = $1 AND digest = $2 ORDER BY name",
        [repository.0.into(), target.as_str().into()],
    )
    .await?;
    rows.iter().map(|row| tag(&row.try_get_by_index::<String>(0)?)).collect()
}

/// Makes tags or moves them to `target`.
pub(super) async fn point(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    tags: &[Tag],
    target: &Digest,
    actor: Option<&AccountName>,
    now: Timestamp,
) -> Result<()> {
    for batch in tags.chunks(sql::BATCH) {
        let upsert = format!(
            "INSERT INTO tag (repository_id, name, digest, pushed_at) VALUES {}
             ON CONFLICT (repository_id, name) DO UPDATE SET digest = excluded.digest, pushed_at = excluded.pushed_at",
            sql::rows(4, batch.len())
        );
        let values = batch.iter().flat_map(|tag| -> [Value; 4] {
            [repository.0.into(), tag.as_str().into(), target.as_str().into(), now.micros().into()]
        });
        sql::execute(on, &upsert, values).await?;
    }
    remember(on, repository, tags, Some(target), actor, now).await
}

/// Removes a tag; what it pointed at, or `None` when there was none.
pub(super) async fn remove(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    name: &Tag,
    actor: Option<&AccountName>,
    now: Timestamp,
) -> Result<Option<Digest>> {
    let row = sql::first(
        on,
        "DELETE FROM tag WHERE repository_id = $1 AND name = $2 RETURNING digest",
        [repository.0.into(), name.as_str().into()],
    )
    .await?;
    let Some(row) = row else { return Ok(None) };
    remember(on, repository, std::slice::from_ref(name), None, actor, now).await?;
    digest(&row.try_get_by_index::<String>(0)?).map(Some)
}

/// Removes the tags that point at a manifest.
pub(super) async fn remove_all_of(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    target: &Digest,
    actor: Option<&AccountName>,
    now: Timestamp,
) -> Result<Vec<Tag>> {
    let tags = of(on, repository, target).await?;
    sql::execute(
        on,
        "DELETE FROM tag WHERE repository_id = $1 AND digest = $2",
        [repository.0.into(), target.as_str().into()],
    )
    .await?;
    remember(on, repository, &tags, None, actor, now).await?;
    Ok(tags)
}

/// Adds to the tags' history that they point at `target` now, or at nothing.
async fn remember(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    tags: &[Tag],
    target: Option<&Digest>,
    actor: Option<&AccountName>,
    now: Timestamp,
) -> Result<()> {
    for batch in tags.chunks(sql::BATCH) {
        let insert = format!(
            "INSERT INTO tag_history (repository_id, name, digest, actor, at) VALUES {}",
            sql::rows(5, batch.len())
        );
        let values = batch.iter().flat_map(|tag| -> [Value; 5] {
            [
                repository.0.into(),
                tag.as_str().into(),
                target.map(Digest::as_str).into(),
                actor.map(AccountName::as_str).into(),
                now.micros().into(),
            ]
        });
        sql::execute(on, &insert, values).await?;
    }
    Ok(())
}

fn tag(text: &str) -> Result<Tag> {
    Tag::parse(text).map_err(|_| Error::Corrupt("tag.name"))
}
