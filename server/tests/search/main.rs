//! What search finds and keeps to itself, and what the followers behind it do, over a real store.
//! Pages and routes that show it are tested beside those.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test's helpers this is how it fails")]

mod agreement;
mod finding;
mod following;
mod world;
