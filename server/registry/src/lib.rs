//! The v2 engine: OCI distribution requests over a ledger and a storage, by name and digest.
//! It holds no accounts and asks nobody who you are: whoever calls it has settled that the caller may.

pub mod answer;
pub mod engine;
pub mod error;
pub mod ledger;
pub mod request;
pub mod storage;

pub use answer::Body;
pub use engine::{Call, Engine, Limits};
pub use error::Error;
pub use request::{Operation, Page, Request};
