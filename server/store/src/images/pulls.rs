//! Pull counts of repositories and tags, added in batches.

use std::collections::BTreeMap;

use model::clock::Timestamp;
use model::event::{Event, EventKind};
use model::id::RepositoryId;
use model::oci::{RepositoryName, Tag};
use sea_orm::sea_query::LockType;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, Value,
};

use crate::access::System;
use crate::entity::column::Text;
use crate::entity::repository;
use crate::sql;
use crate::{Result, Store, outbox};

/// Pulls of one repository since the last batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulls {
    /// The repository's id.
    pub repository: RepositoryId,
    /// The number of pulls.
    pub count: u64,
    /// The tags pulled by name, without duplicates.
    pub tags: Vec<Tag>,
}

impl Store {
    /// Adds a batch of pulls in one transaction. Repositories and tags that no longer exist are ignored.
    ///
    /// Writes an event only when a count has grown enough to matter for ranking, because an event for every pull would
    /// outnumber all others.
    pub async fn count_pulls(&self, system: &System, batch: Vec<Pulls>) -> Result<()> {
        let now = self.clock().now();
        let (mut counts, mut tags) = (BTreeMap::<i64, u64>::new(), Vec::new());
        for pulls in batch {
            *counts.entry(pulls.repository.0).or_default() += pulls.count;
            tags.extend(pulls.tags.into_iter().map(|tag| (pulls.repository, tag)));
        }
        // Lock repositories in the order of their ids, so that concurrent batches cannot deadlock.
        let counts: Vec<(i64, u64)> = counts.into_iter().collect();
        let (counts, tags) = (&counts, &tags);
        let write = |tx: std::sync::Arc<crate::database::Tx>| async move {
            let mut grown = Vec::new();
            for batch in counts.chunks(sql::BATCH) {
                grown.extend(add(&*tx, batch).await?);
            }
            for batch in tags.chunks(sql::BATCH) {
                touch(&*tx, batch, now).await?;
            }
            for event in &grown {
                outbox::append(&*tx, event, now).await?;
            }
            Ok::<_, crate::Error>(!grown.is_empty())
        };
        if self.database().write(system, write).await? {
            self.notifier().notify();
        }
        Ok(())
    }
}

#[derive(FromQueryResult)]
struct PulledRow {
    id: i64,
    path: Text<RepositoryName>,
    pull_count: i64,
}

/// Adds counts to repositories and returns events for those whose count has grown enough to matter.
async fn add(on: &impl ConnectionTrait, counts: &[(i64, u64)]) -> Result<Vec<Event>> {
    let ids = repository::Entity::find()
        .select_only()
        .column(repository::Column::Id)
        .filter(repository::Column::Id.is_in(counts.iter().map(|(id, _)| *id)))
        .order_by_asc(repository::Column::Id)
        .lock(LockType::NoKeyUpdate);
    ids.into_tuple::<i64>().all(on).await?;
    // sea-query cannot express UPDATE … FROM (VALUES …).
    let update = format!(
        "UPDATE repository SET pull_count = pull_count + v.column2 FROM (VALUES {}) AS v WHERE id = v.column1
         RETURNING id, path, pull_count",
        sql::rows(2, counts.len())
    );
    let values = counts.iter().flat_map(|(id, count)| -> [Value; 2] { [(*id).into(), sql::signed(*count).into()] });
    let mut grown = Vec::new();
    for row in sql::all(on, &update, values).await? {
        let row = PulledRow::from_query_result(&row, "")?;
        let after = sql::unsigned(row.pull_count);
        let added = counts.binary_search_by_key(&row.id, |(id, _)| *id).ok().and_then(|at| counts.get(at));
        let before = after.saturating_sub(added.map_or(0, |(_, count)| *count));
        if telling(before) != telling(after) {
            let repository = Some((RepositoryId(row.id), row.path.0));
            grown.push(Event { repository, actor: None, kind: EventKind::PullsCounted });
        }
    }
    grown.sort_unstable_by_key(|event| event.repository.as_ref().map(|(id, _)| *id));
    Ok(grown)
}

/// Marks tags as pulled now.
async fn touch(on: &impl ConnectionTrait, tags: &[(RepositoryId, Tag)], now: Timestamp) -> Result<()> {
    // sea-query cannot express UPDATE … FROM (VALUES …).
    let update = format!(
        "UPDATE tag SET pulled_at = v.column3 FROM (VALUES {}) AS v
         WHERE repository_id = v.column1 AND name = v.column2",
        sql::rows(3, tags.len())
    );
    let values = tags.iter().flat_map(|(repository, tag)| -> [Value; 3] {
        [repository.0.into(), tag.as_str().into(), now.micros().into()]
    });
    sql::execute(on, &update, values).await?;
    Ok(())
}

/// The part of a count that matters for ranking: its number of bits and its four highest bits. It changes at the latest
/// when the count has grown by an eighth.
fn telling(count: u64) -> (u32, u64) {
    let magnitude = u64::BITS - count.leading_zeros();
    (magnitude, count >> magnitude.saturating_sub(4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pull_tells_at_first_and_then_an_eighth_more() {
        assert_ne!(telling(0), telling(1));
        assert_ne!(telling(14), telling(15));
        assert_eq!(telling(1024), telling(1025));
        assert_ne!(telling(1024), telling(1024 + 128));
        assert_ne!(telling(1023), telling(1024));
    }
}
