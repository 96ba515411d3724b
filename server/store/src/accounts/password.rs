//! Hashing and verifying passwords with argon2id on blocking threads, a few at a time.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::available_parallelism;
use std::time::Duration;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use model::account::{MAX_PASSWORD, MIN_PASSWORD};
use model::fault::{Fault, FieldFault};
use model::reason::Reason;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use unicode_normalization::UnicodeNormalization;

use crate::error::{Error, Result};

/// Memory in KiB, as recommended by OWASP's Password Storage Cheat Sheet together with two passes and one lane.
const MEMORY: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// How long a caller waits for a hashing permit before being asked to try again later.
const PATIENCE: Duration = Duration::from_secs(10);

/// The hash to verify against if there is no such account, so that an unknown name takes as long as a known one.
static DUMMY: OnceLock<String> = OnceLock::new();

/// The number of callers that may wait for a hashing permit.
const QUEUE: usize = 256;

/// Permits for hashing: each hash uses a core and 19 MiB, so there are only as many permits as cores, from 2 to 8.
#[derive(Clone, Debug)]
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    memory: MemoryPool,
}

/// A permit to hash. A count of failures read while holding it misses at most as many guesses as there are permits.
pub(crate) struct HashingPermit {
    _permit: OwnedSemaphorePermit,
    memory: MemoryPool,
}

/// Memory for hashing that no permit uses. It is reused, because the allocator would keep what is freed for each of the
/// many threads that hash from time to time.
type MemoryPool = Arc<Mutex<Vec<Vec<Block>>>>;

impl Passwords {
    pub(crate) fn new() -> Self {
        let cores = available_parallelism().map_or(2, usize::from).clamp(2, 8);
        Self {
            turns: Arc::new(Semaphore::new(cores)),
            queue: Arc::new(Semaphore::new(QUEUE)),
            memory: MemoryPool::default(),
        }
    }

    /// Waits for a permit; fails if too many callers are waiting already.
    pub(crate) async fn turn(&self) -> Result<HashingPermit> {
        let _place = self.queue.try_acquire().map_err(|_| Error::Fault(Fault::too_many(10)))?;
        match tokio::time::timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(HashingPermit { _permit: permit, memory: Arc::clone(&self.memory) }),
            Ok(Err(_)) | Err(_) => Err(Error::Fault(Fault::too_many(10))),
        }
    }
}

impl HashingPermit {
    /// Hashes a password with a random salt, in PHC string format.
    pub(crate) async fn hash(self, password: &str) -> Result<String> {
        let password = prepared(password);
        run(move || {
            // Hold the permit until the hash is computed, even if the caller is dropped earlier.
            let turn = self;
            turn.hash_now(&password)
        })
        .await
    }

    /// Whether a password matches a hash. Returns `false` without a hash, after the same time.
    pub(crate) async fn verify(self, password: &str, hash: Option<String>) -> Result<bool> {
        // No valid password is longer, so longer input cannot slow down hashing.
        let password = if password.len() > MAX_PASSWORD { String::new() } else { prepared(password) };
        run(move || {
            // Hold the permit until the hash is computed, even if the caller is dropped earlier.
            let turn = self;
            let known = hash.is_some();
            let hash = match hash {
                Some(hash) => hash,
                None => turn.dummy()?,
            };
            Ok(turn.matches(&password, &hash)? && known)
        })
        .await
    }

    /// Returns the hash of no account's password.
    fn dummy(&self) -> Result<String> {
        if let Some(dummy) = DUMMY.get() {
            return Ok(dummy.clone());
        }
        let dummy = self.hash_now("nobody's password")?;
        Ok(DUMMY.get_or_init(|| dummy).clone())
    }

    fn hash_now(&self, password: &str) -> Result<String> {
        let (params, salt) = (Params::new(MEMORY, PASSES, LANES, None).map_err(failed)?, Salt::generate());
        let hash = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&params).map_err(failed)?,
            salt: Some(salt),
            hash: Some(self.output(Version::V0x13, params, &salt, password)?),
        };
        Ok(hash.to_string())
    }

    fn matches(&self, password: &str, hash: &str) -> Result<bool> {
        let malformed = || Error::Corrupt("account.password_hash");
        let hash = PasswordHash::new(hash).map_err(|_| malformed())?;
        let params = Params::try_from(&hash).map_err(|_| malformed())?;
        let version = hash.version.and_then(|version| Version::try_from(version).ok()).ok_or_else(malformed)?;
        let (Some(salt), Some(expected)) = (hash.salt, hash.hash) else { return Err(malformed()) };
        // The comparison takes constant time.
        Ok(hash.algorithm == Algorithm::Argon2id.ident() && self.output(version, params, &salt, password)? == expected)
    }

    fn output(&self, version: Version, params: Params, salt: &Salt, password: &str) -> Result<Output> {
        let mut output = vec![0; params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN)];
        let mut memory = self.pool().pop().unwrap_or_default();
        memory.resize(params.block_count(), Block::default());
        let argon2 = Argon2::new(Algorithm::Argon2id, version, params);
        let hashed = argon2.hash_password_into_with_memory(password.as_bytes(), salt, &mut output, &mut memory);
        self.pool().push(memory);
        hashed.map_err(failed)?;
        Output::new(&output).map_err(failed)
    }

    fn pool(&self) -> MutexGuard<'_, Vec<Vec<Block>>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed<E>(_: E) -> Error {
    Error::Corrupt("password hashing")
}

async fn run<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(Error::Corrupt("password hashing")))
}

/// Prepares a password as RFC 8265 (`OpaqueString`, section 4.2) describes, so that it does not depend on how a
/// keyboard composes accents and spaces: in normalisation form C, with ASCII spaces.
fn prepared(password: &str) -> String {
    let spaces = |c: char| if c.is_whitespace() && !c.is_control() { ' ' } else { c };
    password.chars().map(spaces).nfc().collect()
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
    use argon2::password_hash::{PasswordHasher, PasswordVerifier};

    use super::*;

    #[tokio::test]
    async fn a_password_is_kept_with_the_recommended_cost_and_checks_out() {
        let passwords = Passwords::new();
        let hash = passwords.turn().await.unwrap().hash("correct horse").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        for (password, matches) in [("correct horse", true), ("correct\u{a0}horse", true), ("wrong horse", false)] {
            let turn = passwords.turn().await.unwrap();
            assert_eq!(turn.verify(password, Some(hash.clone())).await.unwrap(), matches, "{password}");
        }
    }

    #[tokio::test]
    async fn hashes_of_the_library_check_out_and_memory_is_reused() {
        let passwords = Passwords::new();
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(1024, 3, 1, None).unwrap());
        let hash: PasswordHash = argon2.hash_password(b"correct horse").unwrap();
        for (password, matches) in [("correct horse", true), ("wrong horse", false), ("correct horse", true)] {
            let turn = passwords.turn().await.unwrap();
            assert_eq!(turn.verify(password, Some(hash.to_string())).await.unwrap(), matches, "{password}");
        }
        let ours = passwords.turn().await.unwrap().hash("correct horse").await.unwrap();
        assert!(Argon2::default().verify_password(b"correct horse", &*ours).is_ok());
        assert_eq!(passwords.memory.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_password_is_the_same_however_its_accents_are_typed() {
        let passwords = Passwords::new();
        for (typed, again) in [("p\u{e4}ssword", "pa\u{308}ssword"), ("\u{1e69}even keys", "s\u{307}\u{323}even keys")]
        {
            let hash = passwords.turn().await.unwrap().hash(typed).await.unwrap();
            assert!(passwords.turn().await.unwrap().verify(again, Some(hash.clone())).await.unwrap(), "{again}");
            assert!(!passwords.turn().await.unwrap().verify("password", Some(hash)).await.unwrap());
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_caller_who_hangs_up_keeps_the_permit_until_the_hash_is_computed() {
        let passwords = Passwords::new();
        let hash = passwords.turn().await.unwrap().hash("correct horse").await.unwrap();
        let permits = passwords.turns.available_permits();
        for _ in 0..permits {
            let (turn, hash) = (passwords.turn().await.unwrap(), hash.clone());
            let hashing = tokio::spawn(async move { turn.verify("wrong horse", Some(hash)).await });
            tokio::time::sleep(Duration::from_millis(1)).await;
            hashing.abort();
        }
        // A hash takes longer than the sleeps above, so that at least the last permit is still held.
        assert!(passwords.turns.available_permits() < permits);
    }

    #[tokio::test]
    async fn callers_beyond_the_queue_are_refused_at_once() {
        let passwords = Passwords::new();
        let cores = passwords.turns.available_permits();
        let held: Vec<HashingPermit> =
            futures::future::try_join_all((0..cores).map(|_| passwords.turn())).await.unwrap();
        let waiting: Vec<_> = (0..QUEUE)
            .map(|_| {
                let passwords = passwords.clone();
                tokio::spawn(async move { passwords.turn().await.is_ok() })
            })
            .collect();
        while passwords.queue.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(passwords.turn().await.is_err());
        drop(held);
        for turn in waiting {
            assert!(turn.await.unwrap());
        }
    }

    #[tokio::test]
    async fn without_a_hash_no_password_is_right_not_even_the_dummy() {
        let turn = Passwords::new().turn().await.unwrap();
        assert!(!turn.verify("nobody's password", None).await.unwrap());
    }
}
