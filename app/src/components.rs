//! The parts that pages are made of, as functions from a view to markup.
//! A part asks nobody for anything: what it shows is handed to it.

pub(crate) mod command;
pub(crate) mod icon;
pub(crate) mod list;
pub(crate) mod person;
pub(crate) mod repository;
pub(crate) mod rose;
