//! Components: functions that render values as markup. They receive their data as parameters.

#[cfg(feature = "ssr")]
pub(crate) mod artifact;
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
