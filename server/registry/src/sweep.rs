//! The end of what nothing needs: objects that the ledger has put in the trash are deleted from storage.
//! It refuses to decide what is needed; the ledger's foreign keys have done so before a key comes here.

use crate::engine::Engine;
use crate::error::{Error, ledger, storage};

impl Engine {
    /// Deletes at most `limit` objects out of the trash; how many. The object goes first, then the row: what breaks off in between is
    /// done again, and deleting twice does no harm because a key is never used again.
    pub async fn take_out_trash(&self, limit: u64) -> Result<usize, Error> {
        let keys = self.inner.ledger.trash(limit).await.map_err(ledger)?;
        for key in &keys {
            self.inner.storage.delete(key).await.map_err(storage)?;
        }
        if !keys.is_empty() {
            self.inner.ledger.forget_trash(&keys).await.map_err(ledger)?;
        }
        Ok(keys.len())
    }
}
