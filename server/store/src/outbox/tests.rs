//! Tests that followers read each event once and in a stable order, on both databases.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use model::clock::Timestamp;
use model::event::{Actor, Event, EventKind};
use model::id::{RepositoryId, TokenId};
use model::oci::RepositoryName;
use model::role::Visibility;
use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, TransactionTrait};

use super::{Column, Entity, EventPosition, EventRecord, append};
use crate::Store;
use crate::access::{Exemption, System};
use crate::sql;
use crate::testing::{Fixture, all_events, each_database};

/// The number of listening connections.
const LISTENERS: &str =
    "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'";

const DAY: Duration = Duration::from_hours(24);

fn event(number: i64) -> Event {
    let repository = Some((RepositoryId(number), RepositoryName::parse("team/app").unwrap()));
    Event { repository, actor: None, kind: EventKind::RepositoryUpdated }
}

async fn write(store: &Store, number: i64) {
    let now = store.clock().now();
    let write = |tx: std::sync::Arc<crate::database::Tx>| async move { append(&*tx, &event(number), now).await };
    store.database().write(&Exemption::Test, write).await.unwrap();
    store.notifier().notify();
}

async fn read(system: &System, position: EventPosition) -> Vec<EventRecord> {
    system.store().events_after(system, position, 10_000).await.unwrap()
}

/// Waits until at least `count` events after a position can be read, and returns the ids of their repositories.
async fn numbers(system: &System, position: EventPosition, count: usize) -> Vec<i64> {
    for _ in 0..400 {
        let numbers: Vec<i64> =
            read(system, position).await.iter().map(|record| record.repository.unwrap().0).collect();
        if numbers.len() >= count {
            return numbers;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("events do not come");
}

async fn count(store: &Store, select: &str) -> i64 {
    let row = sql::first(store.database().pool(), select, []).await.unwrap().unwrap();
    row.try_get_by("count").unwrap()
}

fn is_postgres(fixture: &Fixture) -> bool {
    fixture.store.database().pool().get_database_backend() == DbBackend::Postgres
}

each_database! {
    async fn an_event_says_what_happened_when_by_whom_and_with_what(fixture: &Fixture) {
        let ada = fixture.person("ada").await.by_token(TokenId(5));
        let path = fixture.repository(&ada, "app", Visibility::Public).await;
        numbers(&fixture.system, EventPosition::START, 1).await;
        let record = read(&fixture.system, EventPosition::START).await.remove(0);
        assert_eq!((record.kind.as_str(), record.at), ("repository_created", fixture.store.clock().now()));
        assert_eq!((record.actor, record.credential), (ada.account_id(), Some(TokenId(5))));
        let actor = Actor {
            account: ada.account_id(), name: ada.account().unwrap().1.clone(), credential: Some(TokenId(5))
        };
        let repository = record.repository.unwrap();
        let event = Event { repository: Some((repository, path)), actor: Some(actor), kind: EventKind::RepositoryCreated };
        assert_eq!(record.event(), Some(event));
    }

    async fn a_kind_that_is_not_known_is_stepped_over_and_still_names_its_repository(fixture: &Fixture) {
        for number in 1..=2 {
            write(&fixture.store, number).await;
        }
        all_events(&fixture.system).await;
        let rename = Entity::update_many().col_expr(Column::Kind, Expr::value("sung"));
        rename.exec(fixture.store.database().pool()).await.unwrap();
        let records = read(&fixture.system, EventPosition::START).await;
        assert!(records.iter().all(|record| record.event().is_none()));
        assert_eq!(numbers(&fixture.system, EventPosition::START, 2).await, [1, 2]);
        write(&fixture.store, 3).await;
        assert_eq!(numbers(&fixture.system, records[1].position, 1).await, [3]);
    }

    async fn an_event_of_a_transaction_that_ends_later_is_neither_lost_nor_read_twice(fixture: &Fixture) {
        if !is_postgres(fixture) {
            return;
        }
        let slow = fixture.store.database().pool().begin().await.unwrap();
        append(&slow, &event(1), Timestamp::from_micros(0)).await.unwrap();
        write(&fixture.store, 2).await;
        assert!(read(&fixture.system, EventPosition::START).await.is_empty());
        assert_eq!(fixture.store.last_event(&fixture.system).await.unwrap(), EventPosition::START);
        slow.commit().await.unwrap();
        assert_eq!(numbers(&fixture.system, EventPosition::START, 2).await, [1, 2]);
        let last = fixture.store.last_event(&fixture.system).await.unwrap();
        // This transaction begins first and writes its event last.
        let early = fixture.store.database().pool().begin().await.unwrap();
        early.execute_unprepared("SELECT pg_current_xact_id()").await.unwrap();
        write(&fixture.store, 3).await;
        append(&early, &event(4), Timestamp::from_micros(0)).await.unwrap();
        early.commit().await.unwrap();
        assert_eq!(numbers(&fixture.system, last, 2).await, [4, 3]);
    }

    async fn a_transaction_that_stays_open_delays_readers_and_stops_no_writer(fixture: &Fixture) {
        if !is_postgres(fixture) {
            return;
        }
        write(&fixture.store, 0).await;
        numbers(&fixture.system, EventPosition::START, 1).await;
        let open = fixture.store.database().pool().begin().await.unwrap();
        append(&open, &event(100), Timestamp::from_micros(0)).await.unwrap();
        let writes = async {
            for number in 1..=20 {
                write(&fixture.store, number).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), writes).await.unwrap();
        let reading = tokio::time::timeout(Duration::from_secs(5), read(&fixture.system, EventPosition::START));
        assert_eq!(reading.await.unwrap().len(), 1);
        open.rollback().await.unwrap();
        assert_eq!(numbers(&fixture.system, EventPosition::START, 21).await, (0..=20).collect::<Vec<_>>());
    }

    async fn a_follower_sees_each_event_of_many_writers_once(fixture: &Fixture) {
        const WRITERS: i64 = 8;
        const EVENTS: i64 = 25;
        let system = fixture.system.clone();
        let follower = tokio::spawn(async move {
            let (mut position, mut seen) = (EventPosition::START, BTreeMap::<i64, u32>::new());
            while seen.len() < usize::try_from(WRITERS * EVENTS).unwrap() {
                let events = system.store().wait_for_events();
                let records = system.store().events_after(&system, position, 5).await.unwrap();
                if records.is_empty() {
                    events.await;
                }
                for record in records {
                    assert!(record.position > position);
                    position = record.position;
                    *seen.entry(record.repository.unwrap().0).or_default() += 1;
                }
            }
            seen
        });
        let writers = (0..WRITERS).map(|writer| {
            let store = fixture.store.clone();
            tokio::spawn(async move {
                for number in 0..EVENTS {
                    write(&store, writer * EVENTS + number).await;
                }
            })
        });
        join_all(writers).await;
        let seen = tokio::time::timeout(Duration::from_secs(30), follower).await.expect("an event is lost").unwrap();
        assert!(seen.values().all(|times| *times == 1));
    }

    async fn a_follower_goes_on_where_it_was_and_never_back(fixture: &Fixture) {
        let (store, system) = (&fixture.store, &fixture.system);
        write(store, 1).await;
        all_events(system).await;
        let last = store.last_event(system).await.unwrap();
        let position = async || store.follower_position(system, "search").await.unwrap();
        assert_eq!(position().await, None);
        assert!(!store.set_follower_position(system, "search", last).await.unwrap());
        store.register_follower(system, "search", EventPosition::START).await.unwrap();
        assert_eq!(position().await, Some(EventPosition::START));
        assert!(store.set_follower_position(system, "search", last).await.unwrap());
        assert!(store.set_follower_position(system, "search", EventPosition::START).await.unwrap());
        assert_eq!(position().await, Some(last));
        store.register_follower(system, "search", EventPosition::START).await.unwrap();
        assert_eq!(position().await, Some(EventPosition::START));
        assert!(read(system, last).await.is_empty());
    }

    async fn old_events_go_once_every_follower_has_them_behind_it(fixture: &Fixture) {
        let (store, system) = (&fixture.store, &fixture.system);
        for number in 1..=4 {
            write(store, number).await;
        }
        all_events(system).await;
        let records = read(system, EventPosition::START).await;
        for follower in ["fast", "slow"] {
            store.register_follower(system, follower, EventPosition::START).await.unwrap();
        }
        fixture.pass(6 * DAY);
        store.set_follower_position(system, "fast", records[3].position).await.unwrap();
        store.set_follower_position(system, "slow", records[2].position).await.unwrap();
        assert_eq!(store.trim_events(system, &[]).await.unwrap(), 0, "they are too young");
        fixture.pass(2 * DAY);
        write(store, 5).await;
        all_events(system).await;
        assert_eq!(store.trim_events(system, &["slow", "late"]).await.unwrap(), 0, "one has yet to begin");
        assert_eq!(store.trim_events(system, &["slow"]).await.unwrap(), 2, "the slow one stands at the third");
        assert_eq!(numbers(system, EventPosition::START, 3).await, [3, 4, 5]);
        assert_eq!(store.trim_events(system, &[]).await.unwrap(), 0);
    }

    async fn a_follower_that_is_not_seen_holds_nothing_for_ever_and_learns_that_it_was_forgotten(fixture: &Fixture) {
        let (store, system) = (&fixture.store, &fixture.system);
        for number in 1..=3 {
            write(store, number).await;
        }
        all_events(system).await;
        for follower in ["alive", "gone"] {
            store.register_follower(system, follower, EventPosition::START).await.unwrap();
        }
        let last = store.last_event(system).await.unwrap();
        store.set_follower_position(system, "alive", last).await.unwrap();
        fixture.pass(13 * DAY);
        assert_eq!(store.follower_position(system, "alive").await.unwrap(), Some(last), "to ask is to be seen");
        assert_eq!(store.trim_events(system, &[]).await.unwrap(), 0);
        fixture.pass(2 * DAY);
        assert_eq!(store.trim_events(system, &[]).await.unwrap(), 2);
        assert_eq!(numbers(system, EventPosition::START, 1).await, [3], "the newest stays");
        assert_eq!(store.follower_position(system, "gone").await.unwrap(), None);
        assert!(!store.set_follower_position(system, "gone", last).await.unwrap());
        assert_eq!(store.follower_position(system, "alive").await.unwrap(), Some(last));
    }

    async fn events_of_a_database_that_was_restored_elsewhere_can_be_read_and_followers_begin_anew(fixture: &Fixture) {
        if !is_postgres(fixture) {
            return;
        }
        for number in 1..=2 {
            write(&fixture.store, number).await;
        }
        fixture.store.register_follower(&fixture.system, "search", EventPosition::START).await.unwrap();
        let elsewhere = Entity::update_many().col_expr(Column::Xid, Expr::value(1_i64 << 40));
        elsewhere.exec(fixture.store.database().pool()).await.unwrap();
        fixture.again().await;
        assert_eq!(numbers(&fixture.system, EventPosition::START, 2).await, [1, 2]);
        assert_eq!(fixture.store.follower_position(&fixture.system, "search").await.unwrap(), None);
        write(&fixture.store, 3).await;
        assert_eq!(numbers(&fixture.system, EventPosition::START, 3).await, [1, 2, 3]);
    }

    async fn another_node_sees_an_event_at_once(fixture: &Fixture) {
        if !is_postgres(fixture) {
            return;
        }
        let other = fixture.again().await;
        while count(&other, LISTENERS).await < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let mut waits = Vec::new();
        for number in 1..=10 {
            let events = other.wait_for_events();
            write(&fixture.store, number).await;
            let written = tokio::time::Instant::now();
            events.await;
            waits.push(written.elapsed());
        }
        waits.sort_unstable();
        assert!(waits[5] < Duration::from_millis(300), "{waits:?}");
    }

    async fn a_node_whose_connection_was_cut_listens_again(fixture: &Fixture) {
        if !is_postgres(fixture) {
            return;
        }
        while count(&fixture.store, LISTENERS).await < 1 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let cut = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity
                   WHERE datname = current_database() AND query LIKE 'LISTEN%'";
        assert_eq!(count(&fixture.store, cut).await, 1);
        let again = async {
            while count(&fixture.store, LISTENERS).await < 1 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), again).await.expect("it listens again");
    }
}
