//! Cursors for lists ordered by a number and an id, and the check for NUL in text.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::fault::Fault;
use model::reason::Reason;
use rand::RngCore;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::database::Database;
use crate::error::{Error, Result};
use crate::shared_key::{self, SharedKey};

/// The setting that stores the key, so that all nodes read each other's cursors.
const SETTING: &str = "cursor_key";

/// Encrypts cursors. Ids are consecutive: in clear text they would tell how many repositories or accounts there are,
/// hidden ones included.
#[derive(Debug)]
pub(crate) struct CursorKey(LessSafeKey);

impl CursorKey {
    /// Reads the key from the database, or creates it.
    pub(crate) async fn open(database: &Database) -> Result<Self> {
        Self::of(&shared_key::open(database, SETTING).await?)
    }

    fn of(key: &SharedKey) -> Result<Self> {
        let key = UnboundKey::new(&CHACHA20_POLY1305, key).map_err(|_| Error::Corrupt("setting.cursor_key"))?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Returns the cursor after an item with this number and id.
    pub(crate) fn after(&self, number: i64, id: i64) -> String {
        let mut nonce = [0; NONCE_LEN];
        rand::rng().fill_bytes(&mut nonce);
        let mut text = [number.to_be_bytes(), id.to_be_bytes()].concat();
        // Sixteen bytes are far below the longest text that can be encrypted.
        let sealed = self.0.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut text);
        debug_assert!(sealed.is_ok());
        URL_SAFE_NO_PAD.encode([nonce.as_slice(), &text].concat())
    }

    /// Returns the number and id in a cursor.
    pub(crate) fn position(&self, text: &str) -> Result<(i64, i64)> {
        self.unsealed(text).ok_or_else(wrong)
    }

    fn unsealed(&self, text: &str) -> Option<(i64, i64)> {
        let mut bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk_mut::<NONCE_LEN>()?;
        let clear = self.0.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::empty(), sealed).ok()?;
        let (number, id) = clear.split_first_chunk::<8>()?;
        Some((i64::from_be_bytes(*number), i64::from_be_bytes(id.try_into().ok()?)))
    }
}

/// The error for an invalid cursor.
pub(crate) fn wrong() -> Error {
    Error::Fault(Fault::invalid("cursor", Reason::CursorInvalid))
}

/// Rejects NUL, which PostgreSQL cannot store in text.
pub(crate) fn no_zero(field: &str, text: &str) -> Result<()> {
    if text.contains('\0') {
        return Err(Error::Fault(Fault::invalid(field, Reason::UnsupportedCharacter)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::each_database;

    fn key(byte: u8) -> CursorKey {
        CursorKey::of(&[byte; 32]).unwrap()
    }

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_tells_nothing() {
        let key_of_hub = key(1);
        let cursor = key_of_hub.after(-7, i64::MAX);
        assert_eq!(key_of_hub.position(&cursor).unwrap(), (-7, i64::MAX));
        assert_ne!(cursor, key_of_hub.after(-7, i64::MAX));
        assert!(key(2).position(&cursor).is_err());
        let changed = format!("{}{}", if cursor.starts_with('A') { "B" } else { "A" }, &cursor[1..]);
        for bad in ["", ".", "1.2", "AAAA", &changed, &cursor[2..], &cursor[..cursor.len() - 2]] {
            assert!(key_of_hub.position(bad).is_err(), "{bad}");
        }
    }

    each_database! {
        async fn all_nodes_read_the_same_cursors(fixture: &Fixture) {
            let (one, other) = (fixture.again().await, fixture.again().await);
            let cursor = one.cursors().after(3, 5);
            assert_eq!(other.cursors().position(&cursor).unwrap(), (3, 5));
        }
    }
}
