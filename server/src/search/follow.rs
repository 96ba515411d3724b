//! Keeps the index up to date: builds it from SQL, then updates the repositories of new events. An event only names a
//! repository; what is indexed is read from SQL.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use model::id::RepositoryId;
use store::access::System;
use store::{EventPosition, SearchDocument};
use tantivy::TantivyDocument;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::index::{Error, Index};
use super::{Search, document};

/// The number of events read at a time.
const EVENTS: u64 = 500;
/// The number of repositories read at a time while building the index.
const BATCH: u64 = 2_000;
/// The number of repositories read by one query.
const CHUNK: usize = 100;
/// The number of such queries at the same time.
const AT_ONCE: usize = 2;
/// The minimum time between commits.
const COMMIT_EVERY: Duration = Duration::from_secs(1);
/// The number of repositories between commits of a first build, so that the first results are available early.
const FIRST_BUILD_COMMIT: u64 = 20_000;

/// Follows the outbox until told to stop, building the index first if necessary.
pub async fn run(search: Search, system: System, shutdown: CancellationToken) -> Result<(), Error> {
    tokio::select! {
        done = follow(&search, &system) => done,
        () = shutdown.cancelled() => Ok(()),
    }
}

async fn follow(search: &Search, system: &System) -> Result<(), Error> {
    let mut position = catch_up(search, system).await?;
    let mut committed = Instant::now();
    loop {
        let news = system.store().wait_for_events();
        if !is_registered(search, system).await? {
            position = rebuild(search, system).await?;
        }
        let events = apply(search, system, &mut position).await?;
        if events == 0 {
            news.await;
            continue;
        }
        // A single push is committed immediately; during a stream of pushes, commits collect everything since the last
        // one.
        tokio::time::sleep_until(committed + COMMIT_EVERY).await;
        apply_all(search, system, &mut position).await?;
        keep(search, system, position).await?;
        committed = Instant::now();
    }
}

/// Updates the index to the current end of the outbox, building it if necessary. Returns its position.
pub async fn catch_up(search: &Search, system: &System) -> Result<EventPosition, Error> {
    let end = system.store().last_event(system).await.map_err(Error::Store)?;
    let mut position = match search.index.position()? {
        // A position beyond the end belongs to another database, and events of an unregistered follower may have been
        // deleted.
        Some(position) if position <= end && is_registered(search, system).await? => position,
        _ => return rebuild(search, system).await,
    };
    if apply_all(search, system, &mut position).await? > 0 {
        keep(search, system, position).await?;
    }
    Ok(position)
}

/// Builds the index from SQL. Until that is done, searches use the old one. Returns its position.
pub async fn rebuild(search: &Search, system: &System) -> Result<EventPosition, Error> {
    // Read first: what changes while the index is built is read again afterwards.
    let mut position = system.store().last_event(system).await.map_err(Error::Store)?;
    system.store().register_follower(system, search.index.follower(), position).await.map_err(Error::Store)?;
    let first = search.index.searcher().num_docs() == 0;
    // What a first build adds is newer than its start. Events that an old index missed may have been deleted.
    search.index.set_applied(first.then_some(position));
    blocking(search, Index::clear).await?;
    let (mut last, mut done) = (RepositoryId(0), 0_u64);
    loop {
        let ids = system.store().repository_ids_after(system, last, BATCH).await.map_err(Error::Store)?;
        let Some(end) = ids.last() else { break };
        last = *end;
        let count = u64::try_from(ids.len()).unwrap_or(u64::MAX);
        replace(search, system, ids).await?;
        let next = done.saturating_add(count);
        if next / FIRST_BUILD_COMMIT > done / FIRST_BUILD_COMMIT {
            tracing::info!(repositories = next, "building the search index");
            if first {
                commit(search, None).await?;
            }
        }
        done = next;
    }
    apply_all(search, system, &mut position).await?;
    keep(search, system, position).await?;
    tracing::info!(repositories = done, "the search index is built");
    Ok(position)
}

/// Applies events until fewer than a full batch are left, and returns their number. Waiting for zero could take as long
/// as somebody pushes.
async fn apply_all(search: &Search, system: &System, position: &mut EventPosition) -> Result<u64, Error> {
    let mut all = 0;
    loop {
        let events = apply(search, system, position).await?;
        all += events;
        if events < EVENTS {
            return Ok(all);
        }
    }
}

/// Reads the next batch of events, updates their repositories and advances `position`. Returns the number of events.
async fn apply(search: &Search, system: &System, position: &mut EventPosition) -> Result<u64, Error> {
    let events = system.store().events_after(system, *position, EVENTS).await.map_err(Error::Store)?;
    let Some(last) = events.last() else { return Ok(0) };
    let next = last.position;
    // Use the column, which exists for events of unknown kinds as well.
    let repositories: BTreeSet<RepositoryId> = events.iter().filter_map(|event| event.repository).collect();
    replace(search, system, repositories).await?;
    *position = next;
    Ok(u64::try_from(events.len()).unwrap_or(u64::MAX))
}

/// Writes these repositories to the index as they are in SQL now, and removes those that no longer exist.
async fn replace(search: &Search, system: &System, ids: impl IntoIterator<Item = RepositoryId>) -> Result<(), Error> {
    let ids: Vec<RepositoryId> = ids.into_iter().collect();
    let chunks: Vec<Vec<RepositoryId>> = ids.chunks(CHUNK).map(<[_]>::to_vec).collect();
    let read = async |chunk| documents(system, chunk).await;
    let mut rows = stream::iter(chunks).map(read).buffer_unordered(AT_ONCE);
    while let Some(rows) = rows.try_next().await? {
        blocking(search, move |index| {
            let changes = rows.into_iter().map(|(id, row)| {
                let document: Option<TantivyDocument> = row.map(|row| document::document(&index.fields, id, &row));
                (id, document)
            });
            index.replace(changes.collect())
        })
        .await?;
    }
    Ok(())
}

/// Reads repositories for the index; `None` if one does not exist or its rows do not parse. The latter must not keep
/// others out of the index, so a chunk that does not parse is read again one by one.
async fn documents(
    system: &System,
    ids: Vec<RepositoryId>,
) -> Result<Vec<(RepositoryId, Option<SearchDocument>)>, Error> {
    let store = system.store();
    match store.search_documents(system, &ids).await {
        Ok(mut documents) => Ok(ids.into_iter().map(|id| (id, documents.remove(&id))).collect()),
        Err(store::Error::Corrupt(_)) => {
            let mut documents = Vec::with_capacity(ids.len());
            for id in ids {
                documents.push((id, readable(id, store.search_document(system, id).await)?));
            }
            Ok(documents)
        }
        Err(error) => Err(Error::Store(error)),
    }
}

/// The document of a repository; `None` if its rows do not parse.
fn readable(id: RepositoryId, row: store::Result<Option<SearchDocument>>) -> Result<Option<SearchDocument>, Error> {
    match row {
        Err(error @ store::Error::Corrupt(_)) => {
            tracing::error!(repository = %id, %error, "a repository cannot be read and is left out of the search index");
            Ok(None)
        }
        row => row.map_err(Error::Store),
    }
}

/// Whether the store keeps the events that this index has not read.
async fn is_registered(search: &Search, system: &System) -> Result<bool, Error> {
    let position = system.store().follower_position(system, search.index.follower()).await.map_err(Error::Store)?;
    Ok(position.is_some())
}

/// Commits the index, then allows the store to delete the events in it.
async fn keep(search: &Search, system: &System, position: EventPosition) -> Result<(), Error> {
    commit(search, Some(position)).await?;
    let follower = search.index.follower();
    system.store().set_follower_position(system, follower, position).await.map(drop).map_err(Error::Store)
}

async fn commit(search: &Search, position: Option<EventPosition>) -> Result<(), Error> {
    blocking(search, move |index| index.commit(position)).await
}

/// Runs an operation on the index on a blocking thread.
async fn blocking<T: Send + 'static>(
    search: &Search,
    act: impl FnOnce(&Index) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let index = Arc::clone(&search.index);
    tokio::task::spawn_blocking(move || act(&index)).await.map_err(Error::Task)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_that_does_not_parse_is_left_out_and_a_database_that_fails_stops_all() {
        assert_eq!(readable(RepositoryId(7), Err(store::Error::Corrupt("tag.name"))).unwrap(), None);
        assert!(matches!(readable(RepositoryId(7), Err(store::Error::Absent)), Err(Error::Store(_))));
    }
}
