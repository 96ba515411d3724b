//! What happened, written down in the transaction of the change and read in order by followers, each at its own pace.
//! It refuses to know who follows and what they do with an event.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use model::clock::Timestamp;
use model::event::Event;
use model::id::EventId;
use sea_orm::{ConnectionTrait, DbBackend, DbErr};

use crate::access::System;
use crate::database::Tx;
use crate::sql;
use crate::{Error, Result, Store};

/// The advisory lock that writers of events share, and that a reader holds alone for a moment (PostgreSQL).
const LOCK: i64 = 8_101_976_113;

/// How long a reader waits for writers before it gives up until next time (PostgreSQL).
const PATIENCE: &str = "SET LOCAL lock_timeout = '500ms'";

/// How often whoever cannot do without the newest event waits that long.
const PATIENT_TRIES: u32 = 20;

/// How long a follower waits at most before it looks for itself: other nodes' events give no sign here.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Writes an event down. It is to be a transaction's last statement: from here on a reader waits for the transaction.
pub(crate) async fn append(on: &impl ConnectionTrait, event: &Event, now: Timestamp) -> Result<EventId> {
    if on.get_database_backend() == DbBackend::Postgres {
        sql::execute(on, "SELECT pg_advisory_xact_lock_shared($1)", [LOCK.into()]).await?;
    }
    let payload = serde_json::to_string(event).map_err(|_| Error::Corrupt("event"))?;
    let row = sql::first(
        on,
        "INSERT INTO outbox (repository_id, payload, created_at) VALUES ($1, $2, $3) RETURNING id",
        [event.repository.0.into(), payload.into(), now.micros().into()],
    )
    .await?;
    let row = row.ok_or(Error::Corrupt("outbox.id"))?;
    Ok(EventId(row.try_get_by_index(0)?))
}

impl Store {
    /// Done when this process has written an event since the call, or after a second, for other processes' events.
    ///
    /// It listens from the call on, not from the first poll: call it, read what there is, then wait.
    pub fn wait_for_events(&self) -> impl Future<Output = ()> + Send + '_ {
        let told = self.news().notified();
        async move {
            // Both ends mean the same: look.
            let _ = tokio::time::timeout(LOOK_AGAIN, told).await;
        }
    }

    /// The newest event, with none before it still on its way; zero when there is none. Whoever makes a copy of everything asks
    /// this first, and follows from there.
    pub async fn last_event(&self, system: &System) -> Result<EventId> {
        for _ in 0..PATIENT_TRIES {
            if let Some(newest) = self.newest_settled(system).await? {
                return Ok(newest);
            }
        }
        let stuck = "a transaction that wrote an event does not end";
        Err(Error::Unavailable(DbErr::Custom(stuck.to_owned())))
    }

    /// Where a follower stands; zero for one that never said.
    pub async fn follower_position(&self, system: &System, follower: &str) -> Result<EventId> {
        let select = "SELECT position FROM follower WHERE name = $1";
        let row = sql::first(self.database().read(system), select, [follower.into()]).await?;
        Ok(EventId(row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or(0)))
    }

    /// Remembers that a follower is done with all events up to `position`; it never goes back.
    pub async fn set_follower_position(&self, system: &System, follower: &str, position: EventId) -> Result<()> {
        let write = |tx: Arc<Tx>| async move {
            let upsert = "INSERT INTO follower (name, position) VALUES ($1, $2)
                          ON CONFLICT (name) DO UPDATE SET position = excluded.position
                          WHERE follower.position < excluded.position";
            sql::execute(&*tx, upsert, [follower.into(), position.0.into()]).await
        };
        self.database().write(system, write).await?;
        Ok(())
    }

    /// At most `limit` events after `position`, in order. No event that is still on its way will turn up before one of these.
    ///
    /// PostgreSQL gives an event its number before the transaction ends, so a larger number may come to be seen first.
    /// Therefore every transaction that has a number is waited for, and the newest number read while none can get another.
    ///
    /// An event that does not parse is left out: it must not keep those after it from anybody.
    pub async fn events_after(
        &self,
        system: &System,
        position: EventId,
        limit: u64,
    ) -> Result<Vec<(EventId, Timestamp, Event)>> {
        let pool = self.database().read(system);
        if newest(pool).await? <= position {
            return Ok(Vec::new());
        }
        let Some(newest) = self.newest_settled(system).await? else { return Ok(Vec::new()) };
        let mut from = position;
        loop {
            let rows = sql::all(
                pool,
                "SELECT id, created_at, payload FROM outbox WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3",
                [from.0.into(), newest.0.into(), sql::signed(limit).into()],
            )
            .await?;
            let mut events = Vec::with_capacity(rows.len());
            for row in &rows {
                from = EventId(row.try_get_by_index(0)?);
                let payload: String = row.try_get_by_index(2)?;
                match serde_json::from_str(&payload) {
                    Ok(event) => events.push((from, Timestamp::from_micros(row.try_get_by_index(1)?), event)),
                    Err(error) => self.say_skipped(from, &error),
                }
            }
            // Where none parses, the next may: an empty answer would say that there is nothing more.
            if rows.is_empty() || !events.is_empty() {
                return Ok(events);
            }
        }
    }

    /// Says once that an event does not parse; followers come by it again until there is a later one.
    fn say_skipped(&self, id: EventId, error: &serde_json::Error) {
        if self.skipped().fetch_max(id.0, Ordering::Relaxed) < id.0 {
            tracing::error!(event = id.0, %error, "an event does not parse; followers go on without it");
        }
    }

    /// The newest number once everyone who has taken one is done; `None` when that takes too long.
    async fn newest_settled(&self, system: &System) -> Result<Option<EventId>> {
        let pool = self.database().read(system);
        if pool.get_database_backend() != DbBackend::Postgres {
            // One writer at a time: numbers are given in the order in which they can be seen.
            return newest(pool).await.map(Some);
        }
        match self.database().write(system, |tx| async move { settled(&tx).await }).await {
            Ok(settled) => Ok(Some(settled)),
            Err(Error::Unavailable(error)) if is_impatience(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The newest number that is visible; zero when there is none.
async fn newest(on: &impl ConnectionTrait) -> Result<EventId> {
    let row = sql::first(on, "SELECT COALESCE(MAX(id), 0) FROM outbox", []).await?;
    Ok(EventId(row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or(0)))
}

/// The newest number once everyone who has taken one is done.
async fn settled(tx: &Tx) -> Result<EventId> {
    tx.execute_unprepared(PATIENCE).await?;
    sql::execute(tx, "SELECT pg_advisory_xact_lock($1)", [LOCK.into()]).await?;
    newest(tx).await
}

/// Whether PostgreSQL gave up waiting for a lock (55P03).
fn is_impatience(error: &DbErr) -> bool {
    sql::code(error).as_deref() == Some("55P03")
}
