//! Tests of access on every route: all actors send requests about all repositories to the whole router, in memory, in
//! copies of one hub and its database.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected fails"
)]

#[path = "../common/mod.rs"]
mod common;
mod costs;
mod mask;
mod matrix;
mod probes;
mod strangers;
mod table;
mod world;
