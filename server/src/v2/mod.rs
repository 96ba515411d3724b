//! The gateway to the engine: parse, find what is needed, admit, do, answer; and the token service that goes with it.
//! It decides no right by itself: the hub's guard asks `store` for a permit on every request.

pub mod challenge;
pub mod gateway;
pub mod guard;
pub mod needs;
pub mod token;
