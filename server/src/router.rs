//! Where everything is mounted.
