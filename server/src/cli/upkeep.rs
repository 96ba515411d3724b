//! `portolan config print` and `reindex`.

use std::io::{self, Write as _};

use clap::Subcommand;
use model::clock::Clock;

use crate::cli::Error;
use crate::cli::serve::open_store;
use crate::cli::settings::Settings;
use crate::config;
use crate::search::{Search, follow};

/// Commands for the settings.
#[derive(Debug, Subcommand)]
pub(super) enum Config {
    /// Show every setting, its value and where it came from
    Print(Settings),
}

/// Runs `portolan config …`.
pub(super) fn config(command: &Config) -> Result<(), Error> {
    let Config::Print(settings) = command;
    let config = settings.resolve()?;
    let mut out = io::stdout().lock();
    for shown in config.shown() {
        // Nobody may be reading any more.
        let _ = writeln!(out, "{shown}");
    }
    Ok(())
}

/// Rebuilds the search index of this node.
pub(super) async fn reindex(config: config::Config) -> Result<(), Error> {
    let system = open_store(&config, Clock::system()).await?.system;
    let search = Search::open(&config.data.join("index")).map_err(Error::Search)?;
    follow::rebuild(&search, &system).await.map_err(Error::Search)?;
    let _ = writeln!(io::stdout(), "The search index has been rebuilt.");
    Ok(())
}
