//! Pulls, counted in memory.

/// Counts pulls between flushes.
pub struct PullCounter;
