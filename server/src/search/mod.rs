//! Search.

/// The search index of this node.
pub struct Search;
