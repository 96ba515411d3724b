//! What opens the database to a function of this package: a proof of who acts, or a named exemption.

use super::namespace::CreatePermit;
use super::need::Need;
use super::permit::Permit;
use super::scope::Scope;
use super::viewer::{Administrator, OwnAccount, System, Viewer};

/// Proof that a function may touch rows. Whatever implements it can be made only by this module, from credentials or by a
/// verdict.
pub(crate) trait Proof {}

impl Proof for Viewer {}
impl<N: Need> Proof for Permit<N> {}
impl Proof for CreatePermit {}
impl Proof for Scope {}
impl Proof for OwnAccount {}
impl Proof for Administrator {}
impl Proof for System {}
impl Proof for Exemption {}

/// Why a function touches rows without knowing who acts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Exemption {
    /// It checks credentials and makes a viewer of them.
    Credentials,
    /// It keeps a browser's session, which is found by its secret.
    Session,
    /// It makes an account of somebody who has none yet: signing up, invitations, the first administrator.
    SignUp,
    /// It reads or makes the keys that bearer tokens are signed with.
    SigningKeys,
    /// It is the engine's ledger, whose callers have been permitted.
    Ledger,
    /// It prepares the database when the store is opened, or asks whether it answers.
    Startup,
    /// It is a test.
    #[cfg(test)]
    Test,
}
