//! What the engine is promised of its memory, asked of both databases.

mod manifests;
mod races;
mod requirements;
mod uploads;
pub(crate) mod world;
