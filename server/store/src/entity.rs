//! The tables as sea-orm entities. They do not check permissions; reading or writing rows requires a proof.

#![allow(dead_code, reason = "sea-orm's macro makes more types than are used here")]

pub(crate) mod account;
pub(crate) mod blob;
pub(crate) mod collaborator;
pub(crate) mod column;
pub(crate) mod comment;
pub(crate) mod follower;
pub(crate) mod image;
pub(crate) mod invitation;
pub(crate) mod job;
pub(crate) mod known_address;
pub(crate) mod manifest;
pub(crate) mod manifest_blob;
pub(crate) mod manifest_child;
pub(crate) mod membership;
pub(crate) mod outbox;
pub(crate) mod repository;
pub(crate) mod repository_alias;
pub(crate) mod repository_blob;
pub(crate) mod repository_team;
pub(crate) mod session;
pub(crate) mod setting;
pub(crate) mod sign_in_failure;
pub(crate) mod signing_key;
pub(crate) mod star;
pub(crate) mod tag;
pub(crate) mod tag_history;
pub(crate) mod team;
pub(crate) mod team_member;
pub(crate) mod token;
pub(crate) mod trash;
pub(crate) mod upload;
