//! The parts that pages are made of, as functions from a view to markup.
//! A part asks nobody for anything: what it shows is handed to it.

#[cfg(feature = "ssr")]
pub(crate) mod command;
#[cfg(feature = "ssr")]
pub(crate) mod copy;
pub(crate) mod icon;
#[cfg(feature = "ssr")]
pub(crate) mod list;
#[cfg(feature = "ssr")]
pub(crate) mod person;
#[cfg(feature = "ssr")]
pub(crate) mod repository;
#[cfg(feature = "ssr")]
pub(crate) mod rose;
