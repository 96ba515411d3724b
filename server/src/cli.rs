//! The command line: its commands, and what operators see when one fails.

mod account;
mod demo;
mod doctor;
mod error;
mod password;
mod registry;
mod serve;
mod settings;
mod sweep;
mod terminal;
mod upkeep;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use self::error::Error;
pub use self::serve::{OpenedHub, open};

/// A self-hosted hub for container images.
#[derive(Debug, Parser)]
#[command(name = "portolan", version, arg_required_else_help = true)]
struct Portolan {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the hub
    Serve(settings::Settings),
    /// Run a hub with sample content in ./demo
    Demo(demo::Demo),
    /// Run a registry without the hub and its accounts
    Registry(registry::Registry),
    /// Manage accounts; works while the server runs
    #[command(subcommand)]
    User(account::User),
    /// Manage personal access tokens
    #[command(subcommand)]
    Token(account::Token),
    /// Show the settings
    #[command(subcommand)]
    Config(upkeep::Config),
    /// Rebuild the search index of this node; stop its server first
    Reindex(settings::Settings),
    /// Check the settings, the database and the storage; works while the server runs
    Doctor(doctor::Doctor),
    /// Free what nothing refers to; works while the server runs
    Sweep(sweep::Sweep),
}

/// Runs the command of this process. The exit code is 2 for invalid arguments and settings, and 1 for later failures.
pub fn run() -> ExitCode {
    match act(Portolan::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("portolan: {}", error.line());
            error.exit_code()
        }
    }
}

fn act(command: Command) -> Result<(), Error> {
    // Check settings before starting anything.
    match command {
        Command::Config(command) => upkeep::config(&command),
        Command::Serve(settings) => {
            let config = settings.resolve()?;
            settings::log(&config);
            on_runtime(serve::serve(config))
        }
        Command::Demo(command) => on_runtime(demo::serve(command)),
        Command::Registry(command) => on_runtime(registry::serve(command)),
        Command::User(command) => on_runtime(account::user(command)),
        Command::Token(command) => on_runtime(account::token(command)),
        Command::Reindex(settings) => {
            let config = settings.resolve()?;
            settings::log_trouble(&config);
            on_runtime(upkeep::reindex(config))
        }
        Command::Doctor(command) => on_runtime(doctor::doctor(command)),
        Command::Sweep(command) => on_runtime(sweep::sweep(command)),
    }
}

fn on_runtime(work: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Error::Runtime)?;
    let result = runtime.block_on(work);
    // A blocking read abandoned by a client must not delay the exit.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    result
}
