//! The one policy place: who is asking, what they are to a repository, and whether that is enough.
//! Viewers, permits and scopes are made here and nowhere else; what they open is the other files' affair.

mod need;
mod permit;
mod scope;
mod standing;
mod verdict;
mod viewer;

pub use need::{Comment, Delete, Manage, Need, NeedKind, Own, Pull, Push, See, Star};
pub use permit::{Covers, Permit};
pub use scope::Scope;
pub(crate) use scope::{LIBRARY, has_role, is_library};
pub(crate) use standing::Standings;
pub use standing::{Ground, Reach, Standing};
pub use verdict::{Verdict, verdict};
pub use viewer::Viewer;

#[cfg(test)]
mod tests;
