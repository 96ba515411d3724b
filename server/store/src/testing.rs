//! A fresh store for each test, on SQLite and on PostgreSQL, with a clock that the test moves.
//! It refuses to know what a test is about.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use model::clock::{Clock, Timestamp};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use crate::Store;

/// The variable that holds the address of a PostgreSQL server on which databases can be made.
const POSTGRES: &str = "PORTOLAN_TEST_POSTGRES";

/// A store on a database of its own.
pub(crate) struct Fixture {
    pub(crate) store: Store,
    now: Arc<AtomicI64>,
    place: Place,
}

enum Place {
    Folder(#[expect(dead_code, reason = "holds the folder until the test ends")] tempfile::TempDir),
    Server { address: String, database: String },
}

impl Fixture {
    /// On SQLite, in a file of its own.
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("portolan.db").display());
        Self::open(&url, Place::Folder(folder)).await
    }

    /// On PostgreSQL, in a database of its own; `None` where there is no server, which fails where `CI` is set.
    pub(crate) async fn postgres() -> Option<Self> {
        let Ok(address) = std::env::var(POSTGRES) else {
            assert!(std::env::var("CI").is_err(), "{POSTGRES} is not set");
            eprintln!("skipped: {POSTGRES} is not set");
            return None;
        };
        let database = format!("portolan_{}", Uuid::now_v7().simple());
        let server = sea_orm::Database::connect(&address).await.unwrap();
        server.execute_unprepared(&format!("CREATE DATABASE {database}")).await.unwrap();
        server.close().await.unwrap();
        let base = address.rsplit_once('/').unwrap().0;
        let url = format!("{base}/{database}");
        Some(Self::open(&url, Place::Server { address, database }).await)
    }

    async fn open(url: &str, place: Place) -> Self {
        let now = Arc::new(AtomicI64::new(1_760_000_000_000_000));
        let told = Arc::clone(&now);
        let clock = Clock::new(move || Timestamp::from_micros(told.load(Ordering::SeqCst)));
        let store = Store::open(url, clock).await.unwrap();
        Self { store, now, place }
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, by: Duration) {
        self.now.fetch_add(i64::try_from(by.as_micros()).unwrap(), Ordering::SeqCst);
    }

    /// Takes the database away again; a test that failed leaves its own behind.
    pub(crate) async fn finish(self) {
        self.store.database().pool().close_by_ref().await.unwrap();
        if let Place::Server { address, database } = self.place {
            let server = sea_orm::Database::connect(&address).await.unwrap();
            server.execute_unprepared(&format!("DROP DATABASE {database} WITH (FORCE)")).await.unwrap();
        }
    }
}

/// Makes of each `async fn name(fixture: &Fixture) { … }` the tests `sqlite::name` and `postgres::name`.
macro_rules! each_database {
    ($($(#[$meta:meta])* async fn $name:ident($fixture:ident: &Fixture) $body:block)+) => {
        $($(#[$meta])* async fn $name($fixture: &$crate::testing::Fixture) $body)+

        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    let fixture = $crate::testing::Fixture::sqlite().await;
                    super::$name(&fixture).await;
                    fixture.finish().await;
                }
            )+
        }

        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    let Some(fixture) = $crate::testing::Fixture::postgres().await else { return };
                    super::$name(&fixture).await;
                    fixture.finish().await;
                }
            )+
        }
    };
}

pub(crate) use each_database;
