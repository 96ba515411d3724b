//! Databases for tests, on SQLite or PostgreSQL. Each is created for one test and deleted afterwards.

use std::path::Path;

use model::role::Role;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, QueryResult, Statement};
use uuid::Uuid;

use crate::Result;

/// The environment variable with the URL of a PostgreSQL server on which tests can create databases.
pub const SERVER: &str = "PORTOLAN_TEST_POSTGRES";

/// The environment variable that, if set to `postgres`, makes tests that use only one database run on that server
/// instead of on SQLite.
pub const KIND: &str = "PORTOLAN_TEST_DATABASE";

/// A database for one test, deleted on drop.
#[derive(Debug)]
pub struct Scratch {
    url: String,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// A file, deleted with its folder.
    File,
    Server {
        address: String,
        database: String,
    },
}

impl Scratch {
    /// Creates a database on PostgreSQL or SQLite, as the environment selects.
    pub async fn new(folder: &Path) -> Result<Self> {
        if std::env::var(KIND).is_ok_and(|kind| kind == "postgres") {
            let address = std::env::var(SERVER).map_err(|_| DbErr::Custom(format!("{SERVER} is not set")))?;
            Self::postgres(&address).await
        } else {
            Ok(Self::sqlite(folder))
        }
    }

    /// Creates a database on SQLite, in the file that a hub with the data folder `folder` uses.
    pub fn sqlite(folder: &Path) -> Self {
        Self { url: format!("sqlite://{}", folder.join("portolan.db").display()), place: Place::File }
    }

    /// Creates a database on this PostgreSQL server.
    pub async fn postgres(address: &str) -> Result<Self> {
        let database = name();
        statements(address, &[format!("CREATE DATABASE {database}")]).await?;
        Ok(Self::on_server(address, database))
    }

    /// Copies the database. On SQLite, the caller must copy the file into `folder`. On PostgreSQL, this closes all
    /// connections to the original database.
    pub async fn copy(&self, folder: &Path) -> Result<Self> {
        let Place::Server { address, database } = &self.place else { return Ok(Self::sqlite(folder)) };
        let copy = name();
        let server = connect(address).await?;
        // Copy one at a time, because concurrent changes to the same row of the system catalog would fail.
        server.execute_unprepared(&format!("SELECT pg_advisory_lock(hashtext('{database}'))")).await?;
        server.execute_unprepared(&format!("ALTER DATABASE {database} ALLOW_CONNECTIONS false")).await?;
        let close =
            format!("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{database}'");
        let create = format!("CREATE DATABASE {copy} TEMPLATE {database}");
        let mut attempts = 5;
        loop {
            server.execute_unprepared(&close).await?;
            match server.execute_unprepared(&create).await {
                Ok(_) => break,
                // A connection that was being opened when connections were forbidden is only seen afterwards.
                Err(_) if attempts > 1 => attempts -= 1,
                Err(error) => return Err(error.into()),
            }
        }
        server.execute_unprepared(&format!("ALTER DATABASE {database} ALLOW_CONNECTIONS true")).await?;
        server.close().await?;
        Ok(Self::on_server(address, copy))
    }

    /// Returns the database's URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns all texts and bytes in all tables, with the name of the table, to check that none is a secret.
    pub async fn all_texts(&self) -> Result<Vec<(String, String)>> {
        let database = connect(&self.url).await?;
        let tables = match database.get_database_backend() {
            DbBackend::Postgres => "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'",
            _ => "SELECT name FROM sqlite_master WHERE type = 'table'",
        };
        let mut texts = Vec::new();
        for table in select(&database, tables).await? {
            let table: String = table.try_get("", "name")?;
            for row in select(&database, &format!("SELECT * FROM \"{table}\"")).await? {
                for column in row.column_names() {
                    if let Ok(text) = row.try_get::<String>("", &column) {
                        texts.push((table.clone(), text));
                    } else if let Ok(bytes) = row.try_get::<Vec<u8>>("", &column) {
                        texts.push((table.clone(), String::from_utf8_lossy(&bytes).into_owned()));
                    }
                }
            }
        }
        database.close().await?;
        Ok(texts)
    }

    /// Adds a member to the namespace of another account. Caches for up to a second do not know it.
    pub async fn add_member(&self, namespace: &str, account: &str, role: Role) -> Result<()> {
        let id = |name: &str| format!("(SELECT id FROM account WHERE name = '{name}')");
        let (namespace, account, role) = (id(namespace), id(account), role.as_str());
        let insert = format!(
            "INSERT INTO membership (namespace_id, account_id, role, since) VALUES ({namespace}, {account}, '{role}', 0)"
        );
        statements(&self.url, &[insert]).await
    }

    fn on_server(address: &str, database: String) -> Self {
        let base = address.rsplit_once('/').map_or(address, |(base, _)| base);
        Self { url: format!("{base}/{database}"), place: Place::Server { address: address.to_owned(), database } }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let Place::Server { address, database } = &self.place else { return };
        let (address, drop) = (address.clone(), format!("DROP DATABASE {database} WITH (FORCE)"));
        // Use a separate thread, because a runtime cannot be started within the test's runtime.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map(|runtime| runtime.block_on(statements(&address, &[drop])))
        });
        if !matches!(dropped.join(), Ok(Ok(Ok(())))) {
            eprintln!("cannot drop {database}");
        }
    }
}

fn name() -> String {
    format!("portolan_{}", Uuid::now_v7().simple())
}

async fn select(on: &DatabaseConnection, query: &str) -> Result<Vec<QueryResult>> {
    Ok(on.query_all_raw(Statement::from_string(on.get_database_backend(), query)).await?)
}

/// Opens one connection.
async fn connect(url: &str) -> Result<DatabaseConnection> {
    let mut options = sea_orm::ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    Ok(Database::connect(options).await?)
}

/// Executes statements on a connection to the server.
async fn statements(address: &str, statements: &[String]) -> Result<()> {
    let server = connect(address).await?;
    for statement in statements {
        server.execute_unprepared(statement).await?;
    }
    Ok(server.close().await?)
}
