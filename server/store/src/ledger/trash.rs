//! Keys of objects that nothing needs any more, until the sweep has deleted the objects.
//! It refuses to know how a key came here and where its bytes are.

use model::clock::Timestamp;
use registry::ledger::Segment;
use sea_orm::ConnectionTrait;

use crate::Result;
use crate::sql;

/// Adds the segments' objects.
pub(crate) async fn add(on: &impl ConnectionTrait, segments: &[Segment], now: Timestamp) -> Result<()> {
    for batch in segments.chunks(sql::BATCH) {
        let values = batch.iter().flat_map(|segment| [segment.key.as_str().into(), now.micros().into()]);
        let insert =
            format!("INSERT INTO trash (key, since) VALUES {} ON CONFLICT (key) DO NOTHING", sql::rows(2, batch.len()));
        sql::execute(on, &insert, values).await?;
    }
    Ok(())
}

/// Keys, oldest first.
pub(super) async fn list(on: &impl ConnectionTrait, limit: u64) -> Result<Vec<String>> {
    let rows = sql::all(on, "SELECT key FROM trash ORDER BY since, key LIMIT $1", [sql::signed(limit).into()]).await?;
    rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
}

/// Forgets keys whose objects are gone.
pub(super) async fn forget(on: &impl ConnectionTrait, keys: &[String]) -> Result<()> {
    for batch in keys.chunks(sql::BATCH) {
        let delete = format!("DELETE FROM trash WHERE key IN ({})", sql::list(1, batch.len()));
        sql::execute(on, &delete, batch.iter().map(Into::into)).await?;
    }
    Ok(())
}
