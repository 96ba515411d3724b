//! Deletes unused objects from storage.

use crate::context::Context;
use crate::error::Error;

/// Deletes up to `limit` objects in the trash and returns their number.
///
/// The object is deleted before its row, so that an interrupted run is repeated. Deleting an object twice is harmless
/// because keys are never reused.
pub(crate) async fn delete_trash(context: &Context, limit: u64) -> Result<usize, Error> {
    let keys = context.ledger.trash(limit).await.map_err(Error::from_ledger)?;
    for key in &keys {
        context.storage.delete(key).await.map_err(Error::from_storage)?;
    }
    if !keys.is_empty() {
        context.ledger.forget_trash(&keys).await.map_err(Error::from_ledger)?;
    }
    Ok(keys.len())
}
