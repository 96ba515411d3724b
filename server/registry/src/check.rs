//! Comparing the ledger with the storage: blobs whose bytes are missing or damaged, and objects that nothing refers to.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::pin::pin;

use futures::{Stream, StreamExt, TryStreamExt, stream};
use model::clock::Timestamp;
use uuid::Uuid;

use crate::error::Error;
use crate::hash::Hasher;
use crate::ledger::{Blob, Ledger, LedgerError, ListPage, Segment};
use crate::storage::{Object, Storage, StorageError, is_intact};

/// The number of rows read at a time.
const ROWS: u64 = 1_000;
/// The number of objects whose uploads are looked up at a time.
const OBJECTS: usize = 500;

/// The state of a blob's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobState {
    /// Nothing is wrong.
    Intact,
    /// An object is missing, or is too short.
    Missing,
    /// The bytes do not have the blob's digest.
    Damaged,
}

/// Checks all blobs. With `verify`, reads their bytes and computes their digests; otherwise only compares the lengths of
/// their objects.
pub fn blobs(
    ledger: &dyn Ledger,
    storage: &dyn Storage,
    verify: bool,
) -> impl Stream<Item = Result<(Blob, BlobState), Error>> {
    let rows = rows(move |page| async move { ledger.all_blobs(&page).await }, |blob| blob.digest.to_string());
    rows.and_then(move |blob| async move {
        let mut state = state(storage, &blob, verify).await?;
        // It may have been deleted or repaired meanwhile.
        if state != BlobState::Intact
            && ledger.stored_blob(&blob.digest).await.map_err(Error::from_ledger)?.as_ref() != Some(&blob)
        {
            state = BlobState::Intact;
        }
        Ok((blob, state))
    })
}

async fn state(storage: &dyn Storage, blob: &Blob, verify: bool) -> Result<BlobState, Error> {
    if !is_intact(storage, &blob.segments).await.map_err(Error::from_storage)? {
        return Ok(BlobState::Missing);
    }
    if !verify {
        return Ok(BlobState::Intact);
    }
    let mut hasher = Hasher::new(blob.digest.algorithm());
    match storage.read(&blob.segments, 0..blob.size).await {
        Ok(mut bytes) => {
            while let Some(piece) = bytes.next().await {
                hasher.update(&piece.map_err(|error| Error::from_storage(error.into()))?);
            }
        }
        Err(StorageError::Missing(_)) => return Ok(BlobState::Missing),
        Err(error) => return Err(Error::from_storage(error)),
    }
    Ok(if hasher.finish()? == blob.digest { BlobState::Intact } else { BlobState::Damaged })
}

/// Whether the storage belongs to the ledger. Objects of another one look unused, and must not be deleted. A storage that
/// belongs to nobody is claimed.
pub async fn claim_storage(ledger: &dyn Ledger, storage: &dyn Storage) -> Result<bool, Error> {
    let id = ledger.storage_id().await.map_err(Error::from_ledger)?;
    if storage.owner().await.map_err(Error::from_storage)?.is_none() {
        storage.set_owner(&id).await.map_err(Error::from_storage)?;
    }
    is_owner(ledger, storage).await
}

/// The same without claiming it.
pub(crate) async fn is_owner(ledger: &dyn Ledger, storage: &dyn Storage) -> Result<bool, Error> {
    let id = ledger.storage_id().await.map_err(Error::from_ledger)?;
    Ok(storage.owner().await.map_err(Error::from_storage)?.is_none_or(|owner| owner == id))
}

/// Returns the objects that no row refers to, that belong to no open upload, and that were last written to at
/// `before` or earlier. To delete them, [`confirm_unused`] must be asked again.
pub async fn unused_objects<'a>(
    ledger: &'a dyn Ledger,
    storage: &dyn Storage,
    before: Timestamp,
) -> Result<impl Stream<Item = Result<Object, Error>> + use<'a>, Error> {
    let objects = storage.objects();
    let known = KnownKeys::read(ledger).await?;
    let unknown = objects.map_err(Error::from_storage).try_filter(move |object| {
        let unknown = object.written_at <= before && !known.contains(&object.key);
        async move { unknown }
    });
    let batches = unknown.try_chunks(OBJECTS).map_err(|error| error.1);
    let unused = batches.and_then(move |batch| async move { without_open_uploads(ledger, batch).await });
    Ok(unused.map_ok(|batch| stream::iter(batch.into_iter().map(Ok))).try_flatten())
}

/// Removes the objects of uploads that are open: their bytes may still be arriving.
async fn without_open_uploads(ledger: &dyn Ledger, mut objects: Vec<Object>) -> Result<Vec<Object>, Error> {
    let mut uploads: Vec<Uuid> = objects.iter().filter_map(|object| object.upload).collect();
    uploads.sort_unstable();
    uploads.dedup();
    let open: HashSet<Uuid> = ledger.open_uploads(&uploads).await.map_err(Error::from_ledger)?.into_iter().collect();
    objects.retain(|object| object.upload.is_none_or(|upload| !open.contains(&upload)));
    Ok(objects)
}

/// Returns those of these objects that are still unknown: an upload that was open when they were found may have become a
/// blob. An object whose upload has ended is written to no more, so that the result stays true.
pub async fn confirm_unused(ledger: &dyn Ledger, objects: Vec<Object>) -> Result<Vec<Object>, Error> {
    if objects.is_empty() {
        return Ok(objects);
    }
    let known = KnownKeys::read(ledger).await?;
    Ok(objects.into_iter().filter(|object| !known.contains(&object.key)).collect())
}

/// The hashes of all keys that the ledger knows. Of two keys with the same hash, an unused one counts as used.
#[derive(Default)]
struct KnownKeys {
    hasher: RandomState,
    hashes: HashSet<u64>,
}

impl KnownKeys {
    async fn read(ledger: &dyn Ledger) -> Result<Self, Error> {
        let mut known = Self::default();
        // An upload becomes a blob, and both become trash: in this order, no key is missed.
        let mut uploads = pin!(rows(|page| async move { ledger.all_uploads(&page).await }, |row| row.id.to_string()));
        while let Some(upload) = uploads.try_next().await? {
            known.add(&upload.segments);
        }
        let mut blobs = pin!(rows(|page| async move { ledger.all_blobs(&page).await }, |row| row.digest.to_string()));
        while let Some(blob) = blobs.try_next().await? {
            known.add(&blob.segments);
        }
        let mut trash = pin!(rows(|page| async move { ledger.all_trash(&page).await }, Clone::clone));
        while let Some(key) = trash.try_next().await? {
            known.hashes.insert(known.hasher.hash_one(&key));
        }
        Ok(known)
    }

    fn add(&mut self, segments: &[Segment]) {
        self.hashes.extend(segments.iter().map(|segment| self.hasher.hash_one(&segment.key)));
    }

    fn contains(&self, key: &str) -> bool {
        self.hashes.contains(&self.hasher.hash_one(key))
    }
}

/// Returns all rows of a list, page by page. `last` returns what the next page starts after.
fn rows<T, F>(read: impl Fn(ListPage) -> F, last: impl Fn(&T) -> String + Copy) -> impl Stream<Item = Result<T, Error>>
where
    F: Future<Output = Result<Vec<T>, LedgerError>>,
{
    let pages = stream::try_unfold(Some(None), move |after: Option<Option<String>>| {
        let page = after.map(|after| read(ListPage { last: after, limit: ROWS }));
        async move {
            let Some(page) = page else { return Ok(None) };
            let rows = page.await.map_err(Error::from_ledger)?;
            let next = rows.last().map(|row| Some(last(row)));
            Ok::<_, Error>(Some((stream::iter(rows.into_iter().map(Ok)), next)))
        }
    });
    pages.try_flatten()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::Method;
    use model::oci::RepositoryName;

    use super::*;
    use crate::testing::memory::MemoryLedger;
    use crate::testing::{REPOSITORY, TestRegistry};

    const LATER: Timestamp = Timestamp::from_micros(1);

    async fn states(registry: &TestRegistry, verify: bool) -> Vec<BlobState> {
        let checked = blobs(&*registry.ledger, &registry.storage, verify);
        checked.map_ok(|(_, state)| state).try_collect().await.unwrap()
    }

    async fn unused(registry: &TestRegistry, before: Timestamp) -> Vec<String> {
        let objects = unused_objects(&*registry.ledger, &registry.storage, before).await.unwrap();
        objects.map_ok(|object| object.key).try_collect().await.unwrap()
    }

    #[tokio::test]
    async fn blobs_that_are_missing_short_or_altered_are_found() {
        let registry = TestRegistry::new(Arc::new(MemoryLedger::default())).await;
        let digest = registry.push_blob(REPOSITORY, "bytes of a layer").await;
        assert_eq!(states(&registry, true).await, [BlobState::Intact]);
        let key = registry.storage.keys().remove(0);
        registry.storage.put(&key, "bytes of another");
        assert_eq!(states(&registry, false).await, [BlobState::Intact], "the length is right");
        assert_eq!(states(&registry, true).await, [BlobState::Damaged]);
        registry.storage.put(&key, "bytes");
        assert_eq!(states(&registry, false).await, [BlobState::Missing]);
        registry.storage.delete(&key).await.unwrap();
        for verify in [false, true] {
            assert_eq!(states(&registry, verify).await, [BlobState::Missing]);
        }
        let names = registry.ledger.repositories_of(&digest, 10).await.unwrap();
        assert_eq!(names.iter().map(RepositoryName::as_str).collect::<Vec<_>>(), [REPOSITORY]);
    }

    #[tokio::test]
    async fn objects_are_unused_unless_a_blob_an_upload_or_the_trash_refers_to_them() {
        let registry = TestRegistry::new(Arc::new(MemoryLedger::default())).await;
        for number in 0..=2 * ROWS {
            registry.push_blob(REPOSITORY, number.to_string()).await;
        }
        for _ in 0..2 {
            let location = registry.open().await;
            registry.request(Method::PATCH, &location).body("chunk").send().await.is(http::StatusCode::ACCEPTED);
        }
        let location = registry.open().await;
        registry.request(Method::PATCH, &location).body("chunk").send().await.is(http::StatusCode::ACCEPTED);
        registry.delete(&location).await.is(http::StatusCode::NO_CONTENT);
        assert_eq!(unused(&registry, LATER).await, Vec::<String>::new());
        registry.storage.put("left behind", "bytes");
        assert_eq!(unused(&registry, LATER).await, ["left behind"]);
        assert_eq!(unused(&registry, Timestamp::from_micros(-1)).await, Vec::<String>::new(), "it is too young");
    }
}
