//! What lies around every handler: the caller's address, headers, limits and the request log.

pub mod authorization;
pub mod caller;
pub mod headers;
pub mod limit;
pub mod trace;
