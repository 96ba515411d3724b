//! Runs the release build: builds the bundle and the server, then replaces this process with the server.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::bundle;
use crate::fault::Fault;
use crate::machine::Machine;
use crate::process;

/// Builds what changed and replaces this process with `portolan <subcommand> <arguments>`; returns only errors.
pub(crate) fn start(machine: &Machine, subcommand: &str, arguments: &[String]) -> Result<ExitCode, Fault> {
    let program = build(machine)?;
    let source = process::command(machine, &program).arg(subcommand).args(arguments).exec();
    Err(Fault::Start { program: program.display().to_string(), source })
}

/// Builds what changed and returns the program's path.
pub(crate) fn build(machine: &Machine) -> Result<PathBuf, Fault> {
    bundle::build(machine)?;
    process::run(process::cargo(machine).args(["build", "--release", "--package", "server", "--bin", "portolan"]))?;
    Ok(machine.path("target/release/portolan"))
}
