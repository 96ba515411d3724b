//! `cargo xtask`: builds, runs, checks and measures Portolan.

mod bench;
mod bundle;
mod checks;
mod fault;
mod files;
mod fill;
mod machine;
mod map;
mod postgres;
mod process;
mod report;
mod serve;
mod test;
mod tidy;
mod walls;
mod wasm;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::machine::Machine;

/// Builds, runs and checks Portolan.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Builds the bundle and the server in release, then runs `portolan serve`.
    Run {
        /// Passed on to `portolan serve`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// The same with `portolan demo`: the portal on sample content.
    Demo {
        /// Passed on to `portolan demo`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Runs every check that this machine can run.
    Test {
        /// Only these steps, by name.
        steps: Vec<String>,
        /// Lists the steps and stops.
        #[arg(long)]
        list: bool,
    },
    /// Builds in release and measures it beside its peers; best on a machine that does nothing else.
    Bench {
        /// Only these workloads, by name.
        workloads: Vec<String>,
        /// One short round: whether it works, not how fast.
        #[arg(long)]
        quick: bool,
        /// Measures this portolan and builds none; given twice, the second is compared with the first.
        #[arg(long)]
        program: Vec<PathBuf>,
        /// Numbers of repositories at which pages and lists are measured [default: 100000 1000000].
        #[arg(long, value_name = "N")]
        repositories: Vec<u64>,
    },
    /// Fills a data folder with repositories from a list, to try search and lists at size; stop its server first.
    Fill {
        /// The data folder; created if it does not exist.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// Tab-separated lines: name, version, downloads, summary.
        #[arg(long, value_name = "LIST")]
        from: PathBuf,
        /// Only the most popular ones.
        #[arg(long, value_name = "N")]
        rows: Option<u64>,
        /// Creates the database with this portolan and builds none.
        #[arg(long)]
        program: Option<PathBuf>,
    },
    /// Builds the stylesheet, the public files and the islands into `target/site`.
    Bundle,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let machine = Machine::here();
    let outcome = match arguments.task {
        Task::Run { arguments } => serve::start(&machine, "serve", &arguments),
        Task::Demo { arguments } => serve::start(&machine, "demo", &arguments),
        Task::Test { list: true, .. } => {
            test::list();
            Ok(ExitCode::SUCCESS)
        }
        Task::Test { steps, list: false } => test::run(&machine, &steps),
        Task::Bench { workloads, quick, program, repositories } => {
            bench::run(&machine, program, quick, &workloads, &repositories)
        }
        Task::Fill { data, from, rows, program } => fill::run(&machine, program, &data, &from, rows),
        Task::Bundle => bundle::build(&machine).map(|()| ExitCode::SUCCESS),
    };
    outcome.unwrap_or_else(|fault| {
        eprintln!("error: {}", fault::chain(&fault));
        ExitCode::FAILURE
    })
}
