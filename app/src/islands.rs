//! The few places of a page that wake in the browser: each a leaf, each with a plain form or link that works without.
//! An island knows its own props and its action, and nothing of the page around it.

pub(crate) mod confirm;
pub(crate) mod copy;
pub(crate) mod editor;
pub(crate) mod search;
pub(crate) mod star;
pub(crate) mod theme;
