//! Tests of the SQL ledger, on both databases.

mod manifests;
mod races;
mod requirements;
mod sweep;
mod uploads;
pub(crate) mod world;
