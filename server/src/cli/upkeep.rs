//! `portolan config print`, `reindex` and `doctor`.

use std::io::{self, Write as _};

use clap::Subcommand;
use model::clock::Clock;
use registry::storage::Storage as _;

use crate::assets::Assets;
use crate::cli::Error;
use crate::cli::serve::{open_disk, open_store};
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

/// Checks that everything named in the settings works.
pub(super) async fn doctor(config: config::Config) -> Result<(), Error> {
    let mut out = io::stdout();
    let mut say = |text: String| {
        let _ = writeln!(out, "{text}");
    };
    say(format!("settings: good; the hub is at {}", config.public_url));
    let store = open_store(&config, Clock::system()).await?.store;
    store.ping().await.map_err(Error::Store)?;
    say("database: answers, and its schema is up to date".to_owned());
    let (disk, folder) = (open_disk(&config)?, config.storage_folder());
    disk.check().await.map_err(|error| Error::Storage(folder.clone(), error))?;
    say(format!("storage: {} can be written to and read from", folder.display()));
    let islands = if Assets::load().islands().is_some() { "built in" } else { "not built in; pages work without them" };
    say(format!("islands: {islands}"));
    Ok(())
}
