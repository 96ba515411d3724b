//! Secrets created by this site and stored only as a hash: tokens, invitations, the setup link. Passwords are chosen by
//! people and need a slow hash instead.

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use rand::RngCore;
use sha2::{Digest, Sha256};

/// Creates a secret of 256 random bits, with a prefix by which scanners recognise it.
pub(crate) fn generate(prefix: &str) -> String {
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    format!("{prefix}{}", BASE32_NOPAD.encode(&bytes).to_lowercase())
}

/// The stored form of a secret: its SHA-256 in hexadecimal. A secret of 256 bits needs neither salt nor a slow hash.
pub(crate) fn hash(secret: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(secret.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_secrets_are_never_alike() {
        let (one, other) = (generate("ptl_"), generate("ptl_"));
        assert!(one.starts_with("ptl_") && one.len() == 56 && one != other);
        assert_ne!(hash(&one), hash(&other));
    }
}
