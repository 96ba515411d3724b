//! The trash: keys of storage objects that are no longer needed and must be deleted.

use std::collections::HashSet;

use model::clock::Timestamp;
use registry::ledger::{ListPage, Segment};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::segments;
use crate::entity::trash::{ActiveModel, Column, Entity};
use crate::{Error, Result, sql};

/// Adds the objects of these segments to the trash.
pub(crate) async fn add(on: &impl ConnectionTrait, segments: &[Segment], now: Timestamp) -> Result<()> {
    for batch in segments.chunks(sql::BATCH) {
        let rows = batch.iter().map(|segment| ActiveModel {
            key: Set(segment.key.clone()),
            length: Set(sql::signed(segment.length)),
            since: Set(now.micros()),
        });
        let there = OnConflict::column(Column::Key).do_nothing().to_owned();
        Entity::insert_many(rows).on_conflict(there).exec_without_returning(on).await?;
    }
    Ok(())
}

/// Adds those segments of the column `before` that are not in `after`.
pub(super) async fn replaced(on: &impl ConnectionTrait, before: &str, after: &[Segment], now: Timestamp) -> Result<()> {
    let mut before = segments::decode(before).ok_or(Error::Corrupt("upload.segments"))?;
    let kept: HashSet<&str> = after.iter().map(|segment| segment.key.as_str()).collect();
    before.retain(|segment| !kept.contains(segment.key.as_str()));
    add(on, &before, now).await
}

/// Returns objects, oldest first.
pub(super) async fn list(on: &impl ConnectionTrait, limit: u64) -> Result<Vec<Segment>> {
    let rows = Entity::find().order_by_asc(Column::Since).order_by_asc(Column::Key).limit(limit).all(on).await?;
    Ok(rows.into_iter().map(|row| Segment { key: row.key, length: sql::unsigned(row.length) }).collect())
}

/// Returns keys in byte order.
pub(super) async fn keys(on: &impl ConnectionTrait, page: &ListPage) -> Result<Vec<String>> {
    let keys = Entity::find()
        .select_only()
        .column(Column::Key)
        .filter(Column::Key.gt(sql::last(page)))
        .order_by_asc(Column::Key)
        .limit(page.limit)
        .into_tuple()
        .all(on)
        .await?;
    Ok(keys)
}

/// Moves keys to the end of the list.
pub(super) async fn postpone(on: &impl ConnectionTrait, keys: &[String], now: Timestamp) -> Result<()> {
    for batch in keys.chunks(sql::BATCH) {
        Entity::update_many()
            .col_expr(Column::Since, Expr::value(now.micros()))
            .filter(Column::Key.is_in(batch.iter().map(String::as_str)))
            .exec(on)
            .await?;
    }
    Ok(())
}

/// Removes keys whose objects have been deleted.
pub(super) async fn forget(on: &impl ConnectionTrait, keys: &[String]) -> Result<()> {
    for batch in keys.chunks(sql::BATCH) {
        Entity::delete_many().filter(Column::Key.is_in(batch.iter().map(String::as_str))).exec(on).await?;
    }
    Ok(())
}
