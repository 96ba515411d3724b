//! The axum backend: pages, REST, the v2 gateway, search and followers over the rooms `app`, `store` and `registry`.
//! It decides nothing about who may touch what: it asks `store` for a permit and passes on what comes back.

pub mod api;
pub mod assets;
pub mod cli;
pub mod config;
pub mod health;
pub mod http;
pub mod jobs;
pub mod markdown;
pub mod metrics;
pub mod portal;
pub mod pulls;
pub mod router;
pub mod routes;
pub mod search;
pub mod serve;
pub mod state;
pub mod texts;
pub mod v2;
pub mod web;
