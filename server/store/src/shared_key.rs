//! Random keys that are stored in the database, so that all nodes use the same ones.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngCore;
use sea_orm::{ActiveValue, EntityTrait};

use crate::Store;
use crate::access::Exemption;
use crate::database::{Database, Tx};
use crate::entity::setting;
use crate::error::{Error, Result};

/// A random key.
pub type SharedKey = [u8; 32];

/// Reads the key that a setting stores, or creates it.
pub(crate) async fn open(database: &Database, name: &'static str) -> Result<SharedKey> {
    let find = || setting::Entity::find_by_id(name).one(database.read(&Exemption::Startup));
    if let Some(row) = find().await? {
        return parse(&row.value);
    }
    let mut bytes = SharedKey::default();
    rand::rng().fill_bytes(&mut bytes);
    let value = URL_SAFE_NO_PAD.encode(bytes);
    let keep = |tx: Arc<Tx>| {
        let name = ActiveValue::Set(name.to_owned());
        let row = setting::ActiveModel { name, value: ActiveValue::Set(value.clone()) };
        async move {
            // Another node may have been faster.
            let insert = setting::Entity::insert(row).on_conflict_do_nothing_on([setting::Column::Name]);
            insert.exec_without_returning(&*tx).await
        }
    };
    database.write(&Exemption::Startup, keep).await?;
    parse(&find().await?.ok_or(Error::Absent)?.value)
}

fn parse(text: &str) -> Result<SharedKey> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok();
    bytes.and_then(|bytes| bytes.try_into().ok()).ok_or(Error::Corrupt("setting"))
}

impl Store {
    /// Returns the key of links to pictures.
    pub async fn picture_key(&self) -> Result<SharedKey> {
        open(self.database(), "picture_key").await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::each_database;

    #[test]
    fn only_a_key_of_the_right_length_is_read() {
        assert_eq!(parse(&URL_SAFE_NO_PAD.encode([7; 32])).unwrap(), [7; 32]);
        for text in ["", "?", &URL_SAFE_NO_PAD.encode([7; 31]), &URL_SAFE_NO_PAD.encode([7; 33])] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    each_database! {
        async fn all_nodes_have_the_same_picture_key_which_is_no_other(fixture: &Fixture) {
            let (one, other) = (fixture.again().await, fixture.again().await);
            let (key, same) = futures::future::join(one.picture_key(), other.picture_key()).await;
            let key = key.unwrap();
            assert_eq!(same.unwrap(), key);
            assert_eq!(fixture.again().await.picture_key().await.unwrap(), key);
            assert_ne!(open(one.database(), "cursor_key").await.unwrap(), key);
        }
    }
}
