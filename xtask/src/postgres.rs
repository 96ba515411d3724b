//! A temporary PostgreSQL cluster on loopback for tests.

use std::env;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, io};

use crate::fault::Fault;
use crate::machine::Machine;
use crate::process;

/// The variable with the cluster's URL for tests; if it is set, no cluster is started.
pub(crate) const ADDRESS: &str = "PORTOLAN_TEST_POSTGRES";

/// The variable that is `postgres` if tests with one database each should create it in the cluster.
pub(crate) const KIND: &str = "PORTOLAN_TEST_DATABASE";

/// A running cluster; dropping it stops the server and deletes its folder.
#[derive(Debug)]
pub(crate) struct Cluster {
    folder: PathBuf,
    programs: PathBuf,
    owner: Option<&'static str>,
    address: String,
}

/// Returns the folder of `initdb`: from the PATH, or Debian's folder for the newest version.
pub(crate) fn programs(machine: &Machine) -> Option<PathBuf> {
    if let Some(initdb) = machine.find("initdb") {
        return initdb.parent().map(Path::to_path_buf);
    }
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    versions
        .filter_map(Result::ok)
        .map(|version| version.path().join("bin"))
        .filter(|programs| programs.join("initdb").is_file())
        .max()
}

impl Cluster {
    /// Creates and starts a cluster that accepts connections on loopback without a password.
    pub(crate) fn start(machine: &Machine, programs: &Path) -> Result<Cluster, Fault> {
        // PostgreSQL does not run as root. Debian's package creates this user.
        let owner = (process::user_id(machine) == Some(0)).then_some("postgres");
        let port = free_port().map_err(|error| Fault::Postgres { reason: format!("no free port: {error}") })?;
        let folder = env::temp_dir().join(format!("portolan-postgres-{port}"));
        fs::create_dir_all(&folder).map_err(Fault::file("make", &folder))?;
        let cluster = Cluster {
            address: format!("postgres://portolan@127.0.0.1:{port}/postgres"),
            folder,
            programs: programs.to_path_buf(),
            owner,
        };
        if let Some(owner) = owner {
            process::run(Command::new("chown").arg(owner).arg(&cluster.folder))?;
        }
        let data = cluster.folder.join("data");
        process::run(
            cluster
                .command("initdb")
                .args(["-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C", "-U", "portolan"])
                .arg("-D")
                .arg(&data)
                .stdout(Stdio::null()),
        )?;
        let options = format!(
            "-c listen_addresses=127.0.0.1 -p {port} -k {} -c fsync=off \
             -c synchronous_commit=off -c full_page_writes=off -c max_connections=300",
            cluster.folder.display()
        );
        process::run(
            cluster
                .command("pg_ctl")
                .args(["-w", "-o", &options, "-l"])
                .arg(cluster.folder.join("log"))
                .arg("-D")
                .arg(&data)
                .arg("start")
                .stdout(Stdio::null()),
        )?;
        Ok(cluster)
    }

    /// The URL of its `postgres` database.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = if let Some(owner) = self.owner {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", owner, "--regid", owner, "--init-groups", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(&self.folder);
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let stopped = process::run(
            self.command("pg_ctl")
                .args(["-m", "immediate", "-D"])
                .arg(self.folder.join("data"))
                .arg("stop")
                .stdout(Stdio::null()),
        );
        let deleted = fs::remove_dir_all(&self.folder);
        if stopped.is_err() || deleted.is_err() {
            eprintln!("warning: cannot delete {}", self.folder.display());
        }
    }
}

/// Returns a free port.
pub(crate) fn free_port() -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}
