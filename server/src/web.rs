//! Pages and actions for browsers: the session's viewer, and the bridge to Leptos.

pub mod page;
pub mod viewer;
