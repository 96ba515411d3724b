//! The v2 engine: OCI distribution requests over a ledger and a storage, by name and digest.
//! It holds no accounts and asks nobody who you are: whoever calls it has settled that the caller may.

pub mod ledger;
