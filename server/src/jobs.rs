//! Background jobs: followers of the outbox and periodic tasks, restarted when they fail and stopped together.

mod image;
pub mod inspect;
mod sweep;
mod upkeep;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use registry::Engine;
use registry::ledger::Ledger;
use store::access::System;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::inspect::Inspector;
use crate::config::Config;
use crate::metrics::Metrics;
use crate::pulls;
use crate::search::follow;
use crate::state::State;

/// The first and the longest wait before a failed task runs again.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// How long stopping waits for the tasks. What they have not done by then, another run does.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// The tasks of a running hub.
#[derive(Debug)]
pub struct Jobs {
    shutdown: CancellationToken,
    tasks: JoinSet<()>,
}

impl Jobs {
    fn none() -> Self {
        Self { shutdown: CancellationToken::new(), tasks: JoinSet::new() }
    }

    /// Starts all jobs of a hub: search index, image inspection, pull counts, garbage collection and clean-up.
    pub fn start(hub: &State, system: &System, ledger: &Arc<dyn Ledger>) -> Self {
        let mut jobs = Self::none();
        let (site, search) = (system.clone(), hub.search.clone());
        jobs.supervise("search index", move |shutdown| follow::run(search.clone(), site.clone(), shutdown));
        let inspector = Inspector::new(system.clone(), Arc::clone(ledger), Arc::clone(&hub.storage));
        jobs.supervise("inspection", move |shutdown| inspect::run(inspector.clone(), shutdown));
        let (site, pulls) = (system.clone(), hub.pulls.clone());
        jobs.supervise("pull counts", move |shutdown| pulls::run(pulls.clone(), site.clone(), shutdown));
        let (site, hub) = (system.clone(), hub.clone());
        jobs.sweep(&hub.engine, &hub.config, &hub.metrics);
        jobs.supervise("upkeep", move |shutdown| upkeep::run(site.clone(), hub.clone(), shutdown));
        jobs
    }

    /// Starts the jobs of a registry without the hub: garbage collection and clean-up.
    pub fn start_standalone(engine: &Engine, config: &Config, metrics: &Arc<Metrics>, system: &System) -> Self {
        let mut jobs = Self::none();
        jobs.sweep(engine, config, metrics);
        let system = system.clone();
        jobs.supervise("upkeep", move |shutdown| upkeep::run_standalone(system.clone(), shutdown));
        jobs
    }

    fn sweep(&mut self, engine: &Engine, config: &Config, metrics: &Arc<Metrics>) {
        let Some(every) = config.sweep.every else { return };
        let (engine, options, metrics) = (engine.clone(), config.sweep_options(), Arc::clone(metrics));
        self.supervise("sweep", move |shutdown| {
            sweep::run(engine.clone(), options.clone(), every, Arc::clone(&metrics), shutdown)
        });
    }

    /// Stops all jobs, and waits for them to end, for a limited time.
    pub async fn stop(mut self) {
        self.shutdown.cancel();
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_LIMIT, ended).await.is_err() {
            tracing::warn!("background tasks were aborted at shutdown");
        }
    }

    /// Runs a task until it ends. If it fails or panics, it runs again after a wait that doubles each time and is reset
    /// when the task has run for longer than the longest wait.
    fn supervise<F, E>(&mut self, name: &'static str, start: impl Fn(CancellationToken) -> F + Send + 'static)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Error + Send + 'static,
    {
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(async move {
            let mut wait = FIRST_WAIT;
            loop {
                let started = Instant::now();
                match tokio::spawn(start(shutdown.clone())).await {
                    Ok(Ok(())) => return,
                    Ok(Err(error)) => {
                        let error: &dyn Error = &error;
                        tracing::error!(task = name, error, "a task failed and will run again");
                    }
                    Err(error) => {
                        let error: &dyn Error = &error;
                        tracing::error!(task = name, error, "a task ended early and will run again");
                    }
                }
                if started.elapsed() > LONGEST_WAIT {
                    wait = FIRST_WAIT;
                }
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = shutdown.cancelled() => return,
                }
                wait = (wait * 2).min(LONGEST_WAIT);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_task_that_fails_or_panics_runs_again_and_one_that_ends_does_not() {
        let runs = Arc::new(AtomicUsize::new(0));
        let mut jobs = Jobs::none();
        let counted = Arc::clone(&runs);
        jobs.supervise("test", move |_| {
            let run = counted.fetch_add(1, Ordering::SeqCst);
            async move {
                match run {
                    0 => Err(io::Error::other("fails")),
                    1 => panic!("panics"),
                    _ => Ok(()),
                }
            }
        });
        assert!(jobs.tasks.join_next().await.is_some());
        assert_eq!(runs.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn stopping_waits_for_tasks_that_heed_the_signal() {
        let done = Arc::new(AtomicUsize::new(0));
        let mut jobs = Jobs::none();
        let ended = Arc::clone(&done);
        jobs.supervise("test", move |shutdown| {
            let ended = Arc::clone(&ended);
            async move {
                shutdown.cancelled().await;
                tokio::task::yield_now().await;
                ended.fetch_add(1, Ordering::SeqCst);
                Ok::<_, io::Error>(())
            }
        });
        jobs.stop().await;
        assert_eq!(done.load(Ordering::SeqCst), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn stopping_has_a_time_limit() {
        let mut jobs = Jobs::none();
        jobs.supervise("test", |_| std::future::pending::<io::Result<()>>());
        let start = Instant::now();
        jobs.stop().await;
        assert_eq!(start.elapsed(), STOP_LIMIT);
    }
}
