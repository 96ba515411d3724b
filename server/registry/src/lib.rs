//! The v2 engine: OCI distribution requests over a ledger and a storage, by name and digest.
//! It holds no accounts and asks nobody who you are: whoever calls it has settled that the caller may.

pub mod answer;
mod blob;
mod cache;
mod condition;
mod document;
pub mod engine;
pub mod error;
mod hash;
pub mod ledger;
mod manifest;
pub mod referrers;
pub mod request;
pub mod scope;
pub mod storage;
mod sweep;
mod tags;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod upload;

pub use answer::Body;
pub use engine::{Call, Engine, Limits};
pub use error::Error;
pub use request::{Operation, Page, Request};
