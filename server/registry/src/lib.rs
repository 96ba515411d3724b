//! A registry engine: the OCI distribution API over a [`ledger`] for metadata and a [`storage`] for bytes.
//!
//! It does not know accounts or permissions: its caller must authorise every request.

mod blob;
pub mod body;
mod cache;
pub mod check;
mod condition;
mod context;
mod document;
mod engine;
pub mod error;
mod hash;
mod lease;
pub mod ledger;
mod manifest;
pub mod referrers;
pub mod request;
pub mod response;
pub mod scope;
pub mod storage;
pub mod sweep;
mod tags;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod upload;

pub use body::{Body, RequestBody};
pub use context::{AuthorizedRequest, Limits};
pub use engine::Engine;
pub use error::Error;
pub use request::{Operation, Page, Request};
