//! Slows down guessing: after some failures a name or an address must wait, longer each time, on every node alike.
//! It refuses to know what was guessed.

use std::time::Duration;

use model::clock::Timestamp;
use model::fault::Fault;
use sea_orm::ConnectionTrait;

use crate::error::{Error, Result};
use crate::sql;

/// Failures are forgotten when there was none for so long.
const MEMORY: Duration = Duration::from_hours(1);
/// The longest wait.
const LONGEST: u64 = 15 * 60;

/// Who or what must wait.
pub(crate) struct Subject {
    name: String,
    /// How many failures are free.
    free: i64,
}

impl Subject {
    /// An account, by its identity.
    pub(crate) fn account(id: i64) -> Self {
        Self { name: format!("account:{id}"), free: 5 }
    }

    /// A name that no account has; it waits just as one would that an account has.
    pub(crate) fn unknown(name: &str) -> Self {
        Self { name: format!("name:{}", crate::secret::hash(&name.to_lowercase())), free: 5 }
    }

    /// A network address; many people may share one.
    pub(crate) fn address(address: std::net::IpAddr) -> Self {
        let name = match address.to_canonical() {
            std::net::IpAddr::V4(address) => format!("address:{address}"),
            // One subscriber has a whole /64.
            std::net::IpAddr::V6(address) => format!("address:{:x}", address.to_bits() >> 64),
        };
        Self { name, free: 30 }
    }
}

/// Refuses with the seconds to wait when the subject must wait.
pub(crate) async fn check(on: &impl ConnectionTrait, subject: &Subject, now: Timestamp) -> Result<()> {
    let find = "SELECT blocked_until FROM sign_in_failure WHERE subject = $1";
    let Some(row) = sql::first(on, find, [subject.name.as_str().into()]).await? else { return Ok(()) };
    let until = Timestamp::from_micros(row.try_get_by_index(0)?);
    if until <= now {
        return Ok(());
    }
    let seconds = now.until(until).as_secs() + 1;
    Err(Error::Fault(Fault::too_many(u32::try_from(seconds).unwrap_or(u32::MAX))))
}

/// Notes a failure, and how long to wait from now on.
pub(crate) async fn failed(on: &impl ConnectionTrait, subject: &Subject, now: Timestamp) -> Result<()> {
    let note = "
        INSERT INTO sign_in_failure (subject, failures, last_at, blocked_until) VALUES ($1, 1, $2, 0)
        ON CONFLICT (subject) DO UPDATE SET
            failures = CASE WHEN sign_in_failure.last_at < $3 THEN 1 ELSE sign_in_failure.failures + 1 END,
            last_at = $2
        RETURNING failures";
    let values = [subject.name.as_str().into(), now.micros().into(), forgotten(now).into()];
    let row = sql::first(on, note, values).await?.ok_or(Error::Corrupt("sign_in_failure"))?;
    let beyond = row.try_get_by_index::<i64>(0)? - subject.free;
    let Ok(beyond) = u32::try_from(beyond) else { return Ok(()) };
    let wait = Duration::from_secs(1_u64.checked_shl(beyond).unwrap_or(u64::MAX).min(LONGEST));
    let block = "UPDATE sign_in_failure SET blocked_until = $2 WHERE subject = $1";
    sql::execute(on, block, [subject.name.as_str().into(), now.plus(wait).micros().into()]).await?;
    Ok(())
}

/// Takes out the failures that count no more and that nobody waits for.
pub(crate) async fn forget_old(on: &impl ConnectionTrait, now: Timestamp) -> Result<()> {
    let delete = "DELETE FROM sign_in_failure WHERE blocked_until <= $1 AND last_at < $2";
    sql::execute(on, delete, [now.micros().into(), forgotten(now).into()]).await?;
    Ok(())
}

/// The moment before which a failure counts no more.
fn forgotten(now: Timestamp) -> i64 {
    now.micros().saturating_sub(i64::try_from(MEMORY.as_micros()).unwrap_or(i64::MAX))
}

/// Forgets a subject's failures.
pub(crate) async fn succeeded(on: &impl ConnectionTrait, subject: &Subject) -> Result<()> {
    let find = "SELECT 1 FROM sign_in_failure WHERE subject = $1";
    if sql::first(on, find, [subject.name.as_str().into()]).await?.is_some() {
        sql::execute(on, "DELETE FROM sign_in_failure WHERE subject = $1", [subject.name.as_str().into()]).await?;
    }
    Ok(())
}
