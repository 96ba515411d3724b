//! Secrets that this site gives out once and keeps only as a hash: tokens, invitations, the setup link.
//! Passwords are not made here: people choose them, so they need a slow hash.

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use rand::RngCore;
use sha2::{Digest, Sha256};

/// A new secret of 256 random bits, after a prefix by which scanners recognise it.
pub(crate) fn generate(prefix: &str) -> String {
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    format!("{prefix}{}", BASE32_NOPAD.encode(&bytes).to_lowercase())
}

/// What is kept of a secret: its SHA-256 in hexadecimal. A secret of 256 bits needs no salt and no slowness.
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
