//! The index on disk, with one writer. Each commit contains its position in the outbox. The index contains nothing that
//! SQL does not: if in doubt, it is rebuilt.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::id::RepositoryId;
use serde::{Deserialize, Serialize};
use store::EventPosition;
use tantivy::directory::error::LockError;
use tantivy::directory::{INDEX_WRITER_LOCK, MmapDirectory};
use tantivy::indexer::IndexWriterOptions;
use tantivy::{Directory as _, IndexReader, IndexWriter, ReloadPolicy, Searcher, TantivyDocument, TantivyError, Term};
use thiserror::Error;
use uuid::Uuid;

use super::analyser;
use super::covered::CoveredCache;
use super::document::key;
use super::facets::Values;
use super::query::{Builder, Limits};
use super::schema::{FORMAT, Fields, schema};

/// Memory for uncommitted documents, in bytes; small, because the index usually follows single events.
const WRITER_MEMORY: usize = 24_000_000;
/// The file with the format of the index.
const FORMAT_FILE: &str = "format";

/// Why an operation on the index failed.
#[derive(Debug, Error)]
pub enum Error {
    /// Another process writes this folder.
    #[error("another process is using the search index; stop it, or choose another folder with --data")]
    Busy,
    /// The folder cannot be read or written.
    #[error("cannot read or write the folder of the search index")]
    Folder(#[source] io::Error),
    /// tantivy failed.
    #[error("the search index failed")]
    Index(#[source] TantivyError),
    /// The store failed.
    #[error("cannot read repositories for the search index")]
    Store(#[source] store::Error),
    /// The search task was aborted.
    #[error("a search task failed")]
    Task(#[source] tokio::task::JoinError),
}

impl From<TantivyError> for Error {
    fn from(error: TantivyError) -> Self {
        match error {
            TantivyError::LockFailure(LockError::LockBusy, _) => Self::Busy,
            error => Self::Index(error),
        }
    }
}

/// The payload of a commit.
#[derive(Default, Serialize, Deserialize)]
struct Payload {
    /// The position of the last applied event; `None` while the index is being built.
    position: Option<EventPosition>,
    /// The name of this index as a follower of the outbox.
    follower: Option<String>,
}

/// The index in one folder.
pub(super) struct Index {
    inner: tantivy::Index,
    pub(super) fields: Fields,
    /// Cached values for facets.
    pub(super) values: Values,
    covered: Arc<CoveredCache>,
    follower: String,
    reader: IndexReader,
    writer: Mutex<Option<IndexWriter>>,
    /// The position up to which searches see all events; `None` if it is not known.
    applied: Mutex<Option<EventPosition>>,
}

impl Index {
    /// Opens the index of a folder. Creates an empty one if there is none, or if it is broken or has another format.
    pub(super) fn open(folder: &Path) -> Result<Self, Error> {
        match Self::reopen(folder) {
            Some(Ok(index)) => return Ok(index),
            Some(Err(Error::Busy)) => return Err(Error::Busy),
            Some(Err(error)) => tracing::warn!(%error, "the search index is broken and will be rebuilt"),
            None => {}
        }
        if is_written(folder) {
            return Err(Error::Busy);
        }
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Error::Folder(error)),
            _ => {}
        }
        fs::create_dir_all(folder).map_err(Error::Folder)?;
        let directory = MmapDirectory::open(folder).map_err(TantivyError::from)?;
        let (schema, fields) = schema();
        let index = tantivy::Index::create(directory, schema, tantivy::IndexSettings::default())?;
        let index = Self::over(index, fields)?;
        // Written last: an index without it is incomplete.
        fs::write(folder.join(FORMAT_FILE), FORMAT).map_err(Error::Folder)?;
        Ok(index)
    }

    /// Opens an existing index; `None` if there is none in this format.
    fn reopen(folder: &Path) -> Option<Result<Self, Error>> {
        if fs::read_to_string(folder.join(FORMAT_FILE)).ok()? != FORMAT {
            return None;
        }
        let (schema, fields) = schema();
        match tantivy::Index::open_in_dir(folder) {
            Ok(index) if index.schema() == schema => Some(Self::over(index, fields)),
            Ok(_) => None,
            Err(error) => Some(Err(error.into())),
        }
    }

    /// An index in memory, for tests.
    #[cfg(test)]
    pub(super) fn in_memory() -> Result<Self, Error> {
        let (schema, fields) = schema();
        Self::over(tantivy::Index::create_in_ram(schema), fields)
    }

    fn over(index: tantivy::Index, fields: Fields) -> Result<Self, Error> {
        index.tokenizers().register(analyser::NAME, analyser::analyser());
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let payload = payload(&index)?;
        let follower = payload.follower.unwrap_or_else(|| format!("search {}", Uuid::now_v7()));
        let applied = Mutex::new(payload.position);
        let (values, covered, writer) = (Values::default(), Arc::default(), Mutex::new(None));
        let this = Self { inner: index, fields, values, covered, follower, reader, writer, applied };
        // The writer's lock keeps two processes from using the same folder.
        this.write(|_| Ok(()))?;
        Ok(this)
    }

    /// The unique name of this index as a follower of the outbox.
    pub(super) fn follower(&self) -> &str {
        &self.follower
    }

    /// Builds queries for a viewer with these limits.
    pub(super) fn builder<'a>(&'a self, limits: &'a Limits) -> Builder<'a> {
        Builder { fields: &self.fields, limits, covered: &self.covered }
    }

    /// The index as of the last commit.
    pub(super) fn searcher(&self) -> Searcher {
        self.reader.searcher()
    }

    /// The position up to which searches see all events; `None` if it is not known. Read it before [`Index::searcher`].
    pub(super) fn applied(&self) -> Option<EventPosition> {
        *self.applied.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the position up to which searches see all events.
    pub(super) fn set_applied(&self, position: Option<EventPosition>) {
        *self.applied.lock().unwrap_or_else(PoisonError::into_inner) = position;
    }

    /// The position of the last applied event; `None` if the index was never completed.
    pub(super) fn position(&self) -> Result<Option<EventPosition>, Error> {
        let payload = payload(&self.inner)?;
        Ok(payload.position)
    }

    /// Replaces the documents of repositories; `None` deletes one.
    pub(super) fn replace(&self, changes: Vec<(RepositoryId, Option<TantivyDocument>)>) -> Result<(), Error> {
        self.write(|writer| {
            for (id, document) in changes {
                writer.delete_term(Term::from_field_u64(self.fields.id, key(id)));
                if let Some(document) = document {
                    writer.add_document(document)?;
                }
            }
            Ok(())
        })
    }

    /// Deletes all documents; they can be found until the next commit.
    pub(super) fn clear(&self) -> Result<(), Error> {
        self.write(|writer| writer.delete_all_documents().map(drop))
    }

    /// Commits everything written so far, together with its position in the outbox.
    pub(super) fn commit(&self, position: Option<EventPosition>) -> Result<(), Error> {
        let payload =
            serde_json::to_string(&Payload { position, follower: Some(self.follower.clone()) }).unwrap_or_default();
        self.write(|writer| {
            let mut prepared = writer.prepare_commit()?;
            prepared.set_payload(&payload);
            prepared.commit().map(drop)
        })?;
        self.reader.reload()?;
        self.values.retain(&self.searcher());
        if position.is_some() {
            self.set_applied(position);
        }
        Ok(())
    }

    /// Runs an operation on the writer. If it fails, the writer and its uncommitted changes are dropped, and the next
    /// call creates a new one.
    fn write<T>(&self, act: impl FnOnce(&mut IndexWriter) -> tantivy::Result<T>) -> Result<T, Error> {
        let mut slot: MutexGuard<'_, Option<IndexWriter>> = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut writer = match slot.take() {
            Some(writer) => writer,
            None => self.inner.writer_with_options(options())?,
        };
        let done = act(&mut writer)?;
        *slot = Some(writer);
        Ok(done)
    }
}

/// Reads the payload of the last commit.
fn payload(index: &tantivy::Index) -> Result<Payload, Error> {
    let text = index.load_metas()?.payload;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

/// Whether a process holds the writer's lock of the folder, even for another format.
fn is_written(folder: &Path) -> bool {
    let lock = MmapDirectory::open(folder).ok().map(|directory| directory.acquire_lock(&INDEX_WRITER_LOCK));
    matches!(lock, Some(Err(LockError::LockBusy)))
}

fn options() -> IndexWriterOptions {
    IndexWriterOptions::builder()
        .num_worker_threads(1)
        .num_merge_threads(1)
        .memory_budget_per_thread(WRITER_MEMORY)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_one(folder: &Path) -> Index {
        let index = Index::open(folder).unwrap();
        let mut document = TantivyDocument::new();
        document.add_u64(index.fields.id, 7);
        index.replace(vec![(RepositoryId(7), Some(document))]).unwrap();
        index.commit(Some(EventPosition::START)).unwrap();
        index
    }

    #[test]
    fn an_index_is_found_again_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        drop(with_one(folder.path()));
        let index = Index::open(folder.path()).unwrap();
        assert_eq!(index.position().unwrap(), Some(EventPosition::START));
        assert_eq!(index.searcher().num_docs(), 1);
    }

    #[test]
    fn another_form_or_a_broken_file_ends_in_an_empty_index() {
        let folder = tempfile::tempdir().unwrap();
        for (file, content) in [(FORMAT_FILE, "portolan search index 0\n"), ("meta.json", "{")] {
            drop(with_one(folder.path()));
            fs::write(folder.path().join(file), content).unwrap();
            let index = Index::open(folder.path()).unwrap();
            assert_eq!(index.position().unwrap(), None, "{file}");
            assert_eq!(index.searcher().num_docs(), 0, "{file}");
        }
    }

    #[test]
    fn a_folder_has_one_writer() {
        let folder = tempfile::tempdir().unwrap();
        let _first = with_one(folder.path());
        assert!(matches!(Index::open(folder.path()), Err(Error::Busy)));
    }

    #[test]
    fn a_folder_that_somebody_writes_is_left_alone_whatever_its_form() {
        let folder = tempfile::tempdir().unwrap();
        let first = with_one(folder.path());
        fs::write(folder.path().join(FORMAT_FILE), "portolan search index 0\n").unwrap();
        assert!(matches!(Index::open(folder.path()), Err(Error::Busy)));
        first.commit(Some(EventPosition::START)).unwrap();
        assert_eq!(first.searcher().num_docs(), 1);
    }

    #[test]
    fn a_repository_has_one_document() {
        let index = Index::in_memory().unwrap();
        for _ in 0..2 {
            let mut document = TantivyDocument::new();
            document.add_u64(index.fields.id, 7);
            index.replace(vec![(RepositoryId(7), Some(document))]).unwrap();
            index.commit(None).unwrap();
            assert_eq!(index.searcher().num_docs(), 1);
        }
        index.replace(vec![(RepositoryId(7), None)]).unwrap();
        index.commit(None).unwrap();
        assert_eq!(index.searcher().num_docs(), 0);
    }
}
