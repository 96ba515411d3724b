//! The test fixture: a new store for each test, on SQLite or PostgreSQL, with a clock that the test controls.

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
use tempfile::TempDir;

use crate::access::{Manage, System, Viewer};
use crate::scratch::{self, Scratch};
use crate::{EventPosition, OpenStore, Store, sql};

/// A store with its own database.
pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) system: System,
    pub(crate) ledger: Arc<dyn Ledger>,
    now: Arc<AtomicI64>,
    scratch: Scratch,
    _folder: Option<TempDir>,
}

impl Fixture {
    /// Creates a store on SQLite, in a new file.
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::open(Scratch::sqlite(folder.path()), Some(folder)).await
    }

    /// Creates a store on PostgreSQL, in a new database. Without a server, returns `None`, or panics if `CI` is set.
    pub(crate) async fn postgres() -> Option<Self> {
        let Ok(address) = std::env::var(scratch::SERVER) else {
            assert!(std::env::var("CI").is_err(), "{} is not set", scratch::SERVER);
            eprintln!("skipped: {} is not set", scratch::SERVER);
            return None;
        };
        Some(Self::open(Scratch::postgres(&address).await.unwrap(), None).await)
    }

    async fn open(scratch: Scratch, folder: Option<TempDir>) -> Self {
        let now = Arc::new(AtomicI64::new(1_760_000_000_000_000));
        let OpenStore { store, system, ledger } = Store::open(scratch.url(), clock(&now)).await.unwrap();
        Self { store, system, ledger, now, scratch, _folder: folder }
    }

    /// Opens the same database again, as another node would.
    pub(crate) async fn again(&self) -> Store {
        Store::open(self.scratch.url(), clock(&self.now)).await.unwrap().store
    }

    /// Creates an account without a password.
    pub(crate) async fn person(&self, name: &str) -> Viewer {
        self.account(name, false).await
    }

    /// Creates an administrator without a password.
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

    /// Adds a member to a namespace.
    pub(crate) async fn member(&self, namespace: &Viewer, who: &Viewer, role: Role) {
        let insert = "INSERT INTO membership (namespace_id, account_id, role, since) VALUES ($1, $2, $3, 0)";
        let (namespace, who) = (namespace.account_id().unwrap().0, who.account_id().unwrap().0);
        let values = [namespace.into(), who.into(), role.as_str().into()];
        sql::execute(self.store.database().pool(), insert, values).await.unwrap();
        self.store.standings().forget();
    }

    /// Creates a repository in the owner's namespace.
    pub(crate) async fn repository(&self, owner: &Viewer, name: &str, visibility: Visibility) -> RepositoryName {
        let form = NewRepository {
            namespace: owner.account().unwrap().1.to_string(),
            name: name.to_owned(),
            description: String::new(),
            visibility: Some(visibility),
        };
        self.store.create_repository(owner, &form).await.unwrap().path
    }

    /// Adds a collaborator to a repository.
    pub(crate) async fn collaborator(&self, owner: &Viewer, path: &RepositoryName, who: &Viewer, role: Role) {
        let permit = self.store.permit::<Manage>(owner, path).await.unwrap();
        let name = who.account().unwrap().1.as_str();
        self.store.set_collaborator(&permit, name, role).await.unwrap();
    }

    /// Makes all repositories ordinary ones, as if each had a manifest.
    pub(crate) async fn publish(&self) {
        sql::execute(self.store.database().pool(), "UPDATE repository SET pending = FALSE", []).await.unwrap();
        self.store.standings().forget();
    }

    /// Returns the number of rows in a table.
    pub(crate) async fn rows(&self, table: &str) -> i64 {
        let count = format!("SELECT COUNT(*) FROM {table}");
        let row = sql::first(self.store.database().pool(), &count, []).await.unwrap().unwrap();
        row.try_get_by_index(0).unwrap()
    }

    /// Returns all events, in order.
    pub(crate) async fn events(&self) -> Vec<EventKind> {
        all_events(&self.system).await.into_iter().map(|event| event.kind).collect()
    }

    /// Advances the clock.
    pub(crate) fn pass(&self, by: Duration) {
        self.now.fetch_add(i64::try_from(by.as_micros()).unwrap(), Ordering::SeqCst);
    }

    /// Closes and deletes the database.
    pub(crate) async fn finish(self) {
        self.store.database().close().await;
    }
}

/// Returns all events once they can be read. Transactions of other tests on the same PostgreSQL server may delay this.
pub(crate) async fn all_events(system: &System) -> Vec<Event> {
    let store = system.store();
    store.settle_events(system).await.unwrap();
    let events = store.events_after(system, EventPosition::START, 10_000).await.unwrap();
    events.into_iter().map(|record| record.event().unwrap()).collect()
}

fn clock(now: &Arc<AtomicI64>) -> Clock {
    let told = Arc::clone(now);
    Clock::new(move || Timestamp::from_micros(told.load(Ordering::SeqCst)))
}

/// Turns each `async fn name(fixture: &Fixture) { … }` into the tests `sqlite::name` and `postgres::name`.
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
