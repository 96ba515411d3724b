//! An htpasswd file with bcrypt hashes, as `htpasswd -B` writes it, for an engine alone.
//! It refuses to know what those whom it names may do.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use tokio::sync::Semaphore;

/// How long a password that was right is known to be; bcrypt takes too long for every request.
const KNOWN: Duration = Duration::from_mins(1);
const MOST_KNOWN: u64 = 10_000;
/// How many hashes are computed at once.
const AT_ONCE: usize = 2;
/// A hash that no password has, for names that the file does not hold: the answer takes as long.
const NOBODY: &str = "$2b$10$abcdefghijklmnopqrstuuN2XGQ4rWnvXv3iUYqnd1BHv9qbPWKlG";

/// Why a file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unusable {
    /// A line is neither empty, a comment, nor `name:hash`.
    #[error("line {0} is not name:hash")]
    Line(usize),
    /// A line's hash is not bcrypt's.
    #[error("line {0} has no bcrypt hash; make it with htpasswd -B")]
    Hash(usize),
}

/// The names in a file with their hashes.
pub struct Htpasswd {
    hashes: HashMap<String, Arc<str>>,
    known: Cache<[u8; 32], ()>,
    turns: Semaphore,
}

impl Htpasswd {
    /// Reads a file's text.
    pub fn parse(text: &str) -> Result<Self, Unusable> {
        let mut hashes = HashMap::new();
        for (number, line) in text.lines().enumerate().map(|(index, line)| (index + 1, line.trim())) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, hash) =
                line.split_once(':').filter(|(name, _)| !name.is_empty()).ok_or(Unusable::Line(number))?;
            if !["$2a$", "$2b$", "$2y$"].iter().any(|kind| hash.starts_with(kind)) || hash.len() != NOBODY.len() {
                return Err(Unusable::Hash(number));
            }
            hashes.insert(name.to_owned(), Arc::from(hash));
        }
        let known = Cache::builder().max_capacity(MOST_KNOWN).time_to_live(KNOWN).build();
        Ok(Self { hashes, known, turns: Semaphore::new(AT_ONCE) })
    }

    /// Whether the file holds this name with this password.
    pub async fn admits(&self, name: &str, password: &str) -> bool {
        let key: [u8; 32] = Sha256::new().chain_update(name).chain_update([0]).chain_update(password).finalize().into();
        if self.known.contains_key(&key) {
            return true;
        }
        let Ok(_turn) = self.turns.acquire().await else { return false };
        let (hash, password) = (self.hashes.get(name).cloned(), password.to_owned());
        let right = tokio::task::spawn_blocking(move || {
            let right = bcrypt::verify(password, hash.as_deref().unwrap_or(NOBODY)).unwrap_or(false);
            right && hash.is_some()
        });
        let right = right.await.unwrap_or(false);
        if right {
            self.known.insert(key, ());
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
        assert!(file.admits("ada", "correct").await);
        assert!(file.admits("ada", "correct").await, "from memory");
        assert!(!file.admits("ada", "wrong").await);
        assert!(!file.admits("bob", "correct").await);
    }

    #[test]
    fn a_file_with_other_hashes_is_refused_by_its_line() {
        assert_eq!(Htpasswd::parse("ada:$apr1$x$y").err(), Some(Unusable::Hash(1)));
        assert_eq!(Htpasswd::parse("\nada").err(), Some(Unusable::Line(2)));
    }
}
