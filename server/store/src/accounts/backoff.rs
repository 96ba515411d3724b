//! Rate limit for failed sign-ins. Failures are counted for an account from a network address, for the address, and for
//! the account from all addresses; after some, the caller has to wait, longer after each. The last two do not apply to
//! an address from which the account has signed in before, so that others behind that address, or anyone who knows the
//! name, cannot lock a person out. Counts are stored in the database, so that they apply on all nodes.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use model::clock::Timestamp;
use model::fault::Fault;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ActiveValue, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};

use crate::Store;
use crate::access::System;
use crate::database::Tx;
use crate::entity::{known_address, sign_in_failure};
use crate::error::{Error, Result};

/// Failures are forgotten after this long without another one.
const MEMORY: Duration = Duration::from_hours(1);
/// Addresses are forgotten this long after the sign-in that stored them.
const MEMORY_OF_ADDRESSES: Duration = Duration::from_hours(90 * 24);
/// The number of addresses stored for an account.
const MAX_ADDRESSES: u64 = 50;
/// The longest wait.
const LONGEST: Duration = Duration::from_mins(15);
/// The longest wait of a caller who may be the account's owner: from an address from which they signed in before, or
/// where no address is known.
const LONGEST_OF_OWNER: Duration = Duration::from_mins(1);

/// What failures are counted for.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(super) name: String,
    /// The number of failures after which the subject has to wait.
    free: i64,
    longest: Duration,
}

/// The account or name of a sign-in, and the network address that it comes from.
#[derive(Debug)]
pub(crate) struct Origin {
    /// An account by its id, or the hash of a name without an account. The latter is limited too, so that the limit
    /// does not reveal which names exist.
    identity: String,
    address: Option<String>,
    /// Whether the account has signed in from this address before.
    known: bool,
}

impl Origin {
    /// The origin of a sign-in of an account, or of an unknown name.
    pub(crate) async fn of(
        on: &impl ConnectionTrait,
        account: Option<i64>,
        name: &str,
        from: Option<IpAddr>,
    ) -> Result<Self> {
        let address = from.map(|from| subscriber(from).to_string());
        let identity = match account {
            Some(id) => format!("account:{id}"),
            None => format!("name:{}", crate::secret::hash(name)),
        };
        // Unknown names are looked up too, so that they take as long as known ones.
        let key = (account.unwrap_or_default(), address.clone().unwrap_or_default());
        let known = known_address::Entity::find_by_id(key).one(on).await?.is_some();
        Ok(Self { identity, address, known })
    }

    /// The account or name at the address.
    pub(crate) fn own(&self) -> Subject {
        let Self { identity, address, known } = self;
        let place = address.as_deref().unwrap_or("anywhere");
        let longest = if *known || address.is_none() { LONGEST_OF_OWNER } else { LONGEST };
        Subject { name: format!("{identity}@{place}"), free: 5, longest }
    }

    /// All subjects that a failure counts for, with [`Origin::own`] first.
    pub(crate) fn subjects(&self) -> Vec<Subject> {
        let mut subjects = vec![self.own()];
        if let Some(address) = self.address.as_deref().filter(|_| !self.known) {
            subjects.push(address_subject(address));
            subjects.push(Subject { name: self.identity.clone(), free: 100, longest: LONGEST });
        }
        subjects
    }

    /// The address, unless the account has signed in from there before.
    pub(crate) fn new_address(&self) -> Option<&str> {
        self.address.as_deref().filter(|_| !self.known)
    }
}

/// The subject of a network address. It may fail more often, because several people may share it.
pub(crate) fn address(address: IpAddr) -> Subject {
    address_subject(&subscriber(address).to_string())
}

fn address_subject(address: &str) -> Subject {
    Subject { name: format!("address:{address}"), free: 30, longest: LONGEST }
}

/// The part of an address that one subscriber usually has: all of an IPv4 address, the first 64 bits of an IPv6 address.
pub fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Returns an error with the seconds left if one of the subjects has to wait; otherwise, whether the first of them has
/// failed before.
pub(crate) async fn check(on: &impl ConnectionTrait, subjects: &[Subject], now: Timestamp) -> Result<bool> {
    let names = subjects.iter().map(|subject| subject.name.as_str());
    let rows = sign_in_failure::Entity::find().filter(sign_in_failure::Column::Subject.is_in(names)).all(on).await?;
    let until = Timestamp::from_micros(rows.iter().map(|row| row.blocked_until).max().unwrap_or(0));
    if until <= now {
        let own = subjects.first().map(|subject| &subject.name);
        return Ok(rows.iter().any(|row| Some(&row.subject) == own));
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
    let forgotten = column(sign_in_failure::Column::LastAt).lt(now.minus(MEMORY).micros());
    let failures = Expr::case(forgotten, 1).finally(column(sign_in_failure::Column::Failures).add(1));
    let again = OnConflict::column(sign_in_failure::Column::Subject)
        .value(sign_in_failure::Column::Failures, failures)
        .update_column(sign_in_failure::Column::LastAt)
        .to_owned();
    let row = sign_in_failure::Entity::insert(first).on_conflict(again).exec_with_returning(on).await?;
    let beyond = row.failures - subject.free;
    let Ok(beyond) = u32::try_from(beyond) else { return Ok(()) };
    let wait = Duration::from_secs(1_u64.checked_shl(beyond).unwrap_or(u64::MAX)).min(subject.longest);
    sign_in_failure::Entity::update_many()
        .col_expr(sign_in_failure::Column::BlockedUntil, Expr::value(now.plus(wait).micros()))
        .filter(sign_in_failure::Column::Subject.eq(subject.name.as_str()))
        .exec(on)
        .await?;
    Ok(())
}

impl Store {
    /// Deletes expired failures and addresses, and returns the number of rows.
    pub async fn sweep_sign_in_failures(&self, system: &System) -> Result<u64> {
        let now = self.clock().now();
        let old = |tx: Arc<Tx>| async move {
            let failures = sign_in_failure::Entity::delete_many()
                .filter(sign_in_failure::Column::BlockedUntil.lte(now.micros()))
                .filter(sign_in_failure::Column::LastAt.lt(now.minus(MEMORY).micros()))
                .exec(&*tx)
                .await?;
            let addresses = known_address::Entity::delete_many()
                .filter(known_address::Column::SeenAt.lt(now.minus(MEMORY_OF_ADDRESSES).micros()))
                .exec(&*tx)
                .await?;
            Ok::<_, DbErr>(failures.rows_affected + addresses.rows_affected)
        };
        self.database().write(system, old).await.map_err(Error::from)
    }
}

/// Stores that an account has signed in from an address, with a limit for each account.
pub(crate) async fn remember(tx: &Tx, account: i64, address: &str, now: Timestamp) -> Result<()> {
    let row = known_address::ActiveModel {
        account_id: ActiveValue::Set(account),
        address: ActiveValue::Set(address.to_owned()),
        seen_at: ActiveValue::Set(now.micros()),
    };
    let again = OnConflict::columns([known_address::Column::AccountId, known_address::Column::Address])
        .update_column(known_address::Column::SeenAt)
        .to_owned();
    known_address::Entity::insert(row).on_conflict(again).exec_without_returning(tx).await?;
    let newest = known_address::Entity::find()
        .select_only()
        .column(known_address::Column::Address)
        .filter(known_address::Column::AccountId.eq(account))
        .order_by_desc(known_address::Column::SeenAt)
        .limit(MAX_ADDRESSES)
        .into_query();
    known_address::Entity::delete_many()
        .filter(known_address::Column::AccountId.eq(account))
        .filter(known_address::Column::Address.not_in_subquery(newest))
        .exec(tx)
        .await?;
    Ok(())
}

/// Deletes a subject's failures.
pub(crate) async fn forget(on: &impl ConnectionTrait, subject: &Subject) -> Result<()> {
    sign_in_failure::Entity::delete_by_id(subject.name.as_str()).exec(on).await?;
    Ok(())
}
