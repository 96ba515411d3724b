//! Tests of migrations and transactions, on both databases.

use std::sync::Arc;

use migrations::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait as _, DbBackend};

use super::{Database, Tx};
use crate::access::Exemption;
use crate::testing::{Fixture, each_database};
use crate::{Error, sql};

async fn count(fixture: &Fixture) -> i64 {
    let row = sql::first(fixture.store.database().pool(), "SELECT value FROM setting WHERE name = 'count'", [])
        .await
        .unwrap()
        .unwrap();
    row.try_get_by_index::<String>(0).unwrap().parse().unwrap()
}

async fn raise(tx: Arc<Tx>) -> Result<(), Error> {
    let row = sql::first(&*tx, "SELECT value FROM setting WHERE name = 'count'", []).await?.ok_or(Error::Absent)?;
    let value: String = row.try_get_by_index(0)?;
    tokio::task::yield_now().await;
    let next = value.parse::<i64>().unwrap() + 1;
    // Fails if another transaction changed the value meanwhile; the caller then tries again.
    let update = "UPDATE setting SET value = $1 WHERE name = 'count' AND value = $2";
    match sql::execute(&*tx, update, [next.to_string().into(), value.into()]).await? {
        0 => Err(Error::Absent),
        _ => Ok(()),
    }
}

each_database! {
    async fn the_schema_goes_up_down_and_up_again(fixture: &Fixture) {
        let pool = fixture.store.database().pool();
        Migrator::down(pool, None).await.unwrap();
        assert!(sql::first(pool, "SELECT 1 FROM account", []).await.is_err());
        Migrator::up(pool, None).await.unwrap();
        assert_eq!(fixture.rows("account").await, 0);
        Migrator::up(pool, None).await.unwrap();
    }

    async fn several_nodes_may_start_at_once(fixture: &Fixture) {
        Migrator::down(fixture.store.database().pool(), None).await.unwrap();
        let nodes = tokio::join!(fixture.again(), fixture.again(), fixture.again());
        nodes.0.ping().await.unwrap();
        nodes.1.ping().await.unwrap();
        nodes.2.ping().await.unwrap();
        assert_eq!(fixture.rows("account").await, 1);
    }

    async fn a_database_without_room_is_told_from_one_that_does_not_answer(fixture: &Fixture) {
        let pool = fixture.store.database().pool();
        let full = fixture.store.database().write(&Exemption::Test, |tx| async move {
            let fill = if tx.get_database_backend() == DbBackend::Postgres {
                "DO $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = '53100'; END $$"
            } else {
                // The file cannot grow beyond its current size.
                sql::execute(&*tx, "PRAGMA max_page_count = 1", []).await?;
                "INSERT INTO setting (name, value) SELECT 'large', hex(zeroblob(1000000))"
            };
            Ok::<_, Error>(sql::execute(&*tx, fill, []).await?)
        });
        let full = full.await.unwrap_err();
        assert!(full.is_full(), "{full:?}");
        let wrong = Error::from(sql::execute(pool, "SELECT nothing", []).await.unwrap_err());
        assert!(matches!(wrong, Error::Unavailable(_)) && !wrong.is_full(), "{wrong:?}");
    }

    async fn work_that_fails_leaves_nothing(fixture: &Fixture) {
        let before = fixture.rows("setting").await;
        let outcome = fixture.store.database().write(&Exemption::Test, |tx| async move {
            sql::execute(&*tx, "INSERT INTO setting (name, value) VALUES ('count', '0')", []).await?;
            Err::<(), _>(Error::Forbidden)
        }).await;
        assert!(matches!(outcome, Err(Error::Forbidden)));
        assert_eq!(fixture.rows("setting").await, before);
    }

    async fn writers_wait_for_each_other_instead_of_failing(fixture: &Fixture) {
        let insert = "INSERT INTO setting (name, value) VALUES ('count', '0')";
        sql::execute(fixture.store.database().pool(), insert, []).await.unwrap();
        let other = fixture.again().await;
        let writers = (0..32).map(|number| {
            let store = if number % 2 == 0 { fixture.store.clone() } else { other.clone() };
            tokio::spawn(async move {
                loop {
                    match store.database().write(&Exemption::Test, raise).await {
                        Err(Error::Absent) => {}
                        outcome => return outcome.unwrap(),
                    }
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        assert_eq!(count(fixture).await, 32);
    }
}

/// When the disk is full, SQLite ends the transaction by itself, which it does not do after other failures.
#[tokio::test]
async fn a_disk_that_was_full_leaves_no_connection_behind_that_lives_in_the_past() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(&format!("sqlite://{}", folder.path().join("hub.db").display())).await.unwrap();
    sql::execute(database.pool(), "CREATE TABLE heap (bytes BLOB)", []).await.unwrap();
    let full = database
        .write(&Exemption::Test, |tx| async move {
            // Simulates a full disk: the file cannot grow through this connection.
            sql::execute(&*tx, "PRAGMA max_page_count = 1", []).await?;
            sql::execute(&*tx, "INSERT INTO heap VALUES (zeroblob(1000000))", []).await?;
            Ok::<_, Error>(())
        })
        .await;
    assert!(matches!(full, Err(Error::Unavailable(_))), "{full:?}");
    // A connection that the driver still considers in a transaction would keep failing. Repeat, to use all of them.
    let look = |tx: Arc<Tx>| async move {
        sql::all(&*tx, "SELECT value FROM setting WHERE name = 'count'", []).await?;
        Err::<(), _>(Error::Forbidden)
    };
    for _ in 0..16 {
        assert!(matches!(database.write(&Exemption::Test, look).await, Err(Error::Forbidden)));
    }
    let insert = "INSERT INTO setting (name, value) VALUES ('count', '0')";
    let other = Database::open(&format!("sqlite://{}", folder.path().join("hub.db").display())).await.unwrap();
    other.write(&Exemption::Test, |tx| async move { sql::execute(&*tx, insert, []).await }).await.unwrap();
    for _ in 0..16 {
        assert!(sql::first(database.pool(), "SELECT 1 FROM setting", []).await.unwrap().is_some());
    }
    database
        .write(&Exemption::Test, |tx| async move { sql::execute(&*tx, "DELETE FROM setting", []).await })
        .await
        .unwrap();
}
