//! A ledger and a storage in memory, for tests.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use model::clock::Timestamp;
use model::id::RepositoryId;
use model::oci::{Algorithm, Digest, Reference, RepositoryName, Tag};
use uuid::Uuid;

use crate::ledger::{
    Blob, Freed, KnownRepository, Ledger, LedgerError, Link, ListPage, Manifest, NewManifest, Place, Put, ReferrerPage,
    ReferrerRow, Segment, SweepBatch, SweepClaim, SweepCutoffs, SweepJob, SweepLedger, UnlinkOutcome, Upload, fitting,
};
use crate::storage::{ByteStream, Lease, Object, Storage, StorageError, Writer};

/// A ledger in memory.
#[derive(Default)]
pub struct MemoryLedger(Mutex<State>);

/// When an injected fault occurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Before the change.
    Before,
    /// After the change, so that only the result is lost.
    After,
}

#[derive(Default)]
struct State {
    repositories: BTreeMap<RepositoryName, KnownRepository>,
    blobs: BTreeMap<Digest, Blob>,
    links: BTreeSet<(RepositoryId, Digest)>,
    uploads: BTreeMap<Uuid, (RepositoryId, Upload)>,
    updated: BTreeMap<Uuid, Timestamp>,
    manifests: BTreeMap<(RepositoryId, Digest), NewManifest>,
    tags: BTreeMap<(RepositoryId, Tag), Digest>,
    trash: Vec<Segment>,
    holds: usize,
    fault: Option<Fault>,
}

impl State {
    fn linked(&self, repository: RepositoryId, digest: &Digest) -> Option<&Blob> {
        self.links.contains(&(repository, digest.clone())).then(|| self.blobs.get(digest)).flatten()
    }

    fn discard(&mut self, segments: Vec<Segment>) {
        self.trash.extend(segments);
    }

    /// Stores a manifest if all blobs and manifests that it refers to exist and its tags meet the precondition.
    fn put(&mut self, place: &Place, manifest: &NewManifest) -> Put {
        let blob_size = |link: &Link| self.linked(place.id, &link.digest).map(|blob| blob.size);
        let child_size = |link: &Link| {
            let child = self.manifests.get(&(place.id, link.digest.clone()));
            child.map(|child| u64::try_from(child.payload.len()).unwrap())
        };
        let blobs = manifest.blobs.iter().map(|link| (link, blob_size(link)));
        let sizes: Vec<_> = blobs.chain(manifest.children.iter().map(|link| (link, child_size(link)))).collect();
        let chosen = |choose: fn(&Link, Option<u64>) -> bool| -> Vec<Digest> {
            sizes.iter().filter(|(link, size)| choose(link, *size)).map(|(link, _)| link.digest.clone()).collect()
        };
        let missing = chosen(|_, size| size.is_none());
        if !missing.is_empty() {
            return Put::Missing(missing);
        }
        let differing = chosen(|link, size| size.is_some_and(|size| size != link.size));
        if !differing.is_empty() {
            return Put::SizeMismatch(differing);
        }
        let current = |tag: &Tag| self.tags.get(&(place.id, tag.clone()));
        if !manifest.tags.iter().all(|tag| manifest.expect.holds(current(tag))) {
            return Put::Unexpected;
        }
        for tag in &manifest.tags {
            self.tags.insert((place.id, tag.clone()), manifest.digest.clone());
        }
        self.manifests.insert((place.id, manifest.digest.clone()), manifest.clone());
        if let Some(known) = self.repositories.get_mut(&place.name) {
            known.pending = false;
        }
        Put::Stored
    }

    fn is_at(&self, repository: RepositoryId, id: Uuid, offset: u64) -> bool {
        self.uploads.get(&id).is_some_and(|(of, upload)| *of == repository && upload.offset == offset)
    }
}

impl MemoryLedger {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Returns how often a blob was held for a push.
    pub fn holds(&self) -> usize {
        self.state().holds
    }

    /// Makes the next chunk, closing of an upload or manifest push fail.
    pub fn fail_next(&self, fault: Fault) {
        self.state().fault = Some(fault);
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> Result<T, LedgerError> {
        let mut state = self.state();
        let fault = state.fault.take();
        let lost = || Err(LedgerError::Unavailable("injected fault".into()));
        if fault == Some(Fault::Before) {
            return lost();
        }
        let changed = change(&mut state);
        if fault == Some(Fault::After) { lost() } else { Ok(changed) }
    }
}

/// Returns the items of a page, from all items in order.
fn paged<T>(all: impl Iterator<Item = T>, text: impl Fn(&T) -> &str, page: &ListPage) -> Vec<T> {
    let later = |item: &T| page.last.as_deref().is_none_or(|last| text(item) > last);
    all.filter(later).take(usize::try_from(page.limit).unwrap()).collect()
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn repository(
        &self,
        name: &RepositoryName,
        create: bool,
        _now: Timestamp,
    ) -> Result<Option<KnownRepository>, LedgerError> {
        let mut state = self.state();
        let id = RepositoryId(i64::try_from(state.repositories.len()).unwrap() + 1);
        let fresh = KnownRepository { id, pending: true };
        Ok(if create {
            Some(*state.repositories.entry(name.clone()).or_insert(fresh))
        } else {
            state.repositories.get(name).copied()
        })
    }

    async fn repositories(&self, page: &ListPage) -> Result<Vec<RepositoryName>, LedgerError> {
        let state = self.state();
        let listed = state.repositories.iter().filter(|(_, known)| !known.pending).map(|(name, _)| name.clone());
        Ok(paged(listed, |name| name.as_str(), page))
    }

    async fn blob(&self, repository: RepositoryId, digest: &Digest) -> Result<Option<Blob>, LedgerError> {
        Ok(self.state().linked(repository, digest).cloned())
    }

    async fn stored_blob(&self, digest: &Digest) -> Result<Option<Blob>, LedgerError> {
        Ok(self.state().blobs.get(digest).cloned())
    }

    async fn linked(&self, repository: RepositoryId, digests: &[Digest]) -> Result<Vec<Link>, LedgerError> {
        let state = self.state();
        let found = digests.iter().filter_map(|digest| state.linked(repository, digest));
        Ok(found.map(|blob| Link { digest: blob.digest.clone(), size: blob.size }).collect())
    }

    async fn hold_blob(&self, repository: RepositoryId, digest: &Digest, _now: Timestamp) -> Result<bool, LedgerError> {
        let mut state = self.state();
        state.holds += 1;
        Ok(state.linked(repository, digest).is_some())
    }

    async fn mount(
        &self,
        to: RepositoryId,
        from: RepositoryId,
        digest: &Digest,
        _now: Timestamp,
    ) -> Result<Option<Blob>, LedgerError> {
        let mut state = self.state();
        let Some(blob) = state.linked(from, digest).cloned() else { return Ok(None) };
        state.links.insert((to, digest.clone()));
        Ok(Some(blob))
    }

    async fn unlink_blob(
        &self,
        repository: RepositoryId,
        digest: &Digest,
        _now: Timestamp,
    ) -> Result<UnlinkOutcome, LedgerError> {
        let mut state = self.state();
        let refers = |manifest: &NewManifest| manifest.blobs.iter().any(|link| link.digest == *digest);
        if state.manifests.iter().any(|((of, _), manifest)| *of == repository && refers(manifest)) {
            return Ok(UnlinkOutcome::InUse);
        }
        Ok(if state.links.remove(&(repository, digest.clone())) { UnlinkOutcome::Done } else { UnlinkOutcome::Absent })
    }

    async fn open_upload(
        &self,
        repository: RepositoryId,
        id: Uuid,
        algorithm: Algorithm,
        max: u64,
        now: Timestamp,
    ) -> Result<bool, LedgerError> {
        let upload = Upload { id, algorithm, offset: 0, hash_state: Vec::new(), segments: Vec::new() };
        let mut state = self.state();
        let open = state.uploads.values().filter(|(of, _)| *of == repository).count();
        if u64::try_from(open).unwrap() >= max {
            return Ok(false);
        }
        state.uploads.insert(id, (repository, upload));
        state.updated.insert(id, now);
        Ok(true)
    }

    async fn upload(&self, repository: RepositoryId, id: Uuid) -> Result<Option<Upload>, LedgerError> {
        Ok(self.state().uploads.get(&id).filter(|(of, _)| *of == repository).map(|(_, upload)| upload.clone()))
    }

    async fn advance_upload(
        &self,
        repository: RepositoryId,
        upload: &Upload,
        from_offset: u64,
        now: Timestamp,
    ) -> Result<bool, LedgerError> {
        self.change(|state| {
            let is_at = state.is_at(repository, upload.id, from_offset);
            if is_at {
                state.uploads.insert(upload.id, (repository, upload.clone()));
                state.updated.insert(upload.id, now);
            }
            is_at
        })
    }

    async fn commit_upload(
        &self,
        repository: RepositoryId,
        upload: &Upload,
        from_offset: u64,
        digest: &Digest,
        damaged: Option<&[Segment]>,
        _now: Timestamp,
    ) -> Result<bool, LedgerError> {
        self.change(|state| {
            if !state.is_at(repository, upload.id, from_offset) {
                return false;
            }
            state.uploads.remove(&upload.id);
            let blob = Blob { digest: digest.clone(), size: upload.offset, segments: upload.segments.clone() };
            match state.blobs.get(digest) {
                Some(old) if damaged != Some(&*old.segments) => state.discard(blob.segments),
                _ => {
                    let old = state.blobs.insert(digest.clone(), blob);
                    state.discard(old.map(|old| old.segments).unwrap_or_default());
                }
            }
            state.links.insert((repository, digest.clone()));
            true
        })
    }

    async fn cancel_upload(&self, repository: RepositoryId, id: Uuid, _now: Timestamp) -> Result<bool, LedgerError> {
        let mut state = self.state();
        if state.uploads.get(&id).is_none_or(|(of, _)| *of != repository) {
            return Ok(false);
        }
        let segments = state.uploads.remove(&id).map(|(_, upload)| upload.segments);
        state.discard(segments.unwrap_or_default());
        Ok(true)
    }

    async fn put_manifest(&self, place: &Place, manifest: &NewManifest, _now: Timestamp) -> Result<Put, LedgerError> {
        self.change(|state| state.put(place, manifest))
    }

    async fn manifest(&self, repository: RepositoryId, reference: &Reference) -> Result<Option<Manifest>, LedgerError> {
        let state = self.state();
        let digest = match reference {
            Reference::Tag(tag) => state.tags.get(&(repository, tag.clone())).cloned(),
            Reference::Digest(digest) => Some(digest.clone()),
        };
        let manifest = digest.and_then(|digest| state.manifests.get(&(repository, digest)));
        Ok(manifest.map(|manifest| Manifest {
            digest: manifest.digest.clone(),
            media_type: manifest.media_type.clone(),
            payload: manifest.payload.clone(),
        }))
    }

    async fn delete_tag(&self, place: &Place, tag: &Tag, _now: Timestamp) -> Result<bool, LedgerError> {
        Ok(self.state().tags.remove(&(place.id, tag.clone())).is_some())
    }

    async fn delete_manifest(&self, place: &Place, digest: &Digest, _now: Timestamp) -> Result<bool, LedgerError> {
        let mut state = self.state();
        state.tags.retain(|(of, _), target| *of != place.id || target != digest);
        Ok(state.manifests.remove(&(place.id, digest.clone())).is_some())
    }

    async fn tags(&self, repository: RepositoryId, page: &ListPage) -> Result<Vec<Tag>, LedgerError> {
        let state = self.state();
        let all = state.tags.keys().filter(|(of, _)| *of == repository).map(|(_, tag)| tag.clone());
        Ok(paged(all, |tag| tag.as_str(), page))
    }

    async fn referrers(
        &self,
        repository: RepositoryId,
        subject: &Digest,
        artifact_type: Option<&str>,
        page: &ListPage,
        max_bytes: u64,
    ) -> Result<ReferrerPage, LedgerError> {
        let state = self.state();
        let refers = |manifest: &NewManifest| {
            manifest.subject.as_ref() == Some(subject)
                && artifact_type.is_none_or(|wanted| manifest.artifact_type.as_deref() == Some(wanted))
        };
        let all = state.manifests.iter().filter(|((of, _), manifest)| *of == repository && refers(manifest));
        let rows = all.map(|((_, digest), manifest)| ReferrerRow {
            digest: digest.clone(),
            media_type: manifest.media_type.clone(),
            artifact_type: manifest.artifact_type.clone(),
            size: u64::try_from(manifest.payload.len()).unwrap(),
            annotations: manifest.annotations.clone(),
        });
        let surplus = ListPage { limit: page.limit + 1, ..page.clone() };
        let mut rows = paged(rows, |row| row.digest.as_str(), &surplus);
        let sizes = rows.iter().map(|row| u64::try_from(row.annotations.len()).unwrap());
        let count = fitting(sizes, page.limit, max_bytes);
        let more = rows.len() > count;
        rows.truncate(count);
        Ok(ReferrerPage { rows, more })
    }

    async fn all_blobs(&self, page: &ListPage) -> Result<Vec<Blob>, LedgerError> {
        Ok(paged(self.state().blobs.values().cloned(), |blob| blob.digest.as_str(), page))
    }

    async fn all_uploads(&self, page: &ListPage) -> Result<Vec<Upload>, LedgerError> {
        let state = self.state();
        let uploads = state.uploads.iter().map(|(id, (_, upload))| (id.to_string(), upload.clone()));
        Ok(paged(uploads, |(id, _)| id, page).into_iter().map(|(_, upload)| upload).collect())
    }

    async fn all_trash(&self, page: &ListPage) -> Result<Vec<String>, LedgerError> {
        let keys: BTreeSet<String> = self.state().trash.iter().map(|object| object.key.clone()).collect();
        Ok(paged(keys.into_iter(), |key| key, page))
    }

    async fn repositories_of(&self, digest: &Digest, limit: u64) -> Result<Vec<RepositoryName>, LedgerError> {
        let state = self.state();
        let named = state.repositories.iter().filter(|(_, known)| state.links.contains(&(known.id, digest.clone())));
        Ok(named.map(|(name, _)| name.clone()).take(usize::try_from(limit).unwrap()).collect())
    }
}

#[async_trait]
impl SweepLedger for MemoryLedger {
    async fn claim_sweep(&self, _: SweepJob, _: Uuid, _: Timestamp, _: Timestamp) -> Result<SweepClaim, LedgerError> {
        Ok(SweepClaim::Granted)
    }

    async fn release_sweep(&self, _: SweepJob, _: Uuid) -> Result<(), LedgerError> {
        Ok(())
    }

    async fn pause_sweep(&self, _: bool) -> Result<(), LedgerError> {
        Ok(())
    }

    async fn expire_uploads(&self, before: Timestamp, limit: u64, _now: Timestamp) -> Result<u64, LedgerError> {
        let mut state = self.state();
        let old = |id: &Uuid| state.updated.get(id).is_some_and(|updated| *updated <= before);
        let ids = state.uploads.keys().copied().filter(old).take(usize::try_from(limit).unwrap());
        let ids: Vec<Uuid> = ids.collect();
        for id in &ids {
            let segments = state.uploads.remove(id).map(|(_, upload)| upload.segments);
            state.discard(segments.unwrap_or_default());
        }
        Ok(u64::try_from(ids.len()).unwrap())
    }

    async fn delete_abandoned(&self, _: Timestamp, _: Timestamp, limit: u64, _: Timestamp) -> Result<u64, LedgerError> {
        let mut state = self.state();
        let used = |id: RepositoryId| {
            state.uploads.values().any(|(of, _)| *of == id) || state.links.iter().any(|(of, _)| *of == id)
        };
        let abandoned = state.repositories.iter().filter(|(_, known)| known.pending && !used(known.id));
        let names: Vec<_> = abandoned.map(|(name, _)| name.clone()).take(usize::try_from(limit).unwrap()).collect();
        for name in &names {
            state.repositories.remove(name);
        }
        Ok(u64::try_from(names.len()).unwrap())
    }

    /// Deletes nothing, like the next two: what is unused is tested with SQL.
    async fn sweep_manifests(&self, _: Timestamp, _: u64, _: Timestamp) -> Result<SweepBatch, LedgerError> {
        Ok(SweepBatch::default())
    }

    async fn sweep_links(&self, _: Timestamp, _: u64, _: Timestamp) -> Result<SweepBatch, LedgerError> {
        Ok(SweepBatch::default())
    }

    async fn sweep_blobs(&self, _: u64, _: Timestamp) -> Result<SweepBatch, LedgerError> {
        Ok(SweepBatch::default())
    }

    async fn trash(&self, limit: u64) -> Result<Vec<Segment>, LedgerError> {
        Ok(self.state().trash.iter().take(usize::try_from(limit).unwrap()).cloned().collect())
    }

    async fn forget_trash(&self, keys: &[String]) -> Result<(), LedgerError> {
        self.state().trash.retain(|object| !keys.contains(&object.key));
        Ok(())
    }

    async fn postpone_trash(&self, keys: &[String], _now: Timestamp) -> Result<(), LedgerError> {
        self.state().trash.sort_by_key(|object| keys.contains(&object.key));
        Ok(())
    }

    async fn storage_id(&self) -> Result<String, LedgerError> {
        Ok("memory".to_owned())
    }

    async fn open_uploads(&self, ids: &[Uuid]) -> Result<Vec<Uuid>, LedgerError> {
        let state = self.state();
        Ok(ids.iter().copied().filter(|id| state.uploads.contains_key(id)).collect())
    }

    /// Returns only what is in the trash.
    async fn sweepable(&self, _: &SweepCutoffs) -> Result<Freed, LedgerError> {
        let mut freed = Freed::default();
        freed.add_objects(&self.state().trash);
        Ok(freed)
    }
}

/// A storage in memory, with one object for each chunk.
#[derive(Clone, Default)]
pub struct MemoryStorage(Arc<Mutex<BTreeMap<String, Bytes>>>);

impl MemoryStorage {
    /// Returns the keys of all objects.
    pub fn keys(&self) -> Vec<String> {
        self.0.lock().unwrap().keys().cloned().collect()
    }

    /// Replaces the bytes of an object, or adds it.
    pub fn put(&self, key: &str, bytes: impl Into<Bytes>) {
        self.0.lock().unwrap().insert(key.to_owned(), bytes.into());
    }
}

#[async_trait]
impl Storage for MemoryStorage {
    async fn writer(&self, _: Uuid, segments: Vec<Segment>, lease: Lease) -> Result<Box<dyn Writer>, StorageError> {
        Ok(Box::new(MemoryWriter { storage: self.clone(), segments, bytes: BytesMut::new(), _lease: lease }))
    }

    async fn read(&self, segments: &[Segment], range: Range<u64>) -> Result<ByteStream, StorageError> {
        let objects = self.0.lock().unwrap();
        let mut whole = BytesMut::new();
        for Segment { key, length } in segments {
            let part = objects.get(key).and_then(|object| object.get(..usize::try_from(*length).unwrap()));
            whole.extend_from_slice(part.ok_or_else(|| StorageError::Missing(key.clone()))?);
        }
        let (start, end) = (usize::try_from(range.start).unwrap(), usize::try_from(range.end).unwrap());
        let pieces: Vec<_> = whole[start..end].chunks(1000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        Ok(stream::iter(pieces).boxed())
    }

    async fn length(&self, key: &str) -> Result<Option<u64>, StorageError> {
        Ok(self.0.lock().unwrap().get(key).map(|bytes| u64::try_from(bytes.len()).unwrap()))
    }

    async fn delete(&self, key: &str) -> Result<(), StorageError> {
        self.0.lock().unwrap().remove(key);
        Ok(())
    }

    fn objects(&self) -> BoxStream<'static, Result<Object, StorageError>> {
        let objects = self.0.lock().unwrap().clone().into_iter().map(|(key, bytes)| {
            Ok(Object {
                key,
                length: u64::try_from(bytes.len()).unwrap(),
                written_at: Timestamp::from_micros(0),
                upload: None,
            })
        });
        stream::iter(objects.collect::<Vec<_>>()).boxed()
    }

    async fn check(&self) -> Result<(), StorageError> {
        Ok(())
    }
}

struct MemoryWriter {
    storage: MemoryStorage,
    segments: Vec<Segment>,
    bytes: BytesMut,
    _lease: Lease,
}

#[async_trait]
impl Writer for MemoryWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<(), StorageError> {
        self.bytes.extend_from_slice(&bytes);
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<Vec<Segment>, StorageError> {
        let (key, bytes) = (Uuid::now_v7().to_string(), self.bytes.split().freeze());
        self.segments.push(Segment { key: key.clone(), length: u64::try_from(bytes.len()).unwrap() });
        self.storage.0.lock().unwrap().insert(key, bytes);
        Ok(std::mem::take(&mut self.segments))
    }
}
