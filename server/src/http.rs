//! Parts that handlers share: credentials, the caller's address, security headers, limits and the request log.

pub mod authorization;
pub mod caller;
pub mod headers;
pub mod limit;
pub mod trace;
