//! What a call to the store can end in besides its answer: one variant an outcome. Only `Fault` reaches people.

use model::fault::Fault;
use sea_orm::DbErr;
use thiserror::Error;

use crate::sql;

/// Why the store did not do what it was asked.
#[derive(Debug, Error)]
pub enum Error {
    /// It is not there, or the viewer may not know that it is.
    #[error("not found")]
    Absent,
    /// Nobody is signed in, and somebody must be.
    #[error("not signed in")]
    SignIn,
    /// The viewer may see it, but not do this.
    #[error("not allowed")]
    Forbidden,
    /// The input is wrong, collides, is too much or too large; made to be shown.
    #[error("refused: {0}")]
    Fault(Fault),
    /// The database did not answer, or refused.
    #[error("the database is unavailable")]
    Unavailable(#[source] DbErr),
    /// A row, a key or a stored secret does not parse.
    #[error("malformed data in the database: {0}")]
    Corrupt(&'static str),
}

/// What a call to the store gives.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Whether the database refused because it has no room left.
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
