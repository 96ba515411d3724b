//! REST v1 as a caller meets it: the router over a real store in a folder of its own, without sockets.
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
