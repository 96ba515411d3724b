//! Blobs of any size made of one block of noise. They are the same on every run, differ in their last bytes, and are
//! hashed without being held in memory.

use std::fmt::Write as _;
use std::io::{self, Write};

use sha2::{Digest as _, Sha256};

use crate::bench::number::MIB;

/// The length of the repeated block, in bytes: more than fits into the caches of a processor core.
const BLOCK: u64 = 8 * MIB;
/// The number of bytes at the end that distinguish blobs of the same size.
const TAIL: usize = 32;
const TAIL_LENGTH: u64 = 32;

/// A block of noise, of which blobs are made.
pub(crate) struct Noise {
    block: Vec<u8>,
}

/// Blobs of one size. Their common part is hashed once.
pub(crate) struct Size<'a> {
    noise: &'a Noise,
    blocks: u64,
    hash: Sha256,
}

/// A blob.
pub(crate) struct Blob<'a> {
    noise: &'a Noise,
    blocks: u64,
    tail: [u8; TAIL],
    /// The digest: `sha256:` and 64 hexadecimal digits.
    pub(crate) digest: String,
}

impl Noise {
    /// Generates a block that is the same on every run and cannot be compressed.
    pub(crate) fn new() -> Noise {
        let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut block = Vec::new();
        for _ in 0..BLOCK / 8 {
            // Marsaglia's xorshift64, which is random enough for bytes that are only transferred.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            block.extend_from_slice(&state.to_le_bytes());
        }
        Noise { block }
    }

    /// Returns blobs of this many MiB, rounded down to whole blocks, plus their tails.
    pub(crate) fn size(&self, mebibytes: u64) -> Size<'_> {
        let blocks = mebibytes * MIB / BLOCK;
        let mut hash = Sha256::new();
        for _ in 0..blocks {
            hash.update(&self.block);
        }
        Size { noise: self, blocks, hash }
    }
}

impl<'a> Size<'a> {
    /// Returns the blob with this number.
    pub(crate) fn blob(&self, number: u64) -> Blob<'a> {
        let mut tail = [b'.'; TAIL];
        for (place, byte) in tail.iter_mut().zip(number.to_be_bytes()) {
            *place = byte;
        }
        let mut hash = self.hash.clone();
        hash.update(tail);
        Blob { noise: self.noise, blocks: self.blocks, tail, digest: digest(hash) }
    }
}

impl Blob<'_> {
    /// The length in bytes.
    pub(crate) fn length(&self) -> u64 {
        self.blocks * BLOCK + TAIL_LENGTH
    }

    /// Writes the whole blob.
    pub(crate) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        for _ in 0..self.blocks {
            to.write_all(&self.noise.block)?;
        }
        to.write_all(&self.tail)
    }
}

/// Returns the digest of some bytes.
pub(crate) fn digest_of(bytes: &[u8]) -> String {
    digest(Sha256::new_with_prefix(bytes))
}

fn digest(hash: Sha256) -> String {
    let mut text = String::from("sha256:");
    for byte in hash.finalize() {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_what_was_hashed() {
        let noise = Noise::new();
        for mebibytes in [0, 16] {
            let blob = noise.size(mebibytes).blob(7);
            let mut sent = Vec::new();
            blob.write(&mut sent).unwrap();
            assert_eq!(u64::try_from(sent.len()).unwrap(), blob.length());
            assert_eq!(blob.digest, digest_of(&sent));
        }
    }

    #[test]
    fn blobs_of_one_size_are_not_one_blob() {
        let noise = Noise::new();
        let size = noise.size(8);
        assert_ne!(size.blob(1).digest, size.blob(2).digest);
    }

    #[test]
    fn a_digest_is_the_one_everybody_makes() {
        assert_eq!(digest_of(b""), "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
