//! Tests of search and of the followers of the outbox, over a real store. Pages and routes with search results have
//! their own tests.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test's helpers this is how it fails")]

mod agreement;
mod finding;
mod following;
mod relevance;
mod world;
