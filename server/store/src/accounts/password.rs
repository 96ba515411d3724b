//! Hashing and verifying passwords with argon2id on blocking threads, a few at a time.

use std::sync::{Arc, LazyLock};
use std::thread::available_parallelism;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use model::account::{MAX_PASSWORD, MIN_PASSWORD};
use model::fault::{Fault, FieldFault};
use model::reason::Reason;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Error, Result};

/// Memory in KiB, as recommended by OWASP's Password Storage Cheat Sheet together with two passes and one lane.
const MEMORY: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// How long a caller waits for a hashing permit before being asked to try again later.
const PATIENCE: Duration = Duration::from_secs(10);

/// The hash to verify against if there is no such account, so that an unknown name takes as long as a known one.
static DUMMY: LazyLock<Option<String>> = LazyLock::new(|| hash_now("nobody's password").ok());

/// Permits for hashing: each hash uses a core and 19 MiB, so there are only as many permits as cores, from 2 to 8.
#[derive(Clone, Debug)]
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
}

/// A permit to hash. A count of failures read while holding it misses at most as many guesses as there are permits.
pub(crate) struct HashingPermit {
    _permit: OwnedSemaphorePermit,
}

impl Passwords {
    pub(crate) fn new() -> Self {
        let cores = available_parallelism().map_or(2, usize::from).clamp(2, 8);
        Self { turns: Arc::new(Semaphore::new(cores)) }
    }

    /// Waits for a permit.
    pub(crate) async fn turn(&self) -> Result<HashingPermit> {
        match tokio::time::timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(HashingPermit { _permit: permit }),
            Ok(Err(_)) | Err(_) => Err(Error::Fault(Fault::too_many(10))),
        }
    }
}

impl HashingPermit {
    /// Hashes a password with a random salt, in PHC string format.
    pub(crate) async fn hash(self, password: &str) -> Result<String> {
        let password = password.to_owned();
        run(move || {
            let _turn = self;
            hash_now(&password)
        })
        .await
    }

    /// Whether a password matches a hash. Returns `false` without a hash, after the same time.
    pub(crate) async fn verify(&self, password: &str, hash: Option<String>) -> Result<bool> {
        // Truncate the input, so that long input cannot slow down hashing. No valid password is that long.
        let password = password.get(..password.len().min(MAX_PASSWORD + 1)).unwrap_or_default().to_owned();
        run(move || {
            let known = hash.is_some();
            let hash = hash.or_else(|| DUMMY.clone()).ok_or(Error::Corrupt("password hashing"))?;
            let hash = PasswordHash::new(&hash).map_err(|_| Error::Corrupt("account.password_hash"))?;
            let matches = argon2()?.verify_password(password.as_bytes(), &hash).is_ok();
            Ok(known && matches)
        })
        .await
    }
}

async fn run<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(Error::Corrupt("password hashing")))
}

fn argon2() -> Result<Argon2<'static>> {
    let params = Params::new(MEMORY, PASSES, LANES, None).map_err(|_| Error::Corrupt("password hashing"))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash_now(password: &str) -> Result<String> {
    let hash: PasswordHash =
        argon2()?.hash_password(password.as_bytes()).map_err(|_| Error::Corrupt("password hashing"))?;
    Ok(hash.to_string())
}

/// Returns what is wrong with a new password, if anything.
pub(crate) fn fault(field: &str, password: &str) -> Option<FieldFault> {
    let reason = if password.chars().count() < MIN_PASSWORD {
        Reason::PasswordTooShort { min: MIN_PASSWORD }
    } else if password.len() > MAX_PASSWORD {
        Reason::PasswordTooLong { max: MAX_PASSWORD }
    } else {
        return None;
    };
    Some(FieldFault { field: field.to_owned(), reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_kept_with_the_recommended_cost_and_checks_out() {
        let passwords = Passwords::new();
        let hash = passwords.turn().await.unwrap().hash("correct horse").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let turn = passwords.turn().await.unwrap();
        assert!(turn.verify("correct horse", Some(hash.clone())).await.unwrap());
        assert!(!turn.verify("wrong horse", Some(hash)).await.unwrap());
    }

    #[tokio::test]
    async fn without_a_hash_no_password_is_right_not_even_the_dummy() {
        let turn = Passwords::new().turn().await.unwrap();
        assert!(!turn.verify("nobody's password", None).await.unwrap());
    }
}
