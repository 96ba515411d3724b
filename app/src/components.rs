//! Components: functions from a view to markup. They receive all their data as parameters.

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
