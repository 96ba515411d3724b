//! Incremental hashing whose state can be saved and resumed, even on another node.

use data_encoding::HEXLOWER;
use model::oci::{Algorithm, Digest};
use sha2::digest::common::hazmat::{SerializableState, SerializedState};
use sha2::{Digest as _, Sha256, Sha512};

use crate::error::{Error, InternalError};

/// The first byte of a saved state. Must change whenever the `sha2` crate changes the format of its states; a test
/// compares it with a known state.
const STATE_VERSION: u8 = 1;

/// A running hash.
#[derive(Clone)]
pub(crate) enum Hasher {
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Hasher {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
            Algorithm::Sha512 => Self::Sha512(Sha512::new()),
        }
    }

    /// Resumes from the state that [`Hasher::state`] returned. An empty state starts a new hash. Fails with
    /// [`Error::UploadUnknown`] for a state of another version of this program, so that the client starts again.
    pub(crate) fn resume(algorithm: Algorithm, state: &[u8]) -> Result<Self, Error> {
        if state.is_empty() {
            return Ok(Self::new(algorithm));
        }
        let resumed = state.strip_prefix(&[STATE_VERSION]).and_then(|state| match algorithm {
            Algorithm::Sha256 => restore(state).map(Self::Sha256),
            Algorithm::Sha512 => restore(state).map(Self::Sha512),
        });
        resumed.ok_or(Error::UploadUnknown)
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    /// Returns the state as bytes.
    pub(crate) fn state(&self) -> Vec<u8> {
        let mut state = vec![STATE_VERSION];
        match self {
            Self::Sha256(hasher) => state.extend_from_slice(&hasher.serialize()),
            Self::Sha512(hasher) => state.extend_from_slice(&hasher.serialize()),
        }
        state
    }

    /// Returns the digest of all bytes so far.
    pub(crate) fn finish(self) -> Result<Digest, Error> {
        let (algorithm, hex) = match self {
            Self::Sha256(hasher) => (Algorithm::Sha256, HEXLOWER.encode(&hasher.finalize())),
            Self::Sha512(hasher) => (Algorithm::Sha512, HEXLOWER.encode(&hasher.finalize())),
        };
        Digest::parse(&format!("{}:{hex}", algorithm.as_str())).map_err(|_| Error::Internal(InternalError::Digest))
    }
}

fn restore<H: SerializableState>(state: &[u8]) -> Option<H> {
    let state: &SerializedState<H> = state.try_into().ok()?;
    H::deserialize(state).ok()
}

/// Returns the digest of these bytes.
pub(crate) fn digest_of(algorithm: Algorithm, bytes: &[u8]) -> Result<Digest, Error> {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(bytes);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_hash_that_is_put_down_and_taken_up_is_the_same(bytes in any::<Vec<u8>>(), cut in any::<prop::sample::Index>()) {
            for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
                let (before, after) = bytes.split_at(cut.index(bytes.len() + 1));
                let mut hasher = Hasher::new(algorithm);
                hasher.update(before);
                let mut resumed = Hasher::resume(algorithm, &hasher.state()).unwrap();
                resumed.update(after);
                prop_assert_eq!(resumed.finish().unwrap(), digest_of(algorithm, &bytes).unwrap());
            }
        }

        #[test]
        fn a_state_that_is_none_is_an_error(state in prop::collection::vec(any::<u8>(), 1..60)) {
            prop_assert!(Hasher::resume(Algorithm::Sha512, &state).is_err());
        }
    }

    #[test]
    fn a_saved_state_has_the_format_of_its_version() {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        hasher.update(b"abc");
        let state = HEXLOWER.encode(&hasher.state());
        // The version, the eight words of the hash, the number of blocks, the length of the buffer, and the buffer.
        let words = "67e6096a85ae67bb72f36e3c3af54fa57f520e518c68059babd9831f19cde05b";
        let known = format!("01{words}{}03616263{}", "00".repeat(8), "00".repeat(60));
        assert_eq!(state, known, "raise STATE_VERSION and update the state here");
    }

    #[test]
    fn a_state_of_another_version_starts_the_upload_again() {
        let mut state = Hasher::new(Algorithm::Sha256).state();
        state[0] = STATE_VERSION + 1;
        assert!(matches!(Hasher::resume(Algorithm::Sha256, &state), Err(Error::UploadUnknown)));
    }

    #[test]
    fn digests_are_the_known_ones() {
        let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(digest_of(Algorithm::Sha256, b"").unwrap().as_str(), empty);
        assert!(digest_of(Algorithm::Sha512, b"abc").unwrap().as_str().starts_with("sha512:ddaf35a193617aba"));
    }
}
