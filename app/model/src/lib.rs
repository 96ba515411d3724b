//! The words that the browser, the portal and the engine share: names, roles, views and the one error people may see.
//! It does no I/O, holds no policy and knows neither SQL nor HTTP; it builds for wasm32.

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
