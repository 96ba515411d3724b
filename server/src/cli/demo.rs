//! `portolan demo`: a hub with sample content. It is created as people would create it: with the store's permits and
//! pushes to the engine.

mod fill;
mod image;
mod sample;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use clap::Args;
use model::clock::{Clock, Timestamp};

use crate::cli::serve::{OpenedHub, listen, open, run};
use crate::cli::settings::Settings;
use crate::cli::{Error, settings};

/// The default folder for the demo.
const FOLDER: &str = "./demo";
/// The age of the oldest sample content.
const BEGINNING: Duration = Duration::from_hours(24 * 90);

/// A hub with sample content.
#[derive(Args, Debug)]
pub(super) struct Demo {
    #[command(flatten)]
    settings: Settings,
}

/// A clock that starts in the past, so that sample content has different ages.
#[derive(Clone)]
pub(super) struct DemoClock {
    behind: Arc<AtomicI64>,
}

impl DemoClock {
    fn new() -> Self {
        Self { behind: Arc::new(AtomicI64::new(micros(BEGINNING))) }
    }

    /// The clock for the sample content.
    pub(super) fn clock(&self) -> Clock {
        let (machine, behind) = (Clock::system(), Arc::clone(&self.behind));
        Clock::new(move || Timestamp::from_micros(machine.now().micros() - behind.load(Ordering::Relaxed)))
    }

    /// Advances the clock, at most to the present.
    pub(super) fn pass(&self, by: Duration) {
        let left = self.behind.load(Ordering::Relaxed);
        self.behind.store(left.saturating_sub(micros(by)).max(0), Ordering::Relaxed);
    }

    fn catch_up(&self) {
        self.behind.store(0, Ordering::Relaxed);
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Serves a hub with sample content; content from an earlier run is kept.
pub(super) async fn serve(command: Demo) -> Result<(), Error> {
    let mut given = command.settings;
    given.data.get_or_insert_with(|| FOLDER.to_owned());
    let config = given.resolve()?;
    settings::log(&config);
    let listener = listen(config.listen).await?;
    let story = DemoClock::new();
    let opened: OpenedHub = open(config, story.clock()).await?;
    fill::fill(&opened, &story).await?;
    story.catch_up();
    run(listener, opened, welcome()).await
}

fn welcome() -> String {
    let names = sample::PEOPLE.map(|person| person.name).join(", ");
    format!(
        "Sign in as {names}; the password of each is {:?}. The first of them administers the site.\n\
         Search for tide, for arch:arm64, or for a word of a README such as harbourmaster.\n",
        sample::PASSWORD
    )
}
