//! Tests of the registry API: tokens, push and pull, hidden repositories, and the router around them. Every test drives
//! the whole router in memory, over its own database and folder.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected fails"
)]

#[path = "../common/mod.rs"]
mod common;
mod costs;
mod crash;
mod disconnect;
mod edge;
mod engine;
mod hidden;
mod nodes;
mod pending;
mod support;
mod sweep;
mod token;
