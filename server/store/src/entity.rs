//! Rows as they lie in the tables, for the columns that more than one noun reads; private to this package.
//! It refuses to know who may see a row: whoever loads one has settled that.

mod account;
mod repository;

pub(crate) use account::AccountRow;
pub(crate) use repository::RepositoryRow;

/// A count as a column holds it; nothing below zero is ever stored.
pub(crate) fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}
