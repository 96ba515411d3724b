//! The hub's database and access control. Rows can only be read or written with proof that the caller may do so.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use model::clock::Clock;
use registry::ledger::Ledger;

use crate::access::{Exemption, Standings, System};
use crate::accounts::Passwords;
use crate::bearer::Bearers;
use crate::cursor::CursorKey;
use crate::database::Database;
pub use crate::documents::SearchDocument;
pub use crate::error::{Error, Result};
pub use crate::images::Pulls;
use crate::keys::Keys;
use crate::outbox::EventNotifier;
pub use crate::outbox::{EventPosition, EventRecord};
pub use crate::shared_key::SharedKey;
use crate::spare::Spare;

pub mod access;
pub mod accounts;
pub mod bearer;
mod comments;
mod cursor;
mod database;
mod documents;
mod entity;
mod error;
mod images;
mod keys;
mod ledger;
mod outbox;
mod repositories;
#[cfg(any(test, feature = "testing"))]
pub mod scratch;
mod secret;
pub mod sessions;
mod shared_key;
mod spare;
mod sql;
#[cfg(test)]
mod testing;

/// The hub's database; cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    database: Database,
    clock: Clock,
    notifier: EventNotifier,
    standings: Standings,
    passwords: Passwords,
    keys: Keys,
    bearers: Bearers,
    cursors: CursorKey,
    spare: Spare,
    unsettled: AtomicBool,
}

/// A newly opened store, with capabilities that only the code that starts the process receives.
pub struct OpenStore {
    /// The store.
    pub store: Store,
    /// Proof that the site itself is the caller, for jobs and commands.
    pub system: System,
    /// The engine's ledger.
    pub ledger: Arc<dyn Ledger>,
}

impl Store {
    /// Connects to `sqlite://path` (created if missing) or `postgres://…` and migrates the schema.
    pub async fn open(url: &str, clock: Clock) -> Result<OpenStore> {
        let database = Database::open(url).await?;
        outbox::adopt(&database).await?;
        let notifier = database.notifier(url);
        let cursors = CursorKey::open(&database).await?;
        let inner = Inner {
            database,
            clock,
            notifier,
            standings: Standings::new(),
            passwords: Passwords::new(),
            keys: Keys::default(),
            bearers: Bearers::new(),
            cursors,
            spare: Spare::new(),
            unsettled: AtomicBool::new(false),
        };
        let store = Self { inner: Arc::new(inner) };
        store.make_library().await?;
        let ledger = ledger::of(&store);
        Ok(OpenStore { system: System::of(store.clone()), ledger, store })
    }

    /// Checks that the database answers.
    pub async fn ping(&self) -> Result<()> {
        Ok(self.database().read(&Exemption::Startup).ping().await?)
    }

    /// Returns the number of statements sent to the database since the store was opened.
    pub fn statements(&self) -> u64 {
        self.database().statements()
    }

    /// Returns the clock used for all timestamps.
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    pub(crate) fn database(&self) -> &Database {
        &self.inner.database
    }

    /// Wakes the tasks that wait for events.
    pub(crate) fn notifier(&self) -> &EventNotifier {
        &self.inner.notifier
    }

    /// Whether the last query found events that cannot be read yet.
    pub(crate) fn unsettled(&self) -> &AtomicBool {
        &self.inner.unsettled
    }

    /// Cached standings.
    pub(crate) fn standings(&self) -> &Standings {
        &self.inner.standings
    }

    /// Permits for hashing passwords.
    pub(crate) fn passwords(&self) -> &Passwords {
        &self.inner.passwords
    }

    /// The signing keys known to this process.
    pub(crate) fn keys(&self) -> &Keys {
        &self.inner.keys
    }

    /// The key of cursors.
    pub(crate) fn cursors(&self) -> &CursorKey {
        &self.inner.cursors
    }

    /// What is kept in memory while the database is full.
    pub(crate) fn spare(&self) -> &Spare {
        &self.inner.spare
    }

    /// Cache of verified bearer tokens.
    pub(crate) fn bearers(&self) -> &Bearers {
        &self.inner.bearers
    }
}
