//! Types shared by the browser, the portal and the engine: names, roles, views and the error shown to people. No I/O
//! and no policy; it builds for wasm32.

pub mod account;
pub mod clock;
pub mod comment;
pub mod event;
pub mod fault;
pub mod glob;
pub mod id;
pub mod image;
pub mod language;
pub mod oci;
#[cfg(feature = "openapi")]
mod openapi;
pub mod page;
pub mod reason;
pub mod repository;
pub mod role;
pub mod search;
pub mod token;
pub mod version;
