//! `portolan demo`: a hub with something in it, so that one can look around before deciding on anything.
//! Everything goes in as people would put it in: through the store's permits and the engine's pushes.

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

/// Where the sample content is kept unless told.
const FOLDER: &str = "./demo";
/// How far back the sample's story begins.
const BEGINNING: Duration = Duration::from_hours(24 * 90);

/// A hub with sample content.
#[derive(Args, Debug)]
pub(super) struct Demo {
    #[command(flatten)]
    settings: Settings,
}

/// A clock that runs behind the machine's until it is told to catch up, so that what is put in has ages.
#[derive(Clone)]
pub(super) struct DemoClock {
    behind: Arc<AtomicI64>,
}

impl DemoClock {
    fn new() -> Self {
        Self { behind: Arc::new(AtomicI64::new(micros(BEGINNING))) }
    }

    /// The clock of the story.
    pub(super) fn clock(&self) -> Clock {
        let (machine, behind) = (Clock::system(), Arc::clone(&self.behind));
        Clock::new(move || Timestamp::from_micros(machine.now().micros() - behind.load(Ordering::Relaxed)))
    }

    /// Lets so much of the story pass, and no more than there is.
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

/// Serves a hub with sample content; a folder that has some already is served as it is.
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
