//! Errors of commands, shown in one line.

use std::error::Error as _;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use app::reason::english;
use model::fault::Fault;
use registry::storage::StorageError;
use registry::storage::cloud::CloudError;
use thiserror::Error;

use crate::config;
use crate::search;

/// Why a command failed.
#[derive(Debug, Error)]
pub enum Error {
    /// The settings are invalid.
    #[error("settings")]
    Config(#[source] config::Error),
    /// The process cannot start its threads.
    #[error("cannot start")]
    Runtime(#[source] io::Error),
    /// A file cannot be read.
    #[error("cannot read {0}")]
    File(PathBuf, #[source] io::Error),
    /// The data folder cannot be created.
    #[error("cannot use {0} as the data folder (--data)")]
    Folder(PathBuf, #[source] io::Error),
    /// The address is already in use.
    #[error("{0} is already in use; stop the other process, or choose another address with --listen")]
    InUse(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {0} (--listen)")]
    Listen(SocketAddr, #[source] io::Error),
    /// The database cannot be opened; contains its URL without the password.
    #[error("cannot open the database {0} (--database)")]
    Database(String, #[source] store::Error),
    /// The database stopped responding.
    #[error("the database cannot be used")]
    Store(#[source] store::Error),
    /// The storage cannot be opened, written to or read from.
    #[error("cannot write to the storage {0} (--storage)")]
    Storage(String, #[source] StorageError),
    /// The object store cannot be used with these options.
    #[error("cannot use the storage {0} (--storage and storage_options)")]
    ObjectStore(String, #[source] CloudError),
    /// The database and the storage cannot be compared.
    #[error("the check failed")]
    Check(#[source] registry::Error),
    /// A sweep failed; what it has freed until then stays freed.
    #[error("the sweep failed")]
    Sweep(#[source] registry::Error),
    /// An object cannot be deleted.
    #[error("cannot delete an object")]
    Delete(#[source] StorageError),
    /// The search index cannot be opened.
    #[error("the search index cannot be used")]
    Search(#[source] search::Error),
    /// The operation was refused.
    #[error("{0}")]
    Refused(String),
    /// The input is invalid.
    #[error("{0}")]
    Input(String),
}

impl Error {
    /// The error and its causes in one line.
    pub fn line(&self) -> String {
        if let Self::Config(error) = self {
            return error.to_string();
        }
        let mut line = self.to_string();
        let mut source = self.source();
        while let Some(error) = source {
            let text = error.to_string();
            // Some libraries repeat their cause in their own message.
            if !line.ends_with(&text) {
                line.push_str(": ");
                line.push_str(&text);
            }
            source = error.source();
        }
        line.replace('\n', " ")
    }

    /// 2 for invalid input, 1 for failures.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(_) | Self::Input(_) => ExitCode::from(2),
            _ => ExitCode::from(1),
        }
    }

    /// The reasons for a refusal: those of the fields, if any.
    fn refused(fault: &Fault) -> Self {
        if fault.fields.is_empty() {
            return Self::Refused(english(&fault.reason));
        }
        let reasons: Vec<String> = fault.fields.iter().map(|field| english(&field.reason)).collect();
        Self::Refused(reasons.join(" "))
    }

    /// Converts an error of the store.
    pub fn of_store(error: store::Error) -> Self {
        match error {
            error @ (store::Error::Unavailable(_) | store::Error::Corrupt(_)) => Self::Store(error),
            store::Error::Absent => Self::Input("there is no such account".to_owned()),
            error => Self::refused(&error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_line_names_what_cannot_be_used_and_says_each_cause_once() {
        let address = "sqlite:///nowhere/at/all/hub.db".to_owned();
        let cause = store::Store::open(&address, model::clock::Clock::system()).await.err().unwrap();
        let line = Error::Database(address, cause).line();
        assert!(line.contains("sqlite:///nowhere/at/all/hub.db") && line.contains("--database"), "{line}");
        assert_eq!(line.matches("unable to open database file").count(), 1, "{line}");
    }
}
