//! Parser and verifier for htpasswd files with bcrypt hashes, as `htpasswd -B` writes them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use tokio::sync::Semaphore;

/// How long a verified password is cached, because bcrypt is too slow to run for every request.
const CACHE_TIME: Duration = Duration::from_mins(1);
const CACHE_CAPACITY: u64 = 10_000;
/// The number of hashes that may be computed at the same time.
const CONCURRENT_HASHES: usize = 2;
/// A hash to verify for unknown names, so that they take as long as known ones.
const UNKNOWN_USER: &str = "$2b$10$abcdefghijklmnopqrstuuN2XGQ4rWnvXv3iUYqnd1BHv9qbPWKlG";

/// Why an htpasswd file is not valid.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidHtpasswd {
    /// A line is not empty, a comment or `name:hash`; holds its number.
    #[error("line {0}: expected <name>:<hash>")]
    Line(usize),
    /// A line's hash is not a bcrypt hash; holds the line's number.
    #[error("line {0}: not a bcrypt hash; create one with htpasswd -B")]
    Hash(usize),
}

/// The users in a file, with their password hashes.
pub struct Htpasswd {
    hashes: HashMap<String, Arc<str>>,
    verified: Cache<[u8; 32], ()>,
    permits: Arc<Semaphore>,
}

impl Htpasswd {
    /// Parses the text of a file.
    pub fn parse(text: &str) -> Result<Self, InvalidHtpasswd> {
        let mut hashes = HashMap::new();
        for (number, line) in text.lines().enumerate().map(|(index, line)| (index + 1, line.trim())) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, hash) =
                line.split_once(':').filter(|(name, _)| !name.is_empty()).ok_or(InvalidHtpasswd::Line(number))?;
            if !["$2a$", "$2b$", "$2y$"].iter().any(|kind| hash.starts_with(kind)) || hash.len() != UNKNOWN_USER.len() {
                return Err(InvalidHtpasswd::Hash(number));
            }
            hashes.insert(name.to_owned(), Arc::from(hash));
        }
        let verified = Cache::builder().max_capacity(CACHE_CAPACITY).time_to_live(CACHE_TIME).build();
        Ok(Self { hashes, verified, permits: Arc::new(Semaphore::new(CONCURRENT_HASHES)) })
    }

    /// Whether the file has this user with this password.
    pub async fn verify(&self, name: &str, password: &str) -> bool {
        let key: [u8; 32] = Sha256::new().chain_update(name).chain_update([0]).chain_update(password).finalize().into();
        if self.verified.contains_key(&key) {
            return true;
        }
        let Ok(permit) = self.permits.clone().acquire_owned().await else { return false };
        let (hash, password) = (self.hashes.get(name).cloned(), password.to_owned());
        let right = tokio::task::spawn_blocking(move || {
            // Hold the permit until the hash is computed, even if the caller is dropped earlier.
            let _permit = permit;
            let right = bcrypt::verify(password, hash.as_deref().unwrap_or(UNKNOWN_USER)).unwrap_or(false);
            right && hash.is_some()
        });
        let right = right.await.unwrap_or(false);
        if right {
            self.verified.insert(key, ());
        }
        right
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_a_name_in_the_file_admits() {
        let hash = bcrypt::hash("correct", 4).unwrap();
        let file = Htpasswd::parse(&format!("# people\n\nada:{hash}\n")).unwrap();
        assert!(file.verify("ada", "correct").await);
        assert!(file.verify("ada", "correct").await, "from memory");
        assert!(!file.verify("ada", "wrong").await);
        assert!(!file.verify("bob", "correct").await);
    }

    #[test]
    fn a_file_with_other_hashes_is_refused_by_its_line() {
        assert_eq!(Htpasswd::parse("ada:$apr1$x$y").err(), Some(InvalidHtpasswd::Hash(1)));
        assert_eq!(Htpasswd::parse("\nada").err(), Some(InvalidHtpasswd::Line(2)));
    }
}
