//! What lies around every handler: who calls, headers, limits, logs, figures and the built-in files.
//! It knows requests and answers only, and nothing of repositories.

pub mod assets;
pub mod caller;
pub mod headers;
pub mod health;
pub mod limit;
pub mod metrics;
pub mod page;
pub mod serve;
pub mod trace;
pub mod viewer;
