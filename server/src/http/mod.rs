//! What lies around every handler: identity, headers, limits, logs and the built-in files.
//! It knows requests and answers only, and nothing of repositories.

pub mod assets;
