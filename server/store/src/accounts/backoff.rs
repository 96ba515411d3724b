//! Rate limit for failed sign-ins: after some failures, sign-ins for an account or name or from a network address have
//! to wait, longer after each failure. Failures are stored in the database, so that the limit applies on all nodes.

use std::sync::Arc;
use std::time::Duration;

use model::clock::Timestamp;
use model::fault::Fault;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ActiveValue, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Select};

use crate::Store;
use crate::access::System;
use crate::database::Tx;
use crate::entity::sign_in_failure;
use crate::error::{Error, Result};

/// Failures are forgotten after this long without another one.
const MEMORY: Duration = Duration::from_hours(1);
/// The longest wait.
const LONGEST: Duration = Duration::from_mins(15);

/// An account, unknown name or network address whose failures are counted.
pub(crate) struct Subject {
    name: String,
    /// The number of failures after which the subject has to wait.
    free: i64,
}

impl Subject {
    /// An account, by its id.
    pub(crate) fn account(id: i64) -> Self {
        Self { name: format!("account:{id}"), free: 5 }
    }

    /// A name without an account. It is limited like an account, so that the limit does not reveal which names exist.
    pub(crate) fn unknown(name: &str) -> Self {
        Self { name: format!("name:{}", crate::secret::hash(&name.to_lowercase())), free: 5 }
    }

    /// A network address. It may fail more often, because several people may share it.
    pub(crate) fn address(address: std::net::IpAddr) -> Self {
        let name = match address.to_canonical() {
            std::net::IpAddr::V4(address) => format!("address:{address}"),
            // One subscriber usually has a /64.
            std::net::IpAddr::V6(address) => format!("address:{:x}", address.to_bits() >> 64),
        };
        Self { name, free: 30 }
    }
}

/// Returns an error with the seconds left if the subject has to wait.
pub(crate) async fn check(on: &impl ConnectionTrait, subject: &Subject, now: Timestamp) -> Result<()> {
    let Some(row) = find(subject).one(on).await? else { return Ok(()) };
    let until = Timestamp::from_micros(row.blocked_until);
    if until <= now {
        return Ok(());
    }
    let seconds = now.until(until).as_secs() + 1;
    Err(Error::Fault(Fault::too_many(u32::try_from(seconds).unwrap_or(u32::MAX))))
}

/// Records a failure and the wait that follows.
pub(crate) async fn failed(on: &impl ConnectionTrait, subject: &Subject, now: Timestamp) -> Result<()> {
    let first = sign_in_failure::ActiveModel {
        subject: ActiveValue::Set(subject.name.clone()),
        failures: ActiveValue::Set(1),
        last_at: ActiveValue::Set(now.micros()),
        blocked_until: ActiveValue::Set(0),
    };
    let column = |column: sign_in_failure::Column| Expr::col((sign_in_failure::Entity, column));
    let forgotten = column(sign_in_failure::Column::LastAt).lt(forgotten(now));
    let failures = Expr::case(forgotten, 1).finally(column(sign_in_failure::Column::Failures).add(1));
    let again = OnConflict::column(sign_in_failure::Column::Subject)
        .value(sign_in_failure::Column::Failures, failures)
        .update_column(sign_in_failure::Column::LastAt)
        .to_owned();
    let row = sign_in_failure::Entity::insert(first).on_conflict(again).exec_with_returning(on).await?;
    let beyond = row.failures - subject.free;
    let Ok(beyond) = u32::try_from(beyond) else { return Ok(()) };
    let wait = Duration::from_secs(1_u64.checked_shl(beyond).unwrap_or(u64::MAX)).min(LONGEST);
    sign_in_failure::Entity::update_many()
        .col_expr(sign_in_failure::Column::BlockedUntil, Expr::value(now.plus(wait).micros()))
        .filter(sign_in_failure::Column::Subject.eq(subject.name.as_str()))
        .exec(on)
        .await?;
    Ok(())
}

impl Store {
    /// Deletes expired failures and returns the number of rows.
    pub async fn sweep_sign_in_failures(&self, system: &System) -> Result<u64> {
        let now = self.clock().now();
        let old = |tx: Arc<Tx>| async move {
            sign_in_failure::Entity::delete_many()
                .filter(sign_in_failure::Column::BlockedUntil.lte(now.micros()))
                .filter(sign_in_failure::Column::LastAt.lt(forgotten(now)))
                .exec(&*tx)
                .await
        };
        Ok(self.database().write(system, old).await?.rows_affected)
    }
}

/// Failures before this time no longer count.
fn forgotten(now: Timestamp) -> i64 {
    now.micros().saturating_sub(i64::try_from(MEMORY.as_micros()).unwrap_or(i64::MAX))
}

/// Whether failures of a subject are stored.
pub(crate) async fn has_failed(on: &impl ConnectionTrait, subject: &Subject) -> Result<bool> {
    Ok(find(subject).one(on).await?.is_some())
}

/// Deletes a subject's failures.
pub(crate) async fn forget(on: &impl ConnectionTrait, subject: &Subject) -> Result<()> {
    sign_in_failure::Entity::delete_by_id(subject.name.as_str()).exec(on).await?;
    Ok(())
}

fn find(subject: &Subject) -> Select<sign_in_failure::Entity> {
    sign_in_failure::Entity::find_by_id(subject.name.as_str())
}
