//! `portolan serve`: opens everything, serves until told to stop, and shuts down in order.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use app::portal::Site;
use axum::Router;
use axum::routing::get;
use model::clock::Clock;
use registry::ledger::Ledger;
use registry::storage::Storage;
use registry::storage::cloud::Cloud;
use registry::storage::disk::Disk;
use registry::{Engine, Limits};
use store::access::System;
use store::{OpenStore, Store};
use tokio::net::TcpListener;

use crate::assets::Assets;
use crate::cli::Error;
use crate::config::{Config, StorageConfig};
use crate::http::trace::cause;
use crate::jobs::Jobs;
use crate::limits::RateLimits;
use crate::metrics::Metrics;
use crate::outbound::{Outbound, address};
use crate::pictures::{PictureLinks, Pictures};
use crate::pulls::PullCounter;
use crate::router::Hub;
use crate::search::Search;
use crate::serve;
use crate::state::{Parts, State};
use crate::texts::Texts;

/// A hub whose store, storage and index are open, but which does not listen yet.
pub struct OpenedHub {
    /// Its parts.
    pub state: State,
    /// Its HTTP service.
    pub hub: Hub,
    /// Proof that the site itself acts, for its jobs.
    pub system: System,
    /// The engine's ledger.
    pub ledger: Arc<dyn Ledger>,
}

/// Opens the store, the storage and the search index.
pub async fn open(config: Config, clock: Clock) -> Result<OpenedHub, Error> {
    make_folder(&config.data)?;
    let storage = open_storage(&config)?;
    let OpenStore { store, system, ledger } = open_store(&config, clock.clone()).await?;
    let limits = Limits { blob: config.upload_limit, ..Limits::default() };
    let engine = Engine::new(Arc::clone(&ledger), Arc::clone(&storage), clock.clone(), limits);
    let search = Search::open(&config.data.join("index")).map_err(Error::Search)?;
    let links = if config.show_pictures {
        Some(Arc::new(PictureLinks::new(&store.picture_key().await.map_err(Error::Store)?)))
    } else {
        None
    };
    let assets = Assets::load();
    let site = Site {
        public_url: config.public_url.clone(),
        registry_host: config.host().to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        stylesheet: assets.path("portolan.css"),
        icons: assets.path("icons.svg"),
        favicon: assets.path("favicon.svg"),
        islands: assets.islands(),
    };
    let state = State::new(Parts {
        store,
        engine,
        storage,
        search,
        texts: Texts::new(links.clone()),
        pictures: Pictures::new(links, Outbound::new(address::is_public)),
        pulls: PullCounter::default(),
        limits: RateLimits::new(&config),
        config,
        clock,
        site: Arc::new(site),
        assets,
        metrics: Arc::new(Metrics::new()),
    });
    let hub = Hub::new(&state);
    Ok(OpenedHub { state, hub, system, ledger })
}

/// Opens the database only, for commands that run beside a server.
pub(super) async fn open_store(config: &Config, clock: Clock) -> Result<OpenStore, Error> {
    make_folder(&config.data)?;
    Store::open(&config.database, clock).await.map_err(|error| Error::Database(config.database_shown(), error))
}

/// Opens the storage. An object store is not contacted yet.
pub(super) fn open_storage(config: &Config) -> Result<Arc<dyn Storage>, Error> {
    if let Some(folder) = config.storage_folder() {
        let disk = Disk::open(&folder).map_err(|error| Error::Storage(config.storage_shown(), error))?;
        return Ok(Arc::new(disk));
    }
    let StorageConfig { url, options, redirect } = &config.storage;
    let cloud = Cloud::open(url, options, *redirect);
    Ok(Arc::new(cloud.map_err(|error| Error::ObjectStore(config.storage_shown(), error))?))
}

fn make_folder(path: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(path).map_err(|error| Error::Folder(path.to_owned(), error))
}

/// Serves until SIGTERM or SIGINT.
pub(super) async fn serve(config: Config) -> Result<(), Error> {
    let listener = listen(config.listen).await?;
    let opened = open(config, Clock::system()).await?;
    run(listener, opened, String::new()).await
}

/// Binds an address; the error explains what to do if it is in use.
pub(super) async fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    serve::bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => Error::InUse(address),
        _ => Error::Listen(address, error),
    })
}

/// Serves until SIGTERM or SIGINT; prints `welcome` when ready.
pub(super) async fn run(listener: TcpListener, opened: OpenedHub, welcome: String) -> Result<(), Error> {
    let OpenedHub { state, hub, system, ledger } = opened;
    let measured = match state.config.metrics_listen {
        Some(address) => Some(measure(&state, address).await?),
        None => None,
    };
    let jobs = Jobs::start(&state, &system, &ledger);
    let root = reachable(&state.config, &listener);
    let secret = state.store.setup_secret().await.map_err(Error::Store)?;
    announce(&root, secret.as_deref(), &welcome);
    serve::run(listener, hub, state.config.drain, serve::stop_signal()).await;
    if let Some(measured) = measured {
        measured.abort();
    }
    jobs.stop().await;
    tracing::info!("stopped");
    Ok(())
}

/// The public URL; if none is configured, with the port that was actually bound.
fn reachable(config: &Config, listener: &TcpListener) -> String {
    match listener.local_addr() {
        Ok(address) if !config.public_url_set => format!("http://{address}"),
        _ => config.public_url.clone(),
    }
}

/// Shows the hub's URL in the log and on the terminal.
fn announce(root: &str, secret: Option<&str>, welcome: &str) {
    let mut text = format!("Portolan is at {root}\n{welcome}");
    tracing::info!(url = root, "serving");
    if let Some(secret) = secret {
        let link = format!("{root}/setup?token={secret}");
        tracing::info!(link, "no accounts yet; open this link to create the first administrator");
        // Writing to a string cannot fail.
        let _ = writeln!(text, "No accounts yet. Create the first administrator at {link}");
    }
    // Nobody may be reading; the log has it too.
    let _ = io::stdout().write_all(text.as_bytes());
}

/// Serves `/metrics` on its own address.
async fn measure(state: &State, address: SocketAddr) -> Result<tokio::task::JoinHandle<()>, Error> {
    let listener = listen(address).await?;
    let state = state.clone();
    let router = Router::new().route("/metrics", get(move || async move { state.metrics.render() }));
    Ok(tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(error = cause(&error), "the metrics server failed");
        }
    }))
}
