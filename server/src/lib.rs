//! The axum server: pages, REST, the v2 gateway, search and background jobs, over the crates `app`, `store` and
//! `registry`. It makes no access decisions, but asks `store` for permits.

pub mod api;
pub mod assets;
pub mod cli;
pub mod config;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod health;
pub mod http;
pub mod jobs;
pub mod limits;
pub mod markdown;
pub mod metrics;
pub mod outbound;
pub mod pictures;
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
