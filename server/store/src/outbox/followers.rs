//! Positions of followers, and the deletion of events that all followers have read. A follower that has not been seen
//! for a long time is forgotten: events are no longer kept for it, and it learns this when it next uses its position.

use std::sync::Arc;
use std::time::Duration;

use model::clock::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

use super::{EventPosition, newest, place};
use crate::access::System;
use crate::database::Tx;
use crate::entity::follower::{ActiveModel, Column, Entity};
use crate::entity::outbox;
use crate::{Result, Store};

/// The minimum age of events that are deleted.
const KEPT: Duration = Duration::from_hours(7 * 24);

/// How long events are kept for a follower that is no longer seen.
const REMEMBERED: Duration = Duration::from_hours(14 * 24);

/// Reading a follower's position updates its `seen_at` only if that is at least this long ago.
const SEEN_AGAIN: Duration = Duration::from_hours(1);

/// The maximum number of events deleted in one transaction.
const BATCH: u64 = 1_000;

impl Store {
    /// Returns a follower's position and marks the follower as seen. `None` if it is not registered or was forgotten:
    /// events that it has not read may have been deleted.
    pub async fn follower_position(&self, system: &System, follower: &str) -> Result<Option<EventPosition>> {
        let row = Entity::find_by_id(follower).one(self.database().read(system)).await?;
        let Some(row) = row else { return Ok(None) };
        let position = EventPosition { xid: row.xid, id: row.event_id };
        let now = self.clock().now();
        if row.seen_at > before(now, SEEN_AGAIN) {
            return Ok(Some(position));
        }
        Ok(self.set_follower_position(system, follower, position).await?.then_some(position))
    }

    /// Registers a follower at `position`, replacing an earlier registration.
    pub async fn register_follower(&self, system: &System, follower: &str, position: EventPosition) -> Result<()> {
        let now = self.clock().now();
        let write = |tx: Arc<Tx>| async move {
            let row = ActiveModel {
                name: Set(follower.to_owned()),
                xid: Set(position.xid),
                event_id: Set(position.id),
                seen_at: Set(now.micros()),
            };
            let again = OnConflict::column(Column::Name)
                .update_columns([Column::Xid, Column::EventId, Column::SeenAt])
                .to_owned();
            Entity::insert(row).on_conflict(again).exec_without_returning(&*tx).await
        };
        self.database().write(system, write).await?;
        Ok(())
    }

    /// Records that a follower has processed all events up to `position`; a lower position than the stored one is
    /// ignored. Returns `false` if the follower is not registered or was forgotten.
    pub async fn set_follower_position(
        &self,
        system: &System,
        follower: &str,
        position: EventPosition,
    ) -> Result<bool> {
        let now = self.clock().now();
        let write = |tx: Arc<Tx>| async move {
            let seen = Entity::update_many()
                .col_expr(Column::SeenAt, Expr::value(now.micros()))
                .filter(Column::Name.eq(follower))
                .exec(&*tx)
                .await?;
            Entity::update_many()
                .col_expr(Column::Xid, Expr::value(position.xid))
                .col_expr(Column::EventId, Expr::value(position.id))
                .filter(Column::Name.eq(follower))
                .filter(stands().lt(position.values()))
                .exec(&*tx)
                .await?;
            Result::Ok(seen.rows_affected > 0)
        };
        self.database().write(system, write).await
    }

    /// Deletes a batch of old events that all followers have read and returns its size. Also deletes followers that have
    /// not reported for a while.
    ///
    /// The newest event is kept, because it marks the end of the outbox. Nothing is deleted while one of the `required`
    /// followers is not registered, because it will read from the first event.
    pub async fn trim_events(&self, system: &System, required: &[&str]) -> Result<u64> {
        let now = self.clock().now();
        self.database().write(system, |tx| async move { trim(&*tx, required, now).await }).await
    }
}

async fn trim(on: &impl ConnectionTrait, required: &[&str], now: Timestamp) -> Result<u64> {
    Entity::delete_many().filter(Column::SeenAt.lte(before(now, REMEMBERED))).exec(on).await?;
    for name in required {
        if Entity::find_by_id(*name).one(on).await?.is_none() {
            return Ok(0);
        }
    }
    let slowest = Entity::find()
        .order_by_asc(Column::Xid)
        .order_by_asc(Column::EventId)
        .one(on)
        .await?
        .map(|row| EventPosition { xid: row.xid, id: row.event_id });
    let newest = newest(on).await?;
    let end = slowest.map_or(newest, |slowest| slowest.min(newest));
    let old = outbox::Entity::find()
        .select_only()
        .column(outbox::Column::Id)
        .filter(place().lt(end.values()))
        .filter(outbox::Column::CreatedAt.lte(before(now, KEPT)))
        .order_by_asc(outbox::Column::Xid)
        .order_by_asc(outbox::Column::Id)
        .limit(BATCH)
        .into_query();
    let gone = outbox::Entity::delete_many().filter(outbox::Column::Id.in_subquery(old)).exec(on).await?;
    Ok(gone.rows_affected)
}

/// The position of a follower's row, as SQL.
fn stands() -> Expr {
    Expr::tuple([Expr::col(Column::Xid), Expr::col(Column::EventId)])
}

fn before(now: Timestamp, by: Duration) -> i64 {
    now.micros().saturating_sub(i64::try_from(by.as_micros()).unwrap_or(i64::MAX))
}
