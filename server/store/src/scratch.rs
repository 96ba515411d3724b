//! Databases for tests: each made for one test on SQLite or on PostgreSQL, and gone with it.

use std::path::Path;

use sea_orm::{ConnectionTrait, Database, DbErr};
use uuid::Uuid;

use crate::Result;

/// The variable that holds the address of a PostgreSQL server on which databases can be made.
pub const SERVER: &str = "PORTOLAN_TEST_POSTGRES";

/// The variable that says `postgres` where tests that run on one database are to run on that server.
pub const KIND: &str = "PORTOLAN_TEST_DATABASE";

/// A database of a test's own; dropping it drops the database.
#[derive(Debug)]
pub struct Scratch {
    url: String,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// A file, which goes with its folder.
    File,
    Server {
        address: String,
        database: String,
    },
}

impl Scratch {
    /// On the database that the environment asks for.
    pub async fn new(folder: &Path) -> Result<Self> {
        if std::env::var(KIND).is_ok_and(|kind| kind == "postgres") {
            let address = std::env::var(SERVER).map_err(|_| DbErr::Custom(format!("{SERVER} is not set")))?;
            Self::postgres(&address).await
        } else {
            Ok(Self::sqlite(folder))
        }
    }

    /// On SQLite, in a file of the folder, where a hub whose data is there looks for it.
    pub fn sqlite(folder: &Path) -> Self {
        Self { url: format!("sqlite://{}", folder.join("portolan.db").display()), place: Place::File }
    }

    /// On this PostgreSQL server.
    pub async fn postgres(address: &str) -> Result<Self> {
        let database = name();
        statements(address, &[format!("CREATE DATABASE {database}")]).await?;
        Ok(Self::on_server(address, database))
    }

    /// The same rows in a database of another's own. A file is the caller's to copy into the folder; on a server, whoever is
    /// connected to this one loses the connection.
    pub async fn copy(&self, folder: &Path) -> Result<Self> {
        let Place::Server { address, database } = &self.place else { return Ok(Self::sqlite(folder)) };
        let copy = name();
        let steps = [
            format!("ALTER DATABASE {database} ALLOW_CONNECTIONS false"),
            format!("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{database}'"),
            format!("CREATE DATABASE {copy} TEMPLATE {database}"),
            format!("ALTER DATABASE {database} ALLOW_CONNECTIONS true"),
        ];
        // One at a time: two that change the same row of the server's catalog would fail.
        let lock = format!("SELECT pg_advisory_lock(hashtext('{database}'))");
        let steps: Vec<String> = std::iter::once(lock).chain(steps).collect();
        statements(address, &steps).await?;
        Ok(Self::on_server(address, copy))
    }

    /// Its address.
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
        // A thread, since the test's runtime cannot wait here.
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

/// Runs statements on one connection to the server.
async fn statements(address: &str, statements: &[String]) -> Result<()> {
    let mut options = sea_orm::ConnectOptions::new(address);
    options.max_connections(1).sqlx_logging(false);
    let server = Database::connect(options).await?;
    for statement in statements {
        server.execute_unprepared(statement).await?;
    }
    Ok(server.close().await?)
}
