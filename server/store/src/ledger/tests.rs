//! What the engine is promised of its memory, asked of both databases.
//! It refuses to know HTTP; the engine's own requirements run elsewhere.

mod manifests;
mod races;
mod requirements;
mod uploads;
pub(crate) mod world;
