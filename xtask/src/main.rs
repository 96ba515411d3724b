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
mod relevance;
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
        /// Arguments for `portolan serve`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Builds the bundle and the server in release, then runs `portolan demo`: a hub with sample content.
    Demo {
        /// Arguments for `portolan demo`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Runs all checks that this machine can run.
    Test {
        /// Runs only these checks.
        steps: Vec<String>,
        /// Lists the checks and exits.
        #[arg(long)]
        list: bool,
    },
    /// Builds in release and compares the performance with other servers; best on an idle machine.
    Bench {
        /// Measures only these workloads.
        workloads: Vec<String>,
        /// Runs one short round, to test the bench itself.
        #[arg(long)]
        quick: bool,
        /// Measures this program instead of building one; can be repeated to compare it with other builds.
        #[arg(long)]
        program: Vec<PathBuf>,
        /// Measures pages and lists with this many repositories; can be repeated [default: 100000 1000000].
        #[arg(long, value_name = "N")]
        repositories: Vec<u64>,
    },
    /// Fills a data folder with repositories from a list, to try search and lists at scale; stop its server first.
    Fill {
        /// The data folder; created if it does not exist.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// A file of lines with a name, a version, downloads and a summary, separated by tabs.
        #[arg(long, value_name = "LIST")]
        from: PathBuf,
        /// Inserts only this many entries, the most popular ones.
        #[arg(long, value_name = "N")]
        rows: Option<u64>,
        /// Creates the database with this program instead of building one.
        #[arg(long)]
        program: Option<PathBuf>,
    },
    /// Fills a hub with repositories from a list, and prints how often a search finds what it asks for first.
    Relevance {
        /// A file of lines with a name, a version, downloads and a summary, separated by tabs.
        #[arg(long, value_name = "LIST")]
        from: PathBuf,
        /// Uses this many entries, the most popular ones [default: 50000].
        #[arg(long, value_name = "N")]
        rows: Option<u64>,
        /// Measures this program instead of building one.
        #[arg(long)]
        program: Option<PathBuf>,
        /// Prints this many questions of each row that have another first result.
        #[arg(long, value_name = "N", default_value_t = 0)]
        missed: usize,
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
        Task::Relevance { from, rows, program, missed } => relevance::run(&machine, program, &from, rows, missed),
        Task::Bundle => bundle::build(&machine).map(|()| ExitCode::SUCCESS),
    };
    outcome.unwrap_or_else(|fault| {
        eprintln!("error: {}", fault::chain(&fault));
        ExitCode::FAILURE
    })
}
