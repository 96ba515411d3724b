//! Tests of REST v1: requests to the router over a real store in a temporary folder, without sockets.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected fails"
)]

mod accounts;
mod comments;
mod images;
mod interface;
mod people;
mod repositories;
mod world;
