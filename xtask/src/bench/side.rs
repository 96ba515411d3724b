//! The servers that are compared: how each is started on an empty folder, and who asks it as
//! whom.

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

/// One more server to compare with: a command for `sh` that becomes a registry without tokens, which listens on
/// `127.0.0.1:$PORTOLAN_BENCH_PORT` and keeps everything in `$PORTOLAN_BENCH_FOLDER`.
pub(crate) const PEER: &str = "PORTOLAN_BENCH_PEER";
const PEER_PORT: &str = "PORTOLAN_BENCH_PORT";
const PEER_FOLDER: &str = "PORTOLAN_BENCH_FOLDER";

/// Whose content it is in the hub.
pub(crate) const NAMESPACE: &str = "bench";
/// That account's password.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

const HOW: &str = "no peer to compare with: `go install github.com/distribution/distribution/v3/cmd/registry@v3.1.2` \
    makes one (the folder that it goes to must be on the PATH), Debian's package docker-registry has an older one";

/// How long a server may take to its first answer.
const START: Duration = Duration::from_secs(20);

/// A kind of server.
#[derive(Debug)]
pub(crate) struct Side {
    /// What it is called in tables.
    pub(crate) name: String,
    program: Program,
}

#[derive(Debug)]
enum Program {
    Portolan(PathBuf),
    Distribution(PathBuf),
    Other(String),
}

/// A running server; dropping it ends it and deletes its folder.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    folder: PathBuf,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// From its start to its first answer.
    pub(crate) started: Duration,
    /// A personal access token, where tokens are on.
    pub(crate) secret: Option<String>,
}

impl Side {
    /// Ours first, then those that are installed or named, then other builds of ours.
    pub(crate) fn all(machine: &Machine, portolan: PathBuf, others: Vec<PathBuf>) -> Vec<Side> {
        let mut sides = vec![Side { name: String::from("Portolan"), program: Program::Portolan(portolan) }];
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

    /// Whether it is a build of ours.
    pub(crate) fn is_portolan(&self) -> bool {
        matches!(self.program, Program::Portolan(_))
    }

    /// Whether it is the peer that targets are stated against.
    pub(crate) fn is_distribution(&self) -> bool {
        matches!(self.program, Program::Distribution(_))
    }

    /// Starts it on an empty folder and waits for its first answer.
    pub(crate) fn start(&self, machine: &Machine, folder: PathBuf) -> Result<Running, Fault> {
        self.start_on(machine, folder, |_| Ok(()))
    }

    /// The same; `prepare` may change the folder of a hub that has its account.
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
                // As the project's own image has it: nobody collects traces here.
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
    /// Its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// The header, with its end, that opens a repository to pull and push; empty where tokens are off.
    pub(crate) fn authorisation(&self, repository: &str) -> Result<String, Fault> {
        self.authorisation_for(&format!("repository:{repository}:pull,push"))
    }

    /// The same for any scope, such as `registry:catalog:*`.
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

    /// Whether it answers as a registry does.
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
            eprintln!("warning: {} was left behind", self.folder.display());
        }
    }
}

/// Makes the account that the bench works under; gives a token of its own.
fn enroll(machine: &Machine, program: &Path, folder: &Path) -> Result<String, Fault> {
    let mut add = portolan(machine, program);
    add.args(["user", "add", NAMESPACE, "--email", "bench@example.com", "--password-stdin", "--data"]).arg(folder);
    let started = |source| Fault::Start { program: String::from("portolan user"), source };
    let mut child = add.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().map_err(started)?;
    if let Some(mut input) = child.stdin.take() {
        // A command that read nothing says why by its exit status.
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

/// The program without whatever settings this environment holds for another.
fn portolan(machine: &Machine, program: &Path) -> Command {
    let mut command = process::command(machine, program);
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("PORTOLAN_") {
            command.env_remove(name);
        }
    }
    command
}

/// Its own example's settings, with a log that stays silent: a line for each request would be held against it.
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

/// The last word of `registry … v3.1.2+unknown`, as far as it is a version.
fn version(machine: &Machine, program: &Path) -> String {
    let said = process::output(process::command(machine, program).arg("--version")).unwrap_or_default();
    let word = said.split_whitespace().last().unwrap_or_default();
    word.trim_start_matches('v').split('+').next().unwrap_or_default().to_owned()
}

fn fault(reason: String) -> Fault {
    Fault::Bench { reason }
}
