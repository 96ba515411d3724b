//! What pages may ask for, for one viewer.
