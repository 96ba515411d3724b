//! The end of a repository: all that is in it goes, in an order that the foreign keys accept, and its uploads' bytes go to
//! the trash. Blobs that nothing links to any more are left to the sweep, which knows how to do that beside pushes.

use model::event::What;
use sea_orm::{ConnectionTrait, DbBackend};

use super::change;
use crate::access::{Own, Permit};
use crate::database::Tx;
use crate::error::{Error, Result};
use crate::ledger::{segments, trash};
use crate::{Store, outbox, sql};

/// What hangs on a repository, children before what they refer to.
const ROWS: [&str; 12] = [
    "DELETE FROM tag WHERE repository_id = $1",
    "DELETE FROM image WHERE repository_id = $1",
    "DELETE FROM manifest_child WHERE repository_id = $1",
    "DELETE FROM manifest_blob WHERE repository_id = $1",
    "DELETE FROM manifest WHERE repository_id = $1",
    "DELETE FROM repository_blob WHERE repository_id = $1",
    "DELETE FROM tag_history WHERE repository_id = $1",
    "DELETE FROM comment WHERE repository_id = $1",
    "DELETE FROM star WHERE repository_id = $1",
    "DELETE FROM collaborator WHERE repository_id = $1",
    "DELETE FROM repository_alias WHERE repository_id = $1",
    "DELETE FROM repository WHERE id = $1",
];

impl Store {
    /// Deletes a repository and all that is in it.
    pub async fn delete_repository(&self, permit: Permit<Own>) -> Result<()> {
        let permit = &permit;
        let now = self.clock().now();
        self.database()
            .write(|tx| async move {
                lock(&tx, permit).await?;
                // What goes says itself what it held: an upload may move on until its row is taken.
                let uploads = "DELETE FROM upload WHERE repository_id = $1 RETURNING segments";
                for row in sql::all(&*tx, uploads, [permit.repository().0.into()]).await? {
                    let text: String = row.try_get_by_index(0)?;
                    let segments = segments::decode(&text).ok_or(Error::Corrupt("upload.segments"))?;
                    trash::add(&*tx, &segments, now).await?;
                }
                for delete in ROWS {
                    sql::execute(&*tx, delete, [permit.repository().0.into()]).await?;
                }
                outbox::append(&*tx, &change::event(permit, What::Deleted), now).await
            })
            .await?;
        self.changed();
        Ok(())
    }
}

/// Keeps others from putting anything into the repository from now on: on PostgreSQL a row that refers to one takes a share
/// of its lock; SQLite has one writer anyway.
async fn lock(tx: &Tx, permit: &Permit<Own>) -> Result<()> {
    let hold = match tx.get_database_backend() {
        DbBackend::Postgres => " FOR UPDATE",
        _ => "",
    };
    let find = format!("SELECT 1 FROM repository WHERE id = $1{hold}");
    sql::first(tx, &find, [permit.repository().0.into()]).await?.map(|_| ()).ok_or(Error::Absent)
}
