//! The servers that are compared: how each is started with an empty folder, and how to authenticate.

use std::env;
use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::bench::client::{Connection, Request};
use crate::fault::Fault;
use crate::machine::Machine;
use crate::{postgres, process};

/// The variable that names another server to compare with: a command for `sh` that runs a registry without tokens,
/// listens on `127.0.0.1:$PORTOLAN_BENCH_PORT` and stores everything in `$PORTOLAN_BENCH_FOLDER`.
pub(crate) const PEER: &str = "PORTOLAN_BENCH_PEER";
const PEER_PORT: &str = "PORTOLAN_BENCH_PORT";
const PEER_FOLDER: &str = "PORTOLAN_BENCH_FOLDER";

/// The account that owns the content in the hub.
pub(crate) const NAMESPACE: &str = "bench";
/// The password of [`NAMESPACE`].
pub(crate) const PASSWORD: &str = "correct horse battery staple";

const HOW: &str = "no peer to compare with: `go install github.com/distribution/distribution/v3/cmd/registry@v3.1.2` \
    makes one (the folder that it goes to must be on the PATH), Debian's package docker-registry has an older one";

/// The maximum time from the start to the first response.
const START: Duration = Duration::from_secs(20);

/// A server to measure.
#[derive(Debug)]
pub(crate) struct Side {
    /// The name in tables.
    pub(crate) name: String,
    program: Program,
}

#[derive(Debug)]
enum Program {
    Portolan(PathBuf),
    Distribution(PathBuf),
    Other(String),
}

/// A running server. Dropping it ends the process and deletes its folder.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    folder: PathBuf,
    /// The address that it listens on.
    pub(crate) address: SocketAddr,
    /// The time from the start to the first response.
    pub(crate) started: Duration,
    /// A personal access token, if the server uses tokens.
    pub(crate) secret: Option<String>,
}

impl Side {
    /// Returns all servers: ours first, then those that are installed or named, then other builds of ours.
    pub(crate) fn all(machine: &Machine, portolan: PathBuf, others: Vec<PathBuf>) -> Vec<Side> {
        let mut sides = vec![Side::portolan(portolan)];
        match machine.find("registry").or_else(|| machine.find("docker-registry")) {
            Some(program) => {
                let name = format!("distribution {}", version(machine, &program));
                sides.push(Side { name, program: Program::Distribution(program) });
            }
            None => println!("{HOW}"),
        }
        if let Ok(command) = env::var(PEER) {
            let name = command.split_whitespace().next().unwrap_or("peer");
            let name = name.rsplit('/').next().unwrap_or(name).to_owned();
            sides.push(Side { name, program: Program::Other(command) });
        }
        for program in others {
            let name = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
            sides.push(Side { name, program: Program::Portolan(program) });
        }
        sides
    }

    /// Returns a build of ours.
    pub(crate) fn portolan(program: PathBuf) -> Side {
        Side { name: String::from("Portolan"), program: Program::Portolan(program) }
    }

    /// Whether it is a build of ours.
    pub(crate) fn is_portolan(&self) -> bool {
        matches!(self.program, Program::Portolan(_))
    }

    /// Whether it is the server that the targets refer to.
    pub(crate) fn is_distribution(&self) -> bool {
        matches!(self.program, Program::Distribution(_))
    }

    /// Starts the server with an empty folder and waits for its first response.
    pub(crate) fn start(&self, machine: &Machine, folder: PathBuf) -> Result<Running, Fault> {
        self.start_on(machine, folder, |_| Ok(()))
    }

    /// Like [`Side::start`], but `prepare` may change the folder of a hub, which already has its account.
    pub(crate) fn start_on(
        &self,
        machine: &Machine,
        folder: PathBuf,
        prepare: impl FnOnce(&Path) -> Result<(), Fault>,
    ) -> Result<Running, Fault> {
        fs::create_dir_all(&folder).map_err(Fault::file("make", &folder))?;
        let port = postgres::free_port().map_err(|error| fault(format!("no free port: {error}")))?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut secret = None;
        let mut command = match &self.program {
            Program::Portolan(program) => {
                secret = Some(enroll(machine, program, &folder)?);
                prepare(&folder)?;
                let mut command = portolan(machine, program);
                command.args(["serve", "--log", "warn", "--listen", &address.to_string(), "--data"]).arg(&folder);
                command
            }
            Program::Distribution(program) => {
                let settings = folder.join("config.yml");
                fs::write(&settings, distribution(&folder, address)).map_err(Fault::file("write", &settings))?;
                let mut command = process::command(machine, program);
                // The same setting as in the project's own image, because nobody collects traces here.
                command.arg("serve").arg(&settings).env("OTEL_TRACES_EXPORTER", "none");
                command
            }
            Program::Other(line) => {
                let mut command = process::command(machine, "sh");
                command.args(["-c", &format!("exec {line}")]);
                command.env(PEER_PORT, port.to_string()).env(PEER_FOLDER, &folder);
                command
            }
        };
        let log_path = folder.join("log");
        let log = fs::File::create(&log_path).map_err(Fault::file("write", &log_path))?;
        let start = Instant::now();
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|source| Fault::Start { program: self.name.clone(), source })?;
        let mut running = Running { child, folder, address, started: Duration::ZERO, secret };
        while !running.answers() {
            if start.elapsed() > START || running.child.try_wait().is_ok_and(|status| status.is_some()) {
                let log = fs::read_to_string(&log_path).unwrap_or_default();
                return Err(fault(format!("{} did not start: {}", self.name, log.trim())));
            }
            thread::sleep(Duration::from_millis(2));
        }
        running.started = start.elapsed();
        Ok(running)
    }
}

impl Running {
    /// The id of the process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Returns an `Authorization` header for pulling from and pushing to a repository, including the line end; empty
    /// without tokens.
    pub(crate) fn authorisation(&self, repository: &str) -> Result<String, Fault> {
        self.authorisation_for(&format!("repository:{repository}:pull,push"))
    }

    /// Like [`Running::authorisation`], for any scope such as `registry:catalog:*`.
    pub(crate) fn authorisation_for(&self, scope: &str) -> Result<String, Fault> {
        let Some(secret) = &self.secret else { return Ok(String::new()) };
        let path = format!("/token?scope={scope}");
        let request = Request::new("GET", &path, &format!("Authorization: Bearer {secret}\r\n"));
        let answer = Connection::open(self.address)
            .and_then(|mut connection| connection.read(&request, b""))
            .map_err(|error| fault(format!("no token: {error}")))?;
        let body = String::from_utf8_lossy(&answer.body);
        let token = body.split_once("\"token\":\"").and_then(|(_, rest)| rest.split('"').next());
        match token {
            Some(token) if answer.status == 200 => Ok(format!("Authorization: Bearer {token}\r\n")),
            _ => Err(fault(format!("no token: {} {body}", answer.status))),
        }
    }

    /// Whether it responds like a registry.
    fn answers(&self) -> bool {
        let Ok(mut connection) = Connection::open(self.address) else { return false };
        connection.ask(&Request::new("GET", "/v2/", "")).is_ok_and(|answer| matches!(answer.status, 200 | 401))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let ended = self.child.kill().and_then(|()| self.child.wait());
        let deleted = fs::remove_dir_all(&self.folder);
        if ended.is_err() || deleted.is_err() {
            eprintln!("warning: cannot delete {}", self.folder.display());
        }
    }
}

/// Creates the bench's account and returns a personal access token for it.
fn enroll(machine: &Machine, program: &Path, folder: &Path) -> Result<String, Fault> {
    let mut add = portolan(machine, program);
    add.args(["user", "add", NAMESPACE, "--email", "bench@example.com", "--password-stdin", "--data"]).arg(folder);
    let started = |source| Fault::Start { program: String::from("portolan user"), source };
    let mut child = add.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().map_err(started)?;
    if let Some(mut input) = child.stdin.take() {
        // If the command did not read this, its exit status says so.
        let _ = writeln!(input, "{PASSWORD}");
    }
    let status = child.wait().map_err(started)?;
    if !status.success() {
        return Err(Fault::Ended { program: String::from("portolan user"), status });
    }
    let mut token = portolan(machine, program);
    token.args(["token", "create", NAMESPACE, "--label", "bench", "--data"]).arg(folder);
    process::output(&mut token).map(|secret| secret.trim().to_owned())
}

/// Returns a command for the program, without the settings in this process's environment.
fn portolan(machine: &Machine, program: &Path) -> Command {
    let mut command = process::command(machine, program);
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("PORTOLAN_") {
            command.env_remove(name);
        }
    }
    command
}

/// Returns the settings of the project's own example, without a log of requests, which would slow it down.
fn distribution(folder: &Path, address: SocketAddr) -> String {
    format!(
        "version: 0.1\n\
         log:\n  level: error\n  accesslog:\n    disabled: true\n\
         storage:\n  delete:\n    enabled: true\n  cache:\n    blobdescriptor: inmemory\n  \
         filesystem:\n    rootdirectory: {}\n  tag:\n    concurrencylimit: 8\n\
         http:\n  addr: {address}\n  secret: bench\n",
        folder.join("registry").display()
    )
}

/// Parses the version in `registry … v3.1.2+unknown`, the last word.
fn version(machine: &Machine, program: &Path) -> String {
    let said = process::output(process::command(machine, program).arg("--version")).unwrap_or_default();
    let word = said.split_whitespace().last().unwrap_or_default();
    word.trim_start_matches('v').split('+').next().unwrap_or_default().to_owned()
}

fn fault(reason: String) -> Fault {
    Fault::Bench { reason }
}
