//! Who gets what on every route: the whole hub asked by everybody about everything, and the answers held against one table.
//! Every test drives the whole router in memory, in copies of one folder and its database.
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
