//! Digests computed while bytes pass, with a state that can be put down and taken up on another node.
//! It refuses to know where the bytes come from.

use data_encoding::HEXLOWER;
use model::oci::{Algorithm, Digest};
use sha2::digest::common::hazmat::{SerializableState, SerializedState};
use sha2::{Digest as _, Sha256, Sha512};

use crate::error::Error;

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

    /// Takes up the state that [`Hasher::state`] gave; an empty one is a beginning.
    pub(crate) fn resume(algorithm: Algorithm, state: &[u8]) -> Result<Self, Error> {
        if state.is_empty() {
            return Ok(Self::new(algorithm));
        }
        let resumed = match algorithm {
            Algorithm::Sha256 => restore(state).map(Self::Sha256),
            Algorithm::Sha512 => restore(state).map(Self::Sha512),
        };
        resumed.ok_or(Error::Broken("an upload's hash state does not parse"))
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    /// The state as bytes.
    pub(crate) fn state(&self) -> Vec<u8> {
        match self {
            Self::Sha256(hasher) => hasher.serialize().to_vec(),
            Self::Sha512(hasher) => hasher.serialize().to_vec(),
        }
    }

    /// The digest of all bytes so far.
    pub(crate) fn finish(self) -> Result<Digest, Error> {
        let (algorithm, hex) = match self {
            Self::Sha256(hasher) => (Algorithm::Sha256, HEXLOWER.encode(&hasher.finalize())),
            Self::Sha512(hasher) => (Algorithm::Sha512, HEXLOWER.encode(&hasher.finalize())),
        };
        Digest::parse(&format!("{}:{hex}", algorithm.as_str())).map_err(|_| Error::Broken("a digest does not parse"))
    }
}

fn restore<H: SerializableState>(state: &[u8]) -> Option<H> {
    let state: &SerializedState<H> = state.try_into().ok()?;
    H::deserialize(state).ok()
}

/// The digest of bytes at hand.
pub(crate) fn digest_of(algorithm: Algorithm, bytes: &[u8]) -> Result<Digest, Error> {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(bytes);
    hasher.finish()
}
