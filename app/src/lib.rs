//! Pages, islands and actions, rendered on the server and hydrated in the browser. All data comes through [`portal`].

// The type of a view is nested as deeply as its markup.
#![recursion_limit = "256"]
// Pages and texts are only used on the server: the browser has the islands and can call actions.

#[cfg_attr(
    not(feature = "ssr"),
    expect(dead_code, unused_imports, reason = "an act's body runs on the server; a browser has only the call")
)]
mod actions;
mod components;
#[cfg(feature = "ssr")]
mod form;
#[cfg(feature = "ssr")]
mod frame;
#[expect(unreachable_pub, reason = "the island macro makes public items of its own")]
mod islands;
#[cfg(feature = "ssr")]
mod pages;
#[cfg_attr(not(feature = "ssr"), expect(dead_code, reason = "only the server writes addresses"))]
mod place;
pub mod portal;
#[cfg(feature = "ssr")]
pub mod reason;
#[cfg(feature = "ssr")]
pub mod routes;
#[cfg(feature = "ssr")]
pub mod shell;
#[cfg(feature = "ssr")]
mod texts;
#[cfg(feature = "ssr")]
mod words;

#[cfg(feature = "ssr")]
pub use routes::App;
#[cfg(feature = "ssr")]
pub use shell::shell;
