//! A fresh store for each test, on SQLite and on PostgreSQL, with a clock that the test moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use model::account::AccountName;
use model::clock::{Clock, Timestamp};
use model::event::{Event, EventKind};
use model::id::AccountId;
use model::oci::RepositoryName;
use model::repository::NewRepository;
use model::role::{Role, Visibility};
use registry::ledger::Ledger;
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use crate::access::{Manage, System, Viewer};
use crate::{EventPosition, OpenStore, Store, sql};

/// The variable that holds the address of a PostgreSQL server on which databases can be made.
const POSTGRES: &str = "PORTOLAN_TEST_POSTGRES";

/// A store on a database of its own.
pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) system: System,
    pub(crate) ledger: Arc<dyn Ledger>,
    url: String,
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
        let OpenStore { store, system, ledger } = Store::open(url, clock(&now)).await.unwrap();
        Self { store, system, ledger, url: url.to_owned(), now, place }
    }

    /// The same database, as another node has it open.
    pub(crate) async fn again(&self) -> Store {
        Store::open(&self.url, clock(&self.now)).await.unwrap().store
    }

    /// An account without a password.
    pub(crate) async fn person(&self, name: &str) -> Viewer {
        self.account(name, false).await
    }

    /// An administrator's account without a password.
    pub(crate) async fn administrator(&self, name: &str) -> Viewer {
        self.account(name, true).await
    }

    async fn account(&self, name: &str, admin: bool) -> Viewer {
        let insert = "INSERT INTO account (name, kind, email, admin, created_at) VALUES ($1, 'person', $2, $3, $4)
             RETURNING id";
        let now = self.store.clock().now().micros();
        let values = [name.into(), format!("{name}@example.org").into(), admin.into(), now.into()];
        let row = sql::first(self.store.database().pool(), insert, values).await.unwrap().unwrap();
        let id = AccountId(row.try_get_by_index(0).unwrap());
        Viewer::member(id, AccountName::parse(name).unwrap(), admin)
    }

    /// Makes somebody a member of a namespace.
    pub(crate) async fn member(&self, namespace: &Viewer, who: &Viewer, role: Role) {
        let insert = "INSERT INTO membership (namespace_id, account_id, role, since) VALUES ($1, $2, $3, 0)";
        let (namespace, who) = (namespace.account_id().unwrap().0, who.account_id().unwrap().0);
        let values = [namespace.into(), who.into(), role.as_str().into()];
        sql::execute(self.store.database().pool(), insert, values).await.unwrap();
        self.store.standings().forget();
    }

    /// A repository of the owner's.
    pub(crate) async fn repository(&self, owner: &Viewer, name: &str, visibility: Visibility) -> RepositoryName {
        let form = NewRepository {
            namespace: owner.account().unwrap().1.to_string(),
            name: name.to_owned(),
            description: String::new(),
            visibility: Some(visibility),
        };
        self.store.create_repository(owner, &form).await.unwrap().path
    }

    /// Gives somebody a role on one repository.
    pub(crate) async fn collaborator(&self, owner: &Viewer, path: &RepositoryName, who: &Viewer, role: Role) {
        let permit = self.store.permit::<Manage>(owner, path).await.unwrap();
        let name = who.account().unwrap().1.as_str();
        self.store.set_collaborator(&permit, name, role).await.unwrap();
    }

    /// How many rows a table holds.
    pub(crate) async fn rows(&self, table: &str) -> i64 {
        let count = format!("SELECT COUNT(*) FROM {table}");
        let row = sql::first(self.store.database().pool(), &count, []).await.unwrap().unwrap();
        row.try_get_by_index(0).unwrap()
    }

    /// What happened, in order.
    pub(crate) async fn events(&self) -> Vec<EventKind> {
        all_events(&self.system).await.into_iter().map(|event| event.kind).collect()
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, by: Duration) {
        self.now.fetch_add(i64::try_from(by.as_micros()).unwrap(), Ordering::SeqCst);
    }

    /// Takes the database away again; a test that failed leaves its own behind.
    pub(crate) async fn finish(self) {
        self.store.database().close().await;
        if let Place::Server { address, database } = self.place {
            let server = sea_orm::Database::connect(&address).await.unwrap();
            server.execute_unprepared(&format!("DROP DATABASE {database} WITH (FORCE)")).await.unwrap();
        }
    }
}

/// All events, once they can be read: on PostgreSQL the transactions of other tests delay that.
pub(crate) async fn all_events(system: &System) -> Vec<Event> {
    let store = system.store();
    loop {
        let events = store.events_after(system, EventPosition::START, 10_000).await.unwrap();
        if !store.unsettled().load(Ordering::Relaxed) {
            return events.into_iter().map(|record| record.event().unwrap()).collect();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn clock(now: &Arc<AtomicI64>) -> Clock {
    let told = Arc::clone(now);
    Clock::new(move || Timestamp::from_micros(told.load(Ordering::SeqCst)))
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
