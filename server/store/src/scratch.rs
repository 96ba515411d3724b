//! Databases for tests: each created for one test, on SQLite or PostgreSQL, and deleted afterwards.

use std::path::Path;

use sea_orm::{ConnectionTrait, Database, DbErr};
use uuid::Uuid;

use crate::Result;

/// The variable with the URL of a PostgreSQL server on which databases can be created.
pub const SERVER: &str = "PORTOLAN_TEST_POSTGRES";

/// The variable that is set to `postgres` to run tests on that server that only use one database.
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
    /// On the database selected by the environment.
    pub async fn new(folder: &Path) -> Result<Self> {
        if std::env::var(KIND).is_ok_and(|kind| kind == "postgres") {
            let address = std::env::var(SERVER).map_err(|_| DbErr::Custom(format!("{SERVER} is not set")))?;
            Self::postgres(&address).await
        } else {
            Ok(Self::sqlite(folder))
        }
    }

    /// On SQLite, in the file of this folder that a hub with this data folder uses.
    pub fn sqlite(folder: &Path) -> Self {
        Self { url: format!("sqlite://{}", folder.join("portolan.db").display()), place: Place::File }
    }

    /// On this PostgreSQL server.
    pub async fn postgres(address: &str) -> Result<Self> {
        let database = name();
        statements(address, &[format!("CREATE DATABASE {database}")]).await?;
        Ok(Self::on_server(address, database))
    }

    /// Copies the database. A SQLite file is copied into the folder by the caller; on PostgreSQL, connections to this
    /// database are closed.
    pub async fn copy(&self, folder: &Path) -> Result<Self> {
        let Place::Server { address, database } = &self.place else { return Ok(Self::sqlite(folder)) };
        let copy = name();
        let steps = [
            format!("ALTER DATABASE {database} ALLOW_CONNECTIONS false"),
            format!("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{database}'"),
            format!("CREATE DATABASE {copy} TEMPLATE {database}"),
            format!("ALTER DATABASE {database} ALLOW_CONNECTIONS true"),
        ];
        // One at a time: concurrent changes of the same row of the system catalog would fail.
        let lock = format!("SELECT pg_advisory_lock(hashtext('{database}'))");
        let steps: Vec<String> = std::iter::once(lock).chain(steps).collect();
        statements(address, &steps).await?;
        Ok(Self::on_server(address, copy))
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.url
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
        // On a thread, because the test's runtime cannot be blocked here.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map(|runtime| runtime.block_on(statements(&address, &[drop])))
        });
        if !matches!(dropped.join(), Ok(Ok(Ok(())))) {
            eprintln!("{database} was left behind");
        }
    }
}

fn name() -> String {
    format!("portolan_{}", Uuid::now_v7().simple())
}

/// Executes statements on a connection to the server.
async fn statements(address: &str, statements: &[String]) -> Result<()> {
    let mut options = sea_orm::ConnectOptions::new(address);
    options.max_connections(1).sqlx_logging(false);
    let server = Database::connect(options).await?;
    for statement in statements {
        server.execute_unprepared(statement).await?;
    }
    Ok(server.close().await?)
}
