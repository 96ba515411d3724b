//! The axum backend: pages, REST, the v2 gateway, search and followers over the rooms `app`, `store` and `registry`.
//! It decides nothing about who may touch what: it asks `store` for a permit and passes on what comes back.

pub mod api;
pub mod cli;
pub mod config;
pub mod http;
pub mod jobs;
pub mod markdown;
pub mod portal;
pub mod router;
pub mod search;
pub mod state;
pub mod v2;
