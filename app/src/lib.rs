//! What people see: pages, islands and actions, rendered on the server and woken in the browser.
//! It knows no SQL, no engine, no search index and no HTTP framework: all it asks goes through [`portal`].

// A view is one type as deep as its markup.
#![recursion_limit = "256"]

#[cfg_attr(
    not(feature = "ssr"),
    expect(dead_code, unused_imports, reason = "an act's body runs on the server; a browser has only the call")
)]
mod actions;
mod components;
mod form;
#[expect(unreachable_pub, reason = "the island macro makes public items of its own")]
mod islands;
mod pages;
mod place;
pub mod portal;
pub mod reason;
pub mod routes;
pub mod shell;
mod words;

pub use routes::App;
pub use shell::shell;
