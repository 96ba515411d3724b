//! `portolan registry`: an engine without accounts, for private networks or behind another access control.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use clap::Args;
use http::StatusCode;
use model::clock::Clock;
use registry::{Engine, Limits};

use crate::cli::serve::{listen, open_storage, open_store};
use crate::cli::settings::Settings;
use crate::cli::{Error, settings};
use crate::health::Readiness;
use crate::jobs::Jobs;
use crate::metrics::Metrics;
use crate::router::Hub;
use crate::v2::htpasswd::Htpasswd;
use crate::v2::standalone::{Authentication, Standalone};
use crate::{health, serve};
use store::OpenStore;

/// A standalone engine.
#[derive(Args, Debug)]
pub(super) struct Registry {
    #[command(flatten)]
    access: Access,
    #[command(flatten)]
    settings: Settings,
}

/// Who has access; exactly one must be chosen.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Access {
    /// Allow everyone to push, pull and delete
    #[arg(long)]
    open: bool,
    /// Allow the users in this htpasswd file (bcrypt, as written by `htpasswd -B`)
    #[arg(long, value_name = "FILE")]
    htpasswd: Option<PathBuf>,
}

impl Access {
    fn authentication(&self) -> Result<Authentication, Error> {
        let Some(path) = &self.htpasswd else { return Ok(Authentication::Open) };
        let text = std::fs::read_to_string(path).map_err(|error| Error::File(path.clone(), error))?;
        let file = Htpasswd::parse(&text).map_err(|error| Error::Input(format!("{}: {error}", path.display())))?;
        Ok(Authentication::Htpasswd(file))
    }
}

/// Serves a standalone engine until SIGTERM or SIGINT.
pub(super) async fn serve(command: Registry) -> Result<(), Error> {
    let config = command.settings.resolve()?;
    settings::log(&config);
    let authentication = command.access.authentication()?;
    let listener = listen(config.listen).await?;
    let clock = Clock::system();
    let storage = open_storage(&config)?;
    let OpenStore { store, system, ledger } = open_store(&config, clock.clone()).await?;
    let limits = Limits { blob: config.upload_limit, ..Limits::default() };
    let engine = Engine::new(Arc::clone(&ledger), Arc::clone(&storage), clock.clone(), limits);
    let metrics = Arc::new(Metrics::new());
    let jobs = Jobs::start_standalone(&engine, &config, &metrics, &system);
    let standalone = Standalone::new(engine, ledger, clock, metrics, authentication);
    let (measured, readiness) = (standalone.clone(), Readiness::new(store, storage));
    let router = Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(move || async move { readiness.respond().await }))
        .route("/metrics", get(move || async move { measured.metrics().render() }))
        .fallback(|| async { StatusCode::NOT_FOUND });
    tracing::info!(address = %config.listen, "serving a registry without accounts");
    serve::run(listener, Hub::standalone(standalone, router), config.drain, serve::stop_signal()).await;
    jobs.stop().await;
    tracing::info!("stopped");
    Ok(())
}
