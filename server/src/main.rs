//! The `portolan` binary: runs the command line and exits with its code.

use std::process::ExitCode;

fn main() -> ExitCode {
    server::cli::run()
}
