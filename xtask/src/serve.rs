//! Running the real thing: bundle, release build, then the server in this process's place.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::bundle;
use crate::fault::Fault;
use crate::machine::Machine;
use crate::process;

/// Builds what changed and becomes `portolan <subcommand> <arguments>`; returns only on a fault.
pub(crate) fn start(machine: &Machine, subcommand: &str, arguments: &[String]) -> Result<ExitCode, Fault> {
    let program = build(machine)?;
    let source = process::command(machine, &program).arg(subcommand).args(arguments).exec();
    Err(Fault::Start { program: program.display().to_string(), source })
}

/// Builds what changed; gives the program.
pub(crate) fn build(machine: &Machine) -> Result<PathBuf, Fault> {
    bundle::build(machine)?;
    process::run(process::cargo(machine).args(["build", "--release", "--package", "server", "--bin", "portolan"]))?;
    Ok(machine.path("target/release/portolan"))
}
