//! The one place for policy: who is asking, which role they have on a repository, and whether that is enough.
//! Viewers, permits and scopes are made here and nowhere else.

mod need;
mod permit;
mod roles;
mod scope;
mod standing;
mod verdict;
mod viewer;

pub use need::{Comment, Delete, Manage, Need, NeedKind, Own, Pull, Push, See, Star};
pub use permit::{Covers, Permit};
pub(crate) use roles::{granted_to, role_of, role_of_rank};
pub use scope::Scope;
pub(crate) use scope::{LIBRARY, is_library};
pub(crate) use standing::Standings;
pub use standing::{Ground, Reach, Standing};
pub use verdict::{Verdict, verdict};
pub use viewer::Viewer;

#[cfg(test)]
mod tests;
