//! `portolan sweep`: frees what nothing refers to, also while the server runs.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Args;
use model::clock::Clock;
use registry::ledger::Freed;
use registry::sweep::{SweepEnd, SweepObserver, SweepOptions, SweepStage, UnknownObjects};
use registry::{Engine, Limits};
use serde_json::json;
use store::OpenStore;

use crate::cli::Error;
use crate::cli::serve::{open_storage, open_store};
use crate::cli::settings::{self, Settings};
use crate::cli::terminal::{Progress, say};

/// The least age of uploads that --grace expires: a younger one may be in the middle of a long request.
const UPLOADS: Duration = Duration::from_hours(1);
/// How long to wait for the sweep of another process, which is presumed dead after two minutes without progress.
const BUSY: Duration = Duration::from_mins(3);
/// The time between two attempts meanwhile.
const RETRY: Duration = Duration::from_secs(1);

/// A sweep.
#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(super) struct Sweep {
    /// Only show what would be freed
    #[arg(long)]
    dry_run: bool,
    /// Free what has been unused for this time, such as 1h or 0s (default: as the hub itself does). Manifests without a
    /// tag are freed after this time too, unless sweep.untagged is never; uploads after an hour at least
    #[arg(long, value_name = "AGE", value_parser = settings::age)]
    grace: Option<Duration>,
    /// Print the result as one line of JSON
    #[arg(long)]
    json: bool,
    /// Stop all sweeps on all nodes, until --resume
    #[arg(long, conflicts_with_all = ["dry_run", "grace", "json", "resume"])]
    pause: bool,
    /// Allow sweeps again
    #[arg(long, conflicts_with_all = ["dry_run", "grace", "json"])]
    resume: bool,
    #[command(flatten)]
    settings: Settings,
}

/// Runs `portolan sweep`.
pub(super) async fn sweep(command: Sweep) -> Result<(), Error> {
    let config = command.settings.resolve()?;
    settings::log_trouble(&config);
    let OpenStore { ledger, .. } = open_store(&config, Clock::system()).await?;
    if command.pause || command.resume {
        let paused = ledger.pause_sweep(command.pause).await;
        paused.map_err(|error| Error::Sweep(registry::Error::from_ledger(error)))?;
        say(if command.pause {
            "Sweeps are paused on all nodes. One that is running stops within half a minute."
        } else {
            "Sweeps are allowed."
        });
        return Ok(());
    }
    let mut options = SweepOptions { unknown_objects: UnknownObjects::Now, ..config.sweep_options() };
    if let Some(grace) = command.grace {
        let uploads = grace.max(UPLOADS);
        options = SweepOptions { grace, untagged: options.untagged.and(Some(grace)), uploads, ..options };
    }
    let engine = Engine::new(ledger, open_storage(&config)?, Clock::system(), Limits::default());
    let freed = if command.dry_run {
        engine.sweepable(&options).await.map_err(Error::Sweep)?
    } else {
        run(&engine, &options, command.json).await?
    };
    if command.json {
        let Freed { manifests, blobs, uploads, objects, bytes } = freed;
        let line = json!({
            "manifests": manifests, "blobs": blobs, "objects": objects, "uploads": uploads, "bytes": bytes,
        });
        say(line);
    } else {
        say(format_args!("{}: {}", if command.dry_run { "Would be freed" } else { "Freed" }, Words(&freed)));
    }
    Ok(())
}

/// Sweeps, and waits for the sweep of another process if there is one.
async fn run(engine: &Engine, options: &SweepOptions, quiet: bool) -> Result<Freed, Error> {
    let (started, mut told) = (Instant::now(), false);
    loop {
        let observer = TerminalObserver::default();
        let (end, freed) = engine.sweep(options, &observer).await.map_err(Error::Sweep)?;
        observer.lock().progress.clear();
        match end {
            SweepEnd::Done | SweepEnd::Stopped => {
                if !quiet {
                    observer.report();
                }
                return Ok(freed);
            }
            SweepEnd::Paused => {
                return Err(Error::Refused("sweeps are paused; `portolan sweep --resume` allows them".to_owned()));
            }
            SweepEnd::Busy if started.elapsed() > BUSY => {
                return Err(Error::Refused("another process is sweeping; try again later".to_owned()));
            }
            SweepEnd::Busy => {
                if !std::mem::replace(&mut told, true) {
                    eprintln!("Waiting for another process, which is sweeping.");
                }
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

/// What was freed, for people.
struct Words<'a>(&'a Freed);

impl std::fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Freed { manifests, blobs, uploads, objects, bytes } = self.0;
        write!(f, "manifests {manifests}, blobs {blobs}, uploads {uploads}; objects {objects} ({bytes} bytes)")
    }
}

/// Shows progress on the terminal.
struct TerminalObserver(Mutex<Shown>);

struct Shown {
    progress: Progress,
    /// What has been examined so far, by stage.
    examined: Vec<(SweepStage, u64)>,
}

impl Default for TerminalObserver {
    fn default() -> Self {
        Self(Mutex::new(Shown { progress: Progress::new(), examined: Vec::new() }))
    }
}

impl TerminalObserver {
    fn lock(&self) -> std::sync::MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self) {
        let examined = &self.lock().examined;
        let parts: Vec<String> = examined.iter().map(|(stage, count)| format!("{} {count}", stage.as_str())).collect();
        say(format_args!("Examined: {}", if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }));
    }
}

impl SweepObserver for TerminalObserver {
    fn progress(&self, stage: SweepStage, examined: u64, _: &Freed) {
        let mut shown = self.lock();
        shown.progress.show(stage.as_str(), examined);
        match shown.examined.last_mut() {
            Some((last, count)) if *last == stage => *count = examined,
            _ => shown.examined.push((stage, examined)),
        }
    }

    fn stops(&self) -> bool {
        false
    }
}
