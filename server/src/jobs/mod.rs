//! Followers and periodic work.

pub mod pulls;
