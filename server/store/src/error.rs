//! Errors of the store, and their conversion to a [`Fault`], which is shown to people.

use model::fault::Fault;
use sea_orm::DbErr;
use thiserror::Error;

use crate::sql;

/// Why a call to the store failed.
#[derive(Debug, Error)]
pub enum Error {
    /// What was requested does not exist, or the viewer may not know that it does.
    #[error("not found")]
    Absent,
    /// The caller must sign in.
    #[error("not signed in")]
    SignIn,
    /// The viewer may see it, but not do this.
    #[error("not allowed")]
    Forbidden,
    /// The request was refused for a reason that is shown to people, such as invalid input or a conflict.
    #[error("refused: {0}")]
    Fault(Fault),
    /// The database did not answer, or returned an error.
    #[error("the database is unavailable")]
    Unavailable(#[source] DbErr),
    /// A row, a key or a stored secret is malformed, or hashing or signing failed.
    #[error("malformed data in the database: {0}")]
    Corrupt(&'static str),
}

/// The result of a call to the store.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Whether the database is out of disk space.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Unavailable(source) if sql::refused_for_room(source))
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        match error {
            DbErr::Type(_) | DbErr::Json(_) | DbErr::TryIntoErr { .. } => Self::Corrupt("a column's type"),
            error => Self::Unavailable(error),
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        if error.is_full() {
            return Self::full();
        }
        match error {
            Error::Absent => Self::not_found(),
            Error::SignIn => Self::sign_in(),
            Error::Forbidden => Self::forbidden(),
            Error::Fault(fault) => fault,
            Error::Unavailable(_) => Self::unavailable(),
            Error::Corrupt(_) => Self::internal(),
        }
    }
}
