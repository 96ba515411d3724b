//! Repositories: made, read, listed, changed and deleted, with the people and stars on them.
//! It refuses to know blobs and tags, and decides nothing about rights: it takes what `access` proved.

mod create;
mod read;
