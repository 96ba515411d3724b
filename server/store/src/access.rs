//! Access control: who the caller is, which role they have on a repository, and whether that is enough. Viewers,
//! permits and scopes can only be created through this module.

mod namespace;
mod need;
mod permit;
mod proof;
mod roles;
mod scope;
mod standing;
mod verdict;
mod viewer;

pub(crate) use namespace::CreatePermit;
pub use need::{Comment, Delete, Manage, Need, NeedKind, Own, Participate, Pull, Push, See, Star};
pub use permit::{Covers, Permit};
pub(crate) use proof::{Exemption, Proof};
pub(crate) use roles::{granted_to, is_admin, role_of, role_of_rank};
pub use scope::Scope;
pub(crate) use scope::{LIBRARY, document_terms};
pub(crate) use standing::Standings;
pub use standing::{AllowedActions, NamespaceStanding, RepositoryFacts, SiteStanding, Standing};
pub use verdict::{
    CommentAct, RoleChange, SiteNeed, Verdict, comment_verdict, create_verdict, role_verdict, site_verdict, verdict,
};
pub(crate) use viewer::Administrator;
pub use viewer::{System, Viewer};

#[cfg(test)]
mod tests;
