//! The connections to SQLite or PostgreSQL: pools, pragmas, migrations, and transactions that write.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use migrations::{Migrator, MigratorTrait};
use sea_orm::sqlx::{Connection as _, PgConnection, SqliteConnection};
use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, RuntimeErr,
    SqliteTransactionMode, SqlxError, TransactionOptions, TransactionTrait,
};

use crate::access::Proof;
use crate::error::Error;
use crate::outbox::EventNotifier;

/// A transaction that may write.
pub(crate) type Tx = DatabaseTransaction;

/// How long a caller waits for a connection, and a statement on SQLite for another process that writes.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a transaction that lost against another is begun again.
const TRIES: u32 = 6;

/// The advisory lock that one node holds while it migrates a PostgreSQL database.
const MIGRATION_LOCK: &str = "SELECT pg_advisory_xact_lock(8101976112)";

/// An error of a transaction's work, which may come from the database and then be worth another try.
pub(crate) trait Refusal: From<DbErr> {
    /// The database's error, where it was one.
    fn database(&self) -> Option<&DbErr>;
}

impl Refusal for DbErr {
    fn database(&self) -> Option<&DbErr> {
        Some(self)
    }
}

impl Refusal for Error {
    fn database(&self) -> Option<&DbErr> {
        match self {
            Self::Unavailable(source) => Some(source),
            _ => None,
        }
    }
}

/// The connections.
#[derive(Debug)]
pub(crate) struct Database {
    readers: DatabaseConnection,
    /// SQLite has one writer at a time: all writes of this process go through one connection and wait for it, rather than
    /// in SQLite's busy handler. On PostgreSQL these are the readers' connections.
    writer: DatabaseConnection,
    statements: Arc<AtomicU64>,
}

impl Database {
    /// Connects and brings the schema up to date. `sqlite://path` makes the file; `postgres://…` expects the database.
    pub(crate) async fn open(url: &str) -> Result<Self, DbErr> {
        let statements = Arc::new(AtomicU64::new(0));
        let connect = async |options| match sea_orm::Database::connect(options).await {
            Ok(connection) => Ok(counted(connection, &statements)),
            Err(error) => Err(reason(url).await.unwrap_or(error)),
        };
        let database = if url.starts_with("sqlite:") {
            // The writer first: it makes the file, and its journal lets the others read beside it.
            let writer = connect(sqlite(url, ConnectionUse::Write)).await?;
            migrate(&writer).await?;
            Self { readers: connect(sqlite(url, ConnectionUse::Read)).await?, writer, statements }
        } else {
            let writer = connect(pool(url, 24)).await?;
            migrate(&writer).await?;
            Self { readers: writer.clone(), writer, statements }
        };
        Ok(database)
    }

    /// For reading.
    pub(crate) const fn read(&self, _: &impl Proof) -> &DatabaseConnection {
        &self.readers
    }

    /// Notifications of new events in this database.
    pub(crate) fn notifier(&self, url: &str) -> EventNotifier {
        match self.writer.get_database_backend() {
            DbBackend::Postgres => EventNotifier::shared(url, self.writer.clone()),
            _ => EventNotifier::local(),
        }
    }

    /// How many statements were sent since it was opened.
    pub(crate) fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Closes the connections.
    #[cfg(test)]
    pub(crate) async fn close(&self) {
        self.readers.close_by_ref().await.unwrap();
        self.writer.close_by_ref().await.unwrap();
    }

    /// The connection that writes, for statements of tests.
    #[cfg(test)]
    pub(crate) const fn pool(&self) -> &DatabaseConnection {
        &self.writer
    }

    /// Runs `work`, a `|tx| async move { … }`, in a transaction and commits it when it gives `Ok`; anything else rolls back.
    ///
    /// On SQLite the transaction takes the write lock at its beginning, so it can never fail on the way for having read
    /// first. Where the database ends it in favour of another (a deadlock, a serialisation failure), it begins again a
    /// few times: `work` may run more than once, so it must not change anything outside the database.
    ///
    /// `work` gets the transaction in an `Arc` and must not keep it. An async closure over `&Tx` would read better, but
    /// whatever awaits one is not `Send` to the compiler (<https://github.com/rust-lang/rust/issues/110338>).
    pub(crate) async fn write<T, E: Refusal, F>(&self, _: &impl Proof, work: impl Fn(Arc<Tx>) -> F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>> + Send,
    {
        transaction(&self.writer, work).await
    }
}

/// Runs `work` in a transaction, again where the database ended it in favour of another.
async fn transaction<T, E: Refusal, F>(on: &DatabaseConnection, work: impl Fn(Arc<Tx>) -> F) -> Result<T, E>
where
    F: Future<Output = Result<T, E>> + Send,
{
    let mut attempt = 1;
    loop {
        match self::attempt(on, &work).await {
            Err(refusal) if attempt < TRIES && refusal.database().is_some_and(worth_another_try) => {
                tokio::time::sleep(Duration::from_millis(u64::from(attempt) * 15)).await;
                attempt += 1;
            }
            outcome => return outcome,
        }
    }
}

async fn attempt<T, E: Refusal, F>(on: &DatabaseConnection, work: &impl Fn(Arc<Tx>) -> F) -> Result<T, E>
where
    F: Future<Output = Result<T, E>> + Send,
{
    let sqlite = on.get_database_backend() == DbBackend::Sqlite;
    let options = TransactionOptions {
        sqlite_transaction_mode: sqlite.then_some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let tx = Arc::new(on.begin_with_options(options).await?);
    let outcome = work(Arc::clone(&tx)).await;
    let tx = Arc::into_inner(tx).ok_or_else(|| DbErr::Custom("a transaction was kept".to_owned()))?;
    if outcome.is_ok() {
        tx.commit().await?;
    } else if let Err(error) = tx.rollback().await {
        tracing::debug!(%error, "a transaction that failed could not be rolled back");
    }
    outcome
}

/// Brings the schema up to date; of several nodes one does, and the others wait.
async fn migrate(on: &DatabaseConnection) -> Result<(), DbErr> {
    transaction(on, |tx| async move {
        if tx.get_database_backend() == DbBackend::Postgres {
            tx.execute_unprepared(MIGRATION_LOCK).await?;
        }
        for migration in Migrator::get_pending_migrations(&*tx).await? {
            tracing::info!(migration = migration.name(), "changing the schema");
        }
        Migrator::up(&*tx, None).await
    })
    .await
}

/// A pool of at most so many connections.
fn pool(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .sqlx_logging(false)
        .record_stmt_in_spans(false);
    options
}

/// What connections to SQLite are for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ConnectionUse {
    Read,
    Write,
}

fn sqlite(url: &str, purpose: ConnectionUse) -> ConnectOptions {
    let mut options = pool(url, if purpose == ConnectionUse::Write { 1 } else { 8 });
    options
        .map_sqlx_sqlite_pool_opts(|options| {
            options.after_release(|connection, _| Box::pin(async move { is_outside_of_transactions(connection).await }))
        })
        .map_sqlx_sqlite_opts(move |options| {
            use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
            let options = options
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .foreign_keys(true)
                .busy_timeout(ACQUIRE_TIMEOUT);
            // A write among the readers would wait for SQLite's lock and not for the writer's connection.
            if purpose == ConnectionUse::Read { options.pragma("query_only", "on") } else { options }
        });
    options
}

/// The same connection, with its statements counted.
fn counted(mut connection: DatabaseConnection, statements: &Arc<AtomicU64>) -> DatabaseConnection {
    let statements = Arc::clone(statements);
    connection.set_metric_callback(move |_| {
        statements.fetch_add(1, Ordering::Relaxed);
    });
    connection
}

/// Why there is no connection to PostgreSQL: the pool waits for a server that starts, and then says no more than that it waited.
async fn reason(url: &str) -> Option<DbErr> {
    if !url.starts_with("postgres") {
        return None;
    }
    match tokio::time::timeout(Duration::from_secs(2), PgConnection::connect(url)).await {
        Ok(Err(source)) => Some(DbErr::Conn(RuntimeErr::SqlxError(source.into()))),
        Ok(Ok(_)) | Err(_) => None,
    }
}

/// Whether a connection may go back to the pool. SQLite ends a transaction by itself when the disk is full or fails; the driver
/// then believes it open for good, and what comes next would neither see nor keep what others write.
async fn is_outside_of_transactions(connection: &mut SqliteConnection) -> Result<bool, SqlxError> {
    // Rollbacks that wait in the connection's queue are done first.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

/// Whether the database ended a transaction only because another was in its way: PostgreSQL's 40001 (serialisation
/// failure) and 40P01 (deadlock), SQLite's 5 (busy) and 517 (busy snapshot).
fn worth_another_try(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(source)) | DbErr::Query(RuntimeErr::SqlxError(source))) = error else {
        return false;
    };
    let SqlxError::Database(database) = &**source else { return false };
    matches!(database.code().as_deref(), Some("40001" | "40P01" | "5" | "517"))
}

#[cfg(test)]
mod tests;
