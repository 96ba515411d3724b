//! Repositories: made, read, listed, changed and deleted, with the people and stars on them.
//! It refuses to know blobs and tags, and decides nothing about rights: it takes what `access` proved.

pub(crate) mod change;
mod create;
mod delete;
mod list;
mod people;
mod read;
mod row;
mod stars;

pub use list::RepositoryFilter;
pub(crate) use row::{RepositoryRow, ViewedRow};

#[cfg(test)]
mod tests;
