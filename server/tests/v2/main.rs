//! The hub as a client meets it over HTTP: tokens, push and pull, what stays hidden, and the edge around it all.
//! Every test drives the whole router in memory over a database and a folder of its own.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected fails"
)]

#[path = "../common/mod.rs"]
mod common;
mod edge;
mod engine;
mod hidden;
mod support;
mod token;
