//! Output of commands: lines, and a count that is overwritten as it grows.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// The time between two reports of progress.
const PROGRESS: Duration = Duration::from_millis(500);

/// Prints a line. Nobody may be reading any more.
pub(super) fn say(line: impl Display) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// A count on the terminal that is overwritten as it grows.
pub(super) struct Progress {
    shown_at: Instant,
    is_shown: bool,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { shown_at: Instant::now(), is_shown: false }
    }

    pub(super) fn show(&mut self, what: &str, count: u64) {
        if self.shown_at.elapsed() >= PROGRESS && io::stderr().is_terminal() {
            let _ = write!(io::stderr(), "\r\x1b[K{what}: {count}");
            (self.shown_at, self.is_shown) = (Instant::now(), true);
        }
    }

    pub(super) fn clear(&mut self) {
        if std::mem::take(&mut self.is_shown) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
