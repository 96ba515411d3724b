//! The v2 gateway.
