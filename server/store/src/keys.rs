//! The keys that sign bearer tokens: ES256, stored in the database so that all nodes use the same ones.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use data_encoding::BASE32;
use jsonwebtoken::{DecodingKey, EncodingKey};
use model::clock::Timestamp;
use p256::SecretKey;
use p256::elliptic_curve::sec1::ToEncodedPoint;
use p256::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey, LineEnding};
use rand::RngCore;
use sea_orm::ActiveValue::Set;
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, PaginatorTrait, QueryOrder, QuerySelect};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::access::Exemption;
use crate::entity::signing_key::{ActiveModel, Column, Entity};
use crate::error::{Error, Result};
use crate::{Store, sql};

/// The advisory lock held while creating the first key (PostgreSQL).
const LOCK: i64 = 8_101_976_114;

/// Unknown keys are looked up in the database at most once in this time.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// A key pair and its ids.
pub(crate) struct Key {
    /// Its thumbprint (RFC 7638).
    pub(crate) kid: String,
    /// Its id in the format of libtrust, which registries before 3.0 use.
    libtrust: String,
    x: String,
    y: String,
    pub(crate) signs: EncodingKey,
    pub(crate) verifies: DecodingKey,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// The keys known to this process, newest first, and when they were read.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    known: RwLock<Option<(Timestamp, Arc<[Key]>)>>,
}

impl Key {
    fn new(secret: &SecretKey) -> Result<Self> {
        let wrong = || Error::Corrupt("signing_key");
        let public = secret.public_key();
        let point = public.to_encoded_point(false);
        let (Some(x), Some(y)) = (point.x(), point.y()) else { return Err(wrong()) };
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let thumbprint = Sha256::digest(format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#));
        let spki = public.to_public_key_der().map_err(|_| wrong())?;
        let pkcs8 = secret.to_pkcs8_der().map_err(|_| wrong())?;
        Ok(Self {
            kid: URL_SAFE_NO_PAD.encode(thumbprint),
            libtrust: libtrust(spki.as_bytes()),
            signs: EncodingKey::from_ec_der(pkcs8.as_bytes()),
            verifies: DecodingKey::from_ec_components(&x, &y).map_err(|_| wrong())?,
            x,
            y,
        })
    }

    /// Whether it has this id.
    pub(crate) fn is(&self, kid: &str) -> bool {
        self.kid == kid || self.libtrust == kid
    }

    /// The public key as a JSON Web Key with this id (RFC 7517).
    fn public(&self, kid: &str) -> Value {
        json!({ "kty": "EC", "crv": "P-256", "x": self.x, "y": self.y, "kid": kid, "use": "sig", "alg": "ES256" })
    }
}

/// Returns the first 240 bits of the key's SHA-256 in base 32, in twelve groups of four characters.
fn libtrust(spki: &[u8]) -> String {
    let text = BASE32.encode(Sha256::digest(spki).get(..30).unwrap_or_default());
    let groups: Vec<&str> = (0..12).filter_map(|group| text.get(group * 4..group * 4 + 4)).collect();
    groups.join(":")
}

/// Generates a key. Keys whose coordinates begin with a zero byte are rejected, because registries that store them as
/// numbers compute another thumbprint than RFC 7638 specifies.
fn generate() -> SecretKey {
    let mut bytes = [0; 32];
    loop {
        rand::rng().fill_bytes(&mut bytes);
        let Ok(secret) = SecretKey::from_slice(&bytes) else { continue };
        let point = secret.public_key().to_encoded_point(false);
        let full = |coordinate: Option<&p256::FieldBytes>| coordinate.is_some_and(|c| c.first() != Some(&0));
        if full(point.x()) && full(point.y()) {
            return secret;
        }
    }
}

impl Store {
    /// Returns the public keys as a JSON Web Key Set, each under both ids that registries use.
    pub async fn jwks(&self) -> Result<Value> {
        let keys = self.signing_keys(|_| true).await?;
        let both = keys.iter().flat_map(|key| [key.public(&key.kid), key.public(&key.libtrust)]);
        Ok(json!({ "keys": both.collect::<Vec<_>>() }))
    }

    /// Returns all keys, newest first; creates the first one. Reads them again, at most every [`LOOK_AGAIN`], if
    /// `will_do` is false for all known ones.
    pub(crate) async fn signing_keys(&self, will_do: impl Fn(&Key) -> bool) -> Result<Arc<[Key]>> {
        let now = self.clock().now();
        if let Some((read_at, keys)) = self.keys().known.read().ok().and_then(|known| known.clone())
            && (keys.iter().any(&will_do) || read_at.until(now) < LOOK_AGAIN)
        {
            return Ok(keys);
        }
        let mut keys = self.read_keys().await?;
        if keys.is_empty() {
            self.make_key(now).await?;
            keys = self.read_keys().await?;
        }
        let keys: Arc<[Key]> = keys.into();
        if let Ok(mut known) = self.keys().known.write() {
            *known = Some((now, Arc::clone(&keys)));
        }
        Ok(keys)
    }

    async fn read_keys(&self) -> Result<Vec<Key>> {
        let pems: Vec<String> = Entity::find()
            .select_only()
            .column(Column::PrivatePem)
            .order_by_desc(Column::CreatedAt)
            .order_by_asc(Column::Kid)
            .into_tuple()
            .all(self.database().read(&Exemption::SigningKeys))
            .await?;
        let key = |pem: &String| {
            Key::new(&SecretKey::from_pkcs8_pem(pem).map_err(|_| Error::Corrupt("signing_key.private_pem"))?)
        };
        pems.iter().map(key).collect()
    }

    async fn make_key(&self, now: Timestamp) -> Result<()> {
        let secret = &generate();
        self.database().write(&Exemption::SigningKeys, |tx| async move { keep_first(&*tx, secret, now).await }).await
    }
}

/// Stores the first key, unless another node just did: nodes with different keys would reject each other's tokens for a
/// while.
async fn keep_first(on: &impl ConnectionTrait, secret: &SecretKey, now: Timestamp) -> Result<()> {
    let kid = Key::new(secret)?.kid;
    let pem = secret.to_pkcs8_pem(LineEnding::LF).map_err(|_| Error::Corrupt("signing_key"))?;
    if on.get_database_backend() == DbBackend::Postgres {
        // sea-query has no advisory locks.
        sql::execute(on, "SELECT pg_advisory_xact_lock($1)", [LOCK.into()]).await?;
    }
    if Entity::find().count(on).await? > 0 {
        return Ok(());
    }
    let row = ActiveModel { kid: Set(kid), private_pem: Set(pem.to_string()), created_at: Set(now.micros()) };
    Entity::insert(row).exec_without_returning(on).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use sea_orm::TransactionTrait;

    use super::*;
    use crate::testing::each_database;

    each_database! {
        async fn nodes_that_start_together_sign_with_one_key(fixture: &Fixture) {
            let now = fixture.store.clock().now();
            let other = fixture.store.database().pool().begin().await.unwrap();
            keep_first(&other, &generate(), now).await.unwrap();
            let (keys, ()) = tokio::join!(fixture.store.jwks(), async {
                tokio::time::sleep(Duration::from_millis(300)).await;
                other.commit().await.unwrap();
            });
            assert_eq!(keys.unwrap()["keys"].as_array().unwrap().len(), 2, "one key under two names");
            assert_eq!(fixture.rows("signing_key").await, 1);
        }
    }

    #[test]
    fn a_key_has_a_thumbprint_and_a_libtrust_name() {
        let key = Key::new(&generate()).unwrap();
        assert_eq!(key.kid.len(), 43);
        assert_eq!(key.libtrust.split(':').map(str::len).collect::<Vec<_>>(), vec![4; 12]);
        assert!(key.is(&key.kid) && key.is(&key.libtrust.clone()) && !key.is(""));
    }

    #[test]
    fn no_coordinate_of_a_key_begins_with_a_zero_byte() {
        for _ in 0..600 {
            let point = generate().public_key().to_encoded_point(false);
            assert_ne!(point.x().unwrap()[0], 0);
            assert_ne!(point.y().unwrap()[0], 0);
        }
    }
}
