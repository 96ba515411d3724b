//! The errors of tasks.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

/// Why a task stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("could not start {program}")]
    Start { program: String, source: io::Error },
    #[error("{program} ended with {status}")]
    Ended { program: String, status: ExitStatus },
    #[error("could not {act} {}", path.display())]
    File { act: &'static str, path: PathBuf, source: io::Error },
    #[error("could not make the browser bundle: {reason}")]
    Bindgen { reason: String },
    #[error("{}", findings.join("\n"))]
    Findings { findings: Vec<String> },
    #[error("no step is named {name}; the steps are: {known}")]
    UnknownStep { name: String, known: String },
    #[error("the bench stopped: {reason}")]
    Bench { reason: String },
    #[error("cannot fill the data folder: {reason}")]
    Fill { reason: String },
    #[error("no test database: {reason}")]
    Postgres { reason: String },
}

impl Fault {
    /// Returns a closure for `map_err` on a file operation.
    pub(crate) fn file(act: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Fault {
        let path = path.into();
        move |source| Fault::File { act, path, source }
    }
}

/// Formats an error and its sources in one line, outermost first.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        line.push_str(": ");
        line.push_str(&inner.to_string());
        source = inner.source();
    }
    line
}
