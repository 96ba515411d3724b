//! REST v1.
