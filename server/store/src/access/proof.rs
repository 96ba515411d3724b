//! Proofs that are required for database access: who the caller is, or a named exemption.

use super::namespace::CreatePermit;
use super::need::Need;
use super::permit::Permit;
use super::scope::Scope;
use super::viewer::{Administrator, OwnAccount, System, Viewer};

/// Proof that a function may access rows: a caller with checked credentials, a positive verdict, or an [`Exemption`].
pub(crate) trait Proof {}

impl Proof for Viewer {}
impl<N: Need> Proof for Permit<N> {}
impl Proof for CreatePermit {}
impl Proof for Scope {}
impl Proof for OwnAccount {}
impl Proof for Administrator {}
impl Proof for System {}
impl Proof for Exemption {}

/// The reason why a function may access rows without knowing the caller.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Exemption {
    /// Checking credentials, to create a viewer from them.
    Credentials,
    /// Reading or writing a browser session, which is found by its secret.
    Session,
    /// Creating an account for a caller without one: sign-up, invitations, the first administrator.
    SignUp,
    /// Reading or creating the keys that sign bearer tokens.
    SigningKeys,
    /// The engine's ledger, whose callers have already been authorised.
    Ledger,
    /// Preparing the database when the store is opened, or a health check.
    Startup,
    /// A test.
    #[cfg(test)]
    Test,
}
