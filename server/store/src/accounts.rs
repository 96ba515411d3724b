//! Accounts: sign-up, sign-in, profile and administration.

mod administration;
pub(crate) mod backoff;
mod invitations;
mod password;
mod profile;
mod registration;
mod row;
mod setup;
mod sign_in;
pub(crate) mod tokens;

pub use administration::AccountEntry;
pub use backoff::subscriber;
pub(crate) use password::Passwords;
pub(crate) use profile::by_name;
pub(crate) use row::AccountRow;

#[cfg(test)]
mod tests;
