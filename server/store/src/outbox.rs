//! The outbox: events, written in the transaction of the change they describe and read in order by followers, each at
//! its own pace.
//!
//! PostgreSQL assigns an event's id before its transaction ends, so an event with a larger id may become visible first.
//! Events are therefore ordered by transaction and read once all older transactions have ended. Writing an event never
//! waits for other events; a long transaction only delays readers. SQLite has one writer at a time and no transaction
//! ids.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use model::account::AccountName;
use model::clock::Timestamp;
use model::event::{Actor, Event, EventKind};
use model::id::{AccountId, RepositoryId, TokenId};
use model::oci::RepositoryName;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveValue, ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use self::notifier::EventNotifier;
use crate::access::{Exemption, Need, Permit, Scope, System, Viewer};
use crate::database::{Database, Tx};
use crate::entity::outbox::{ActiveModel, Column, Entity};
use crate::entity::{follower, repository};
use crate::{Error, Result, Store};

mod followers;
mod notifier;
#[cfg(test)]
mod tests;

/// The kinds of events after which fewer viewers may see a repository.
const HIDING: [&str; 3] = ["visibility_changed", "role_changed", "repository_deleted"];
/// The most repositories that [`Store::hidden_since`] looks at.
const MAX_HIDDEN: u64 = 100;

/// The longest time a follower waits before it polls.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The same while some events cannot be read yet.
const LOOK_SOON: Duration = Duration::from_millis(100);

/// The payload's field that is stored in a column instead.
const KIND: &str = "kind";

/// A position in the order of events: that of an event, or [`EventPosition::START`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EventPosition {
    xid: i64,
    id: i64,
}

impl EventPosition {
    /// The position before all events.
    pub const START: Self = Self { xid: 0, id: 0 };

    fn values(self) -> Expr {
        Expr::tuple([Expr::value(self.xid), Expr::value(self.id)])
    }
}

/// An event as followers read it: the fields that all kinds have, and a payload that depends on the kind.
#[derive(Clone, Debug)]
pub struct EventRecord {
    /// Its position.
    pub position: EventPosition,
    /// When it happened.
    pub at: Timestamp,
    /// Its kind.
    pub kind: String,
    /// The repository it is about.
    pub repository: Option<RepositoryId>,
    /// The account that caused it.
    pub actor: Option<AccountId>,
    /// The personal token that was used.
    pub credential: Option<TokenId>,
    payload: String,
}

impl EventRecord {
    /// Returns the event; `None` if this version does not know its kind.
    pub fn event(&self) -> Option<Event> {
        let mut members: Map<String, Value> = serde_json::from_str(&self.payload).ok()?;
        members.insert(KIND.to_owned(), self.kind.as_str().into());
        let payload: Payload = serde_json::from_value(members.into()).ok()?;
        let actor = payload.actor.map(|name| Actor { account: self.actor, name, credential: self.credential });
        Some(Event { repository: self.repository.zip(payload.path), actor, kind: payload.kind })
    }
}

/// The fields of an event that have no column.
#[derive(Serialize, Deserialize)]
struct Payload {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    path: Option<RepositoryName>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    actor: Option<AccountName>,
    #[serde(flatten)]
    kind: EventKind,
}

#[derive(FromQueryResult)]
struct EventRow {
    id: i64,
    xid: i64,
    kind: String,
    actor_id: Option<i64>,
    token_id: Option<i64>,
    repository_id: Option<i64>,
    payload: String,
    created_at: i64,
    settled: bool,
}

impl From<EventRow> for EventRecord {
    fn from(row: EventRow) -> Self {
        Self {
            position: EventPosition { xid: row.xid, id: row.id },
            at: Timestamp::from_micros(row.created_at),
            kind: row.kind,
            repository: row.repository_id.map(RepositoryId),
            actor: row.actor_id.map(AccountId),
            credential: row.token_id.map(TokenId),
            payload: row.payload,
        }
    }
}

/// Appends an event. The caller must call [`EventNotifier::notify`] after the transaction.
pub(crate) async fn append(on: &impl ConnectionTrait, event: &Event, now: Timestamp) -> Result<()> {
    let actor = event.actor.as_ref();
    let payload = Payload {
        path: event.repository.as_ref().map(|(_, path)| path.clone()),
        actor: actor.map(|actor| actor.name.clone()),
        kind: event.kind.clone(),
    };
    let Ok(Value::Object(mut payload)) = serde_json::to_value(payload) else { return Err(Error::Corrupt("event")) };
    let Some(Value::String(kind)) = payload.remove(KIND) else { return Err(Error::Corrupt("event.kind")) };
    let row = ActiveModel {
        id: ActiveValue::NotSet,
        xid: ActiveValue::NotSet,
        kind: Set(kind),
        actor_id: Set(actor.and_then(|actor| actor.account).map(|id| id.0)),
        token_id: Set(actor.and_then(|actor| actor.credential).map(|id| id.0)),
        repository_id: Set(event.repository.as_ref().map(|(id, _)| id.0)),
        payload: Set(Value::from(payload).to_string()),
        created_at: Set(now.micros()),
    };
    Entity::insert(row).exec_without_returning(on).await?;
    Ok(())
}

/// Repairs the events of a database restored from a dump. They have transaction ids of another server, which may be far
/// ahead of this server's. Sets the ids to 0, so that these events are older than all new ones, and deletes all
/// followers, so that they start again.
pub(crate) async fn adopt(database: &Database) -> Result<()> {
    let on = database.read(&Exemption::Startup);
    if on.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let ahead = Expr::col(Column::Xid).gte(Expr::cust("pg_snapshot_xmax(pg_current_snapshot())::text::bigint"));
    if Entity::find().select_only().column(Column::Id).filter(ahead).into_tuple::<i64>().one(on).await?.is_none() {
        return Ok(());
    }
    let begin_anew = |tx: Arc<Tx>| async move {
        Entity::update_many().col_expr(Column::Xid, Expr::value(0_i64)).exec(&*tx).await?;
        follower::Entity::delete_many().exec(&*tx).await
    };
    database.write(&Exemption::Startup, begin_anew).await?;
    Ok(())
}

/// Returns the event for an operation on a permit's repository.
pub(crate) fn event<N: Need>(permit: &Permit<N>, kind: EventKind) -> Event {
    Event { repository: Some((permit.repository(), permit.path().clone())), actor: permit.viewer().actor(), kind }
}

/// Returns the event for a viewer's operation that concerns no repository.
pub(crate) fn account_event(viewer: &Viewer, kind: EventKind) -> Event {
    Event { repository: None, actor: viewer.actor(), kind }
}

impl Viewer {
    /// Returns the actor to record in events; `None` for an anonymous viewer and for the site itself.
    pub fn actor(&self) -> Option<Actor> {
        let (account, name) = self.account()?;
        Some(Actor { account: Some(account), name: name.clone(), credential: self.token() })
    }
}

impl Store {
    /// Resolves when this process or, on PostgreSQL, another node has written an event, and after a second at the
    /// latest.
    ///
    /// Notices events from the call on, not only from the first poll. Call this, then read events, then await it.
    pub fn wait_for_events(&self) -> impl Future<Output = ()> + Send + '_ {
        let notified = self.notifier().notified();
        async move {
            let look = if self.unsettled().load(Ordering::Relaxed) { LOOK_SOON } else { LOOK_AGAIN };
            // The caller reads events after a timeout too.
            let _ = tokio::time::timeout(look, notified).await;
        }
    }

    /// Resolves when all events can be read. Transactions of other tests on the same PostgreSQL server may delay this.
    #[cfg(any(test, feature = "testing"))]
    pub async fn settle_events(&self, system: &System) -> Result<()> {
        let on = self.database().read(system);
        while Entity::find().filter(settled(on).not()).one(on).await?.is_some() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// Returns the position of the newest readable event. To copy all data, read this position first, then copy, then
    /// follow events from it.
    pub async fn last_event(&self, system: &System) -> Result<EventPosition> {
        newest(self.database().read(system)).await
    }

    /// Returns the repositories that became hidden, and are hidden from the scope now, in events after `position`; `None`
    /// if too many repositories changed who may see them. Includes events that followers cannot read yet.
    pub async fn hidden_since(&self, scope: &Scope, position: EventPosition) -> Result<Option<Vec<RepositoryId>>> {
        let on = self.database().read(scope);
        let changed: Vec<i64> = Entity::find()
            .select_only()
            .column(Column::RepositoryId)
            .distinct()
            .filter(place().gt(position.values()))
            .filter(Column::Kind.is_in(HIDING))
            .filter(Column::RepositoryId.is_not_null())
            .limit(MAX_HIDDEN + 1)
            .into_tuple()
            .all(on)
            .await?;
        if changed.is_empty() {
            return Ok(Some(Vec::new()));
        }
        if u64::try_from(changed.len()).is_ok_and(|count| count > MAX_HIDDEN) {
            return Ok(None);
        }
        let visible: BTreeSet<i64> = repository::Entity::find()
            .select_only()
            .column(repository::Column::Id)
            .filter(scope.condition())
            .filter(repository::Column::Id.is_in(changed.iter().copied()))
            .into_tuple::<i64>()
            .all(on)
            .await?
            .into_iter()
            .collect();
        Ok(Some(changed.into_iter().filter(|id| !visible.contains(id)).map(RepositoryId).collect()))
    }

    /// Returns up to `limit` events after `position`, in order. Events that become readable later come after all of
    /// these.
    pub async fn events_after(&self, system: &System, position: EventPosition, limit: u64) -> Result<Vec<EventRecord>> {
        let on = self.database().read(system);
        let rows = Entity::find()
            .expr_as(settled(on), "settled")
            .filter(place().gt(position.values()))
            .order_by_asc(Column::Xid)
            .order_by_asc(Column::Id)
            .limit(limit)
            .into_model::<EventRow>()
            .all(on)
            .await?;
        self.unsettled().store(rows.iter().any(|row| !row.settled), Ordering::Relaxed);
        Ok(rows.into_iter().take_while(|row| row.settled).map(EventRecord::from).collect())
    }
}

/// Returns the position of the newest readable event.
async fn newest(on: &impl ConnectionTrait) -> Result<EventPosition> {
    let newest = Entity::find()
        .select_only()
        .columns([Column::Xid, Column::Id])
        .filter(settled(on))
        .order_by_desc(Column::Xid)
        .order_by_desc(Column::Id)
        .into_tuple::<(i64, i64)>()
        .one(on)
        .await?;
    Ok(newest.map_or(EventPosition::START, |(xid, id)| EventPosition { xid, id }))
}

/// The position of a row's event, as SQL.
fn place() -> Expr {
    Expr::tuple([Expr::col(Column::Xid), Expr::col(Column::Id)])
}

/// Whether the row's transaction and all older ones have ended, as SQL.
fn settled(on: &impl ConnectionTrait) -> Expr {
    match on.get_database_backend() {
        // sea-query has no functions for snapshots, and xid8 can only be cast to a number through text.
        DbBackend::Postgres => {
            Expr::col(Column::Xid).lt(Expr::cust("pg_snapshot_xmin(pg_current_snapshot())::text::bigint"))
        }
        _ => Expr::value(true),
    }
}
