//! Repositories: creating, reading, listing, changing and deleting them, with their collaborators and stars.

pub(crate) mod change;
mod create;
pub(crate) mod delete;
mod freeable;
mod list;
mod people;
mod read;
mod row;
mod stars;

pub(crate) use row::{RepositoryRow, ViewedRow};

#[cfg(test)]
mod tests;
