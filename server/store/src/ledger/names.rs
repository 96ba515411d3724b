//! Repositories by name, for an engine that runs without a hub: no namespace, no accounts, only paths.
//! A hub's repositories are made and listed elsewhere, through its policy.

use model::clock::Timestamp;
use model::event::{Event, What};
use model::id::RepositoryId;
use model::oci::RepositoryName;
use registry::ledger::After;
use sea_orm::ConnectionTrait;

use crate::sql;
use crate::{Error, Result, outbox};

/// The repository of that name.
pub(super) async fn find(on: &impl ConnectionTrait, name: &RepositoryName) -> Result<Option<RepositoryId>> {
    let row = sql::first(on, "SELECT id FROM repository WHERE path = $1", [name.as_str().into()]).await?;
    Ok(row.map(|row| row.try_get_by_index(0)).transpose()?.map(RepositoryId))
}

/// The repository of that name, made unless somebody else just did.
pub(super) async fn create(on: &impl ConnectionTrait, name: &RepositoryName, now: Timestamp) -> Result<RepositoryId> {
    let made = sql::execute(
        on,
        "INSERT INTO repository (path, created_at, updated_at, changed_at) VALUES ($1, $2, $2, $2)
         ON CONFLICT (path) DO NOTHING",
        [name.as_str().into(), now.micros().into()],
    )
    .await?;
    let id = find(on, name).await?.ok_or(Error::Absent)?;
    if made > 0 {
        let event = Event { repository: id, path: name.clone(), actor: None, what: What::Created };
        outbox::append(on, &event, now).await?;
    }
    Ok(id)
}

/// Names in order.
pub(super) async fn list(on: &impl ConnectionTrait, page: &After) -> Result<Vec<RepositoryName>> {
    let rows = sql::all(
        on,
        "SELECT path FROM repository WHERE path > $1 ORDER BY path LIMIT $2",
        [sql::last(page).into(), sql::signed(page.limit).into()],
    )
    .await?;
    rows.iter()
        .map(|row| {
            let path: String = row.try_get_by_index(0)?;
            RepositoryName::parse(&path).map_err(|_| Error::Corrupt("repository.path"))
        })
        .collect()
}
