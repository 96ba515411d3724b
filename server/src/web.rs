//! Pages and actions for browsers: the session's viewer, and the integration with Leptos.

pub mod page;
pub mod viewer;
