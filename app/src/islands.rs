//! Islands: the few interactive parts of pages. Each contains a plain form or link that works without JavaScript.

pub(crate) mod confirm;
pub(crate) mod copy;
pub(crate) mod editor;
pub(crate) mod search;
pub(crate) mod star;
pub(crate) mod theme;
