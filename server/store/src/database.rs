//! Connections to SQLite or PostgreSQL: pools, pragmas, migrations and write transactions.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fail::fail_point;
use migrations::{Migrator, MigratorTrait};
use sea_orm::sqlx::{Connection as _, PgConnection, SqliteConnection};
use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, RuntimeErr,
    SqliteTransactionMode, SqlxError, TransactionOptions, TransactionTrait,
};

use crate::access::Proof;
use crate::error::Error;
use crate::outbox::EventNotifier;
use crate::sql;

/// A transaction that can write.
pub(crate) type Tx = DatabaseTransaction;

/// How long a caller waits for a connection, and how long a statement on SQLite waits for another process's lock.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// The maximum number of attempts for a transaction that conflicts with others.
const TRIES: u32 = 6;

/// Takes the advisory lock that the node migrating a PostgreSQL database holds.
const MIGRATION_LOCK: &str = "SELECT pg_advisory_xact_lock(8101976112)";

/// An error of a transaction. If it comes from the database, a retry may help.
pub(crate) trait Refusal: From<DbErr> {
    /// The database's error, if it comes from the database.
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

/// Connections to the database.
#[derive(Debug)]
pub(crate) struct Database {
    readers: DatabaseConnection,
    /// The connection for writing. SQLite allows one writer at a time, so all writes of this process wait for this one
    /// connection instead of in SQLite's busy handler. On PostgreSQL it is the same pool as `readers`.
    writer: DatabaseConnection,
    statements: Arc<AtomicU64>,
}

impl Database {
    /// Connects to the database and migrates it. `sqlite://path` creates a missing file; a `postgres://…` database must
    /// exist.
    pub(crate) async fn open(url: &str) -> Result<Self, DbErr> {
        let statements = Arc::new(AtomicU64::new(0));
        let connect = async |options| match sea_orm::Database::connect(options).await {
            Ok(connection) => Ok(counted(connection, &statements)),
            Err(error) => Err(reason(url).await.unwrap_or(error)),
        };
        let database = if url.starts_with("sqlite:") {
            // Open the writer first: it creates the file and enables WAL, which allows reading during a write.
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

    /// Returns the connections for reading.
    pub(crate) const fn read(&self, _: &impl Proof) -> &DatabaseConnection {
        &self.readers
    }

    /// Creates the notifier of new events in this database.
    pub(crate) fn notifier(&self, url: &str) -> EventNotifier {
        match self.writer.get_database_backend() {
            DbBackend::Postgres => EventNotifier::shared(url, self.writer.clone()),
            _ => EventNotifier::local(),
        }
    }

    /// Returns the number of statements sent since the database was opened.
    pub(crate) fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Closes the connections.
    #[cfg(test)]
    pub(crate) async fn close(&self) {
        self.readers.close_by_ref().await.unwrap();
        self.writer.close_by_ref().await.unwrap();
    }

    /// Returns the connection for writing.
    #[cfg(test)]
    pub(crate) const fn pool(&self) -> &DatabaseConnection {
        &self.writer
    }

    /// Runs `work`, a `|tx| async move { … }`, in a transaction. Commits if it returns `Ok` and rolls back otherwise.
    ///
    /// On SQLite the transaction takes the write lock when it begins: a transaction that reads first and writes later
    /// could fail at its first write. If the database aborts the transaction because of a conflict (deadlock,
    /// serialisation failure), it is retried a few times, so `work` may run more than once and must not have effects
    /// outside the database.
    ///
    /// `work` receives the transaction in an `Arc` and must not keep it. An async closure over `&Tx` would be simpler,
    /// but the compiler does not accept its future as `Send` (<https://github.com/rust-lang/rust/issues/110338>).
    pub(crate) async fn write<T, E: Refusal, F>(&self, _: &impl Proof, work: impl Fn(Arc<Tx>) -> F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>> + Send,
    {
        transaction(&self.writer, work).await
    }
}

/// Runs `work` in a transaction and retries it after a conflict.
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
        fail_point!("transaction-done");
        tx.commit().await?;
        fail_point!("transaction-committed");
    } else if let Err(error) = tx.rollback().await {
        tracing::debug!(%error, "a transaction that failed could not be rolled back");
    }
    outcome
}

/// Migrates the schema. One node does this while the others wait.
async fn migrate(on: &DatabaseConnection) -> Result<(), DbErr> {
    transaction(on, |tx| async move {
        if tx.get_database_backend() == DbBackend::Postgres {
            tx.execute_unprepared(MIGRATION_LOCK).await?;
        }
        for migration in Migrator::get_pending_migrations(&*tx).await? {
            tracing::info!(migration = migration.name(), "migrating the database");
        }
        Migrator::up(&*tx, None).await
    })
    .await
}

/// Returns options for a pool of at most `connections` connections.
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

/// What a SQLite connection is used for.
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
            // Readers must not write: they would wait for SQLite's lock instead of for the writer's connection.
            if purpose == ConnectionUse::Read { options.pragma("query_only", "on") } else { options }
        });
    options
}

/// Counts the statements of a connection.
fn counted(mut connection: DatabaseConnection, statements: &Arc<AtomicU64>) -> DatabaseConnection {
    let statements = Arc::clone(statements);
    connection.set_metric_callback(move |_| {
        statements.fetch_add(1, Ordering::Relaxed);
    });
    connection
}

/// Returns the reason why PostgreSQL cannot be reached. The pool itself keeps trying and then only reports a timeout.
async fn reason(url: &str) -> Option<DbErr> {
    if !url.starts_with("postgres") {
        return None;
    }
    match tokio::time::timeout(Duration::from_secs(2), PgConnection::connect(url)).await {
        Ok(Err(source)) => Some(DbErr::Conn(RuntimeErr::SqlxError(source.into()))),
        Ok(Ok(_)) | Err(_) => None,
    }
}

/// Whether a connection may be reused. When the disk is full or fails, SQLite ends the transaction by itself, but the
/// driver still considers it open. Later statements on the connection would then not see others' writes and lose their
/// own.
async fn is_outside_of_transactions(connection: &mut SqliteConnection) -> Result<bool, SqlxError> {
    // The ping runs after any pending rollback, so that the state checked below is final.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

/// Whether the database aborted a transaction because of a conflict: PostgreSQL's 40001 (serialisation failure) and
/// 40P01 (deadlock), SQLite's 5 (busy) and 517 (busy snapshot).
fn worth_another_try(error: &DbErr) -> bool {
    matches!(sql::code(error).as_deref(), Some("40001" | "40P01" | "5" | "517"))
}

#[cfg(test)]
mod tests;
