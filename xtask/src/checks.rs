//! The checks, in the order in which they run: cheap ones first. Each says what it needs from the machine, and none
//! installs anything.

use std::env;
use std::process::Command;

use crate::bundle;
use crate::fault::Fault;
use crate::files;
use crate::machine::Machine;
use crate::postgres::{self, Cluster};
use crate::process;
use crate::report::Counts;
use crate::tidy;
use crate::walls;
use crate::wasm;

/// A named check.
#[derive(Debug)]
pub(crate) struct Check {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// Whether a CI machine may skip it as well.
    pub(crate) excused: bool,
    /// What the machine lacks and how to get it; `None` if the check can run.
    pub(crate) lacks: fn(&Machine) -> Option<String>,
    pub(crate) run: fn(&Machine, &mut Counts) -> Result<(), Fault>,
}

const CLIENTS: [&str; 12] = [
    "containerd",
    "crane",
    "ctr",
    "curl",
    "docker",
    "dockerd",
    "jq",
    "openssl",
    "podman",
    "python3",
    "regctl",
    "skopeo",
];

/// All checks.
pub(crate) const ALL: [Check; 17] = [
    check("fmt", "rustfmt", nothing, fmt),
    check("tidy", "file lengths, module openings, leftovers, the map", nothing, |machine, _| tidy::check(machine)),
    check("walls", "who may depend on whom", nothing, |machine, _| walls::check(machine)),
    check("deny", "licences, bans and sources", deny_missing, deny),
    Check { excused: true, ..check("advisories", "known holes in dependencies", advisories_missing, advisories) },
    check("clippy", "clippy on this machine's target", nothing, clippy),
    check("clippy-browser", "clippy on wasm32", wasm_missing, clippy_browser),
    check("doc", "documentation without warnings", nothing, doc),
    check("bundle", "stylesheet and islands", wasm_missing, |machine, _| bundle::build(machine)),
    check("postgres", "the second database of the tests", postgres_missing, postgres),
    check("tests", "unit, property, store and HTTP tests", nothing, tests),
    check("tests-postgres", "HTTP tests on PostgreSQL", postgres_missing, tests_on_postgres),
    check("stores", "object stores: S3, Azure Blob, GCS, Swift, and a stand-in for OSS", stores_missing, stores),
    check("doctests", "examples in the documentation", nothing, doctests),
    check("clients", "docker, containerd, podman, skopeo, crane, regctl", clients_missing, clients),
    check("browser", "a person in Chromium", browser_missing, browser),
    Check {
        excused: true,
        ..check("conformance", "the official OCI suite at 1.1 and dev", conformance_missing, conformance)
    },
];

const fn check(
    name: &'static str,
    about: &'static str,
    lacks: fn(&Machine) -> Option<String>,
    run: fn(&Machine, &mut Counts) -> Result<(), Fault>,
) -> Check {
    Check { name, about, excused: false, lacks, run }
}

fn nothing(_: &Machine) -> Option<String> {
    None
}

/// Returns `cargo <subcommand>`, which must not change the lock file on a CI machine.
fn cargo(machine: &Machine, subcommand: &[&str]) -> Command {
    let mut command = process::cargo(machine);
    command.args(subcommand);
    if machine.ci {
        command.arg("--locked");
    }
    command
}

fn fmt(machine: &Machine, _: &mut Counts) -> Result<(), Fault> {
    process::run(process::cargo(machine).args(["fmt", "--all", "--check"]))
}

fn clippy(machine: &Machine, _: &mut Counts) -> Result<(), Fault> {
    process::run(cargo(machine, &["clippy", "--all-targets"]).args(["--", "-D", "warnings"]))
}

fn wasm_missing(machine: &Machine) -> Option<String> {
    wasm::toolchain(machine).err().map(|missing| missing.how())
}

fn clippy_browser(machine: &Machine, _: &mut Counts) -> Result<(), Fault> {
    let toolchain = match wasm::toolchain(machine) {
        Ok(toolchain) => toolchain,
        Err(missing) => {
            return Err(Fault::Findings { findings: vec![missing.how()] });
        }
    };
    process::run(toolchain.cargo(machine, "clippy").args([
        "--package",
        "browser",
        "--profile",
        wasm::PROFILE,
        "--",
        "-D",
        "warnings",
    ]))
}

fn doc(machine: &Machine, _: &mut Counts) -> Result<(), Fault> {
    process::run(cargo(machine, &["doc", "--no-deps", "--document-private-items"]).env("RUSTDOCFLAGS", "-D warnings"))
}

fn deny_missing(machine: &Machine) -> Option<String> {
    machine
        .find("cargo-deny")
        .is_none()
        .then(|| String::from("needs cargo-deny: `cargo install cargo-deny`, or `.ci/run`"))
}

/// Fetches first, because the lock file also contains packages for other systems, which no build here has fetched.
fn deny(machine: &Machine, _: &mut Counts) -> Result<(), Fault> {
    process::run(&mut cargo(machine, &["fetch"]))?;
    process::run(process::command(machine, "cargo-deny").args([
        "--offline",
        "check",
        "--hide-inclusion-graph",
        "bans",
        "licenses",
        "sources",
    ]))
}

/// Fetches the advisory database, because the check cannot run without a network.
fn advisories_missing(machine: &Machine) -> Option<String> {
    if let Some(how) = deny_missing(machine) {
        return Some(how);
    }
    let fetched = process::command(machine, "cargo-deny").args(["fetch", "db"]).output();
    match fetched {
        Ok(output) if output.status.success() => None,
        _ => Some(String::from("needs a network that reaches the advisory database")),
    }
}

fn advisories(machine: &Machine, _: &mut Counts) -> Result<(), Fault> {
    process::run(process::command(machine, "cargo-deny").args(["check", "advisories"]))
}

fn postgres_missing(machine: &Machine) -> Option<String> {
    let has = env::var_os(postgres::ADDRESS).is_some() || postgres::programs(machine).is_some();
    (!has).then(|| {
        format!("needs PostgreSQL: `apt-get install postgresql`, or a server's address in {}", postgres::ADDRESS)
    })
}

/// Checks that a cluster starts; the tests start their own.
fn postgres(machine: &Machine, _: &mut Counts) -> Result<(), Fault> {
    cluster(machine).map(drop)
}

/// Starts a cluster for the tests; `None` if the environment names a server or PostgreSQL is not installed.
fn cluster(machine: &Machine) -> Result<Option<Cluster>, Fault> {
    match (env::var_os(postgres::ADDRESS), postgres::programs(machine)) {
        (None, Some(programs)) => Cluster::start(machine, &programs).map(Some),
        _ => Ok(None),
    }
}

fn tests(machine: &Machine, counts: &mut Counts) -> Result<(), Fault> {
    let mut command = if machine.find("cargo-nextest").is_some() {
        nextest(machine)
    } else {
        // Slower and less isolated, but included in every toolchain.
        cargo(machine, &["test", "--lib", "--bins", "--tests", "--no-fail-fast"])
    };
    watch_on_cluster(machine, &mut command, counts)
}

/// Runs the server's tests, each with one database. Builds the whole workspace, so that nothing is compiled twice.
fn tests_on_postgres(machine: &Machine, counts: &mut Counts) -> Result<(), Fault> {
    let mut command = if machine.find("cargo-nextest").is_some() {
        let mut command = nextest(machine);
        command.args(["--filterset", "package(server) and kind(test)"]);
        command
    } else {
        cargo(machine, &["test", "--test", "*", "--no-fail-fast"])
    };
    watch_on_cluster(machine, command.env(postgres::KIND, "postgres"), counts)
}

fn nextest(machine: &Machine) -> Command {
    let mut command = cargo(machine, &["nextest", "run", "--no-tests", "pass"]);
    command.args(["--profile", if machine.ci { "ci" } else { "default" }]);
    command
}

fn watch_on_cluster(machine: &Machine, command: &mut Command, counts: &mut Counts) -> Result<(), Fault> {
    let cluster = cluster(machine)?;
    if let Some(cluster) = &cluster {
        command.env(postgres::ADDRESS, cluster.address());
    }
    process::watch(command, |line| counts.read(line))
}

fn stores_missing(machine: &Machine) -> Option<String> {
    const INSTALLED: [&str; 5] = [
        "seaweedfs/bin/weed",
        "azurite/node_modules/azurite",
        "fake-gcs/bin/python",
        "swift/bin/python",
        "bin/gofakes3",
    ];
    let lacks = |path: &&str| !machine.path(&format!("target/tools/{path}")).exists();
    let lacking: Vec<&str> = INSTALLED.iter().copied().filter(lacks).collect();
    (!lacking.is_empty()).then(|| format!("needs {} in target/tools: `.ci/run`", lacking.join(", ")))
}

/// Runs the tests of object stores beside real servers.
fn stores(machine: &Machine, counts: &mut Counts) -> Result<(), Fault> {
    let mut command = process::command(machine, "python3");
    command.arg(machine.path("end2end/stores/run.py"));
    let tests = nextest(machine);
    command.arg(tests.get_program()).args(tests.get_args());
    command.args(["--package", "registry", "--filterset", "test(storage::cloud)"]);
    process::watch(&mut command, |line| counts.read(line))
}

fn doctests(machine: &Machine, counts: &mut Counts) -> Result<(), Fault> {
    let mut command = cargo(machine, &["test", "--doc"]);
    process::watch(&mut command, |line| counts.read(line))
}

/// Builds all targets, as the tests do, so that nothing is compiled twice.
fn server(machine: &Machine) -> Result<(), Fault> {
    process::run(&mut cargo(machine, &["build", "--all-targets"]))
}

fn clients_missing(machine: &Machine) -> Option<String> {
    let lacking = machine.lacking(&CLIENTS);
    if !lacking.is_empty() {
        return Some(format!("needs {}: apt-get or `go install`, or `.ci/run` for all", lacking.join(", ")));
    }
    (process::user_id(machine) != Some(0))
        .then(|| String::from("needs root: docker's and containerd's daemons are started"))
}

fn clients(machine: &Machine, counts: &mut Counts) -> Result<(), Fault> {
    server(machine)?;
    let mut command = process::command(machine, "bash");
    command.arg(machine.path("end2end/clients/run")).env("PORTOLAN", machine.path("target/debug/portolan"));
    process::watch(&mut command, |line| counts.read(line))
}

fn browser_missing(machine: &Machine) -> Option<String> {
    let lacking = machine.lacking(&["chromium", "node", "npm"]);
    (!lacking.is_empty()).then(|| {
        format!("needs {}: `apt-get install {}`", lacking.join(", "), lacking.join(" ").replace("node", "nodejs"))
    })
}

fn browser(machine: &Machine, counts: &mut Counts) -> Result<(), Fault> {
    server(machine)?;
    let folder = machine.path("end2end");
    if !files::is_fresh(&folder.join("node_modules/.package-lock.json"), &folder.join("package-lock.json")) {
        process::run(process::command(machine, "npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&folder))?;
    }
    let mut command = process::command(machine, "npm");
    command.args(["test", "--silent"]).current_dir(&folder).env("PORTOLAN", machine.path("target/debug/portolan"));
    process::watch(&mut command, |line| counts.read(line))
}

const CONFORMANCE: &str = "PORTOLAN_CONFORMANCE";

fn conformance_missing(_: &Machine) -> Option<String> {
    env::var_os(CONFORMANCE).is_none().then(|| {
        format!("needs a build of github.com/opencontainers/distribution-spec/conformance, named in {CONFORMANCE}")
    })
}

fn conformance(machine: &Machine, counts: &mut Counts) -> Result<(), Fault> {
    server(machine)?;
    let mut command = process::command(machine, "bash");
    command.arg(machine.path("end2end/clients/conformance")).env("PORTOLAN", machine.path("target/debug/portolan"));
    process::watch(&mut command, |line| counts.read(line))
}
