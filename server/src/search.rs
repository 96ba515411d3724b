//! Search in what the viewer may see, for pages, REST and `docker search`. Each node has its own index. The store's
//! scope is part of every query, and results are loaded from the store through the scope again.

mod analyser;
mod collect;
mod covered;
mod document;
mod excerpt;
mod facets;
pub mod follow;
mod index;
mod name;
pub(crate) mod parse;
pub(crate) mod paste;
mod query;
mod schema;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use model::fault::Fault;
use model::id::RepositoryId;
use model::oci::Digest;
use model::reason::Reason;
use model::repository::Repository;
use model::search::{MAX_PAGE, SearchHit, SearchRequest, SearchResults, SearchSort};
use store::Store;
use store::access::{Scope, Viewer};
use tantivy::schema::Value;
use tantivy::{DocAddress, Searcher, TantivyDocument};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use self::collect::{Plan, SortKey, best, collect};
pub use self::index::Error;
use self::index::Index;
use self::parse::ParsedQuery;
use self::query::{Builder, Edits, Limits};

/// The default number of results on a page.
const USUAL_LIMIT: u32 = 20;
/// The maximum number of results on a page.
const MAX_LIMIT: u32 = 100;
/// How long a search waits for a permit.
const PATIENCE: Duration = Duration::from_secs(5);
/// The number of suggestions.
const SUGGESTIONS: usize = 8;

/// This node's search index; cheap to clone.
#[derive(Clone)]
pub struct Search {
    index: Arc<Index>,
    /// Permits for searches: each uses a core.
    permits: Arc<Semaphore>,
}

/// A matching document.
struct Row {
    id: RepositoryId,
    path: String,
    platforms: Vec<String>,
    readme: String,
}

/// The result of a search in the index, before rows are loaded.
struct Hits {
    total: usize,
    rows: Vec<Row>,
    facets: Vec<model::search::Facet>,
    /// Whether words with one edit matched.
    edits: Edits,
}

impl Search {
    /// Opens the index in this folder. A missing or broken index, or one with another format, is replaced by an empty
    /// one for [`follow::run`] to fill.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let cores = available_parallelism().map_or(2, usize::from).max(2);
        Ok(Self { index: Arc::new(Index::open(folder)?), permits: Arc::new(Semaphore::new(cores)) })
    }

    /// Searches what the viewer may see.
    pub async fn search(&self, store: &Store, viewer: &Viewer, request: SearchRequest) -> Result<SearchResults, Fault> {
        let pasted = paste::path(&request.q);
        let asked = parse::parse(pasted.as_ref().map_or(&*request.q, |path| path.as_str()))?;
        let page = request.page.max(1);
        if page > MAX_PAGE {
            return Err(Fault::invalid("page", Reason::PageTooHigh { max: MAX_PAGE }));
        }
        let limit = if request.limit == 0 { USUAL_LIMIT } else { request.limit };
        if limit > MAX_LIMIT {
            return Err(Fault::invalid("limit", Reason::LimitTooHigh { max: MAX_LIMIT }));
        }
        let scope = store.scope(viewer).await?;
        if let Some(digest) = paste::digest(&request.q) {
            return Ok(of_digest(store, &scope, &digest).await?);
        }
        let mut limits = limits(store, viewer, &scope, &asked).await?;
        // Documents are updated after their repository. Do not count those that the viewer may no longer see.
        let hidden = match self.index.applied() {
            Some(position) => store.hidden_since(&scope, position).await?,
            None => None,
        };
        let is_current = hidden.is_some();
        limits.hidden = hidden.unwrap_or_default();
        let asked = Arc::new(asked);
        let found = {
            let asked = Arc::clone(&asked);
            self.on_a_thread(move |index| find(index, &limits, &asked, request.sort, page, limit)).await?
        };
        let ids: Vec<RepositoryId> = found.rows.iter().map(|row| row.id).collect();
        let loaded = store.repositories_by_id(&scope, &ids).await?;
        let (rows, edits) = (found.rows, found.edits);
        let hits = self.on_a_thread(move |_| Ok(hits(rows, loaded, &asked, edits))).await?;
        // What has been renamed or deleted meanwhile is not on the page and not counted. If there are more changes than
        // can be left out, only what is on the page is counted.
        let (shown, facets) = if is_current {
            (found.total.saturating_sub(ids.len() - hits.len()), found.facets)
        } else {
            (hits.len(), Vec::new())
        };
        let total = u64::try_from(shown).unwrap_or(u64::MAX);
        let pages = u32::try_from(total.div_ceil(u64::from(limit))).unwrap_or(MAX_PAGE).min(MAX_PAGE);
        Ok(SearchResults { total, hits, facets, page, pages })
    }

    /// Returns up to eight repositories for what has been typed so far.
    pub async fn suggest(&self, store: &Store, viewer: &Viewer, typed: &str) -> Result<Vec<Repository>, Fault> {
        // What does not parse is probably not complete yet.
        let asked = parse::parse(typed).unwrap_or_default();
        if asked.texts.is_empty() {
            return Ok(Vec::new());
        }
        let scope = store.scope(viewer).await?;
        let limits = limits(store, viewer, &scope, &asked).await?;
        let ids = self.on_a_thread(move |index| suggestions(index, &limits, &asked)).await?;
        Ok(store.repositories_by_id(&scope, &ids).await?)
    }

    /// Runs a search on a blocking thread, with a bound on the number of searches at a time. Errors are logged here and
    /// shown without details.
    async fn on_a_thread<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Index) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Fault> {
        let Ok(Ok(permit)) = timeout(PATIENCE, Arc::clone(&self.permits).acquire_owned()).await else {
            return Err(Fault::too_many(5));
        };
        let index = Arc::clone(&self.index);
        let search = move || {
            // Hold the permit until the search ends, even if the caller is dropped earlier.
            let _permit = permit;
            act(&index)
        };
        let done = tokio::task::spawn_blocking(search).await.map_err(Error::Task);
        done.flatten().map_err(|error| {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "a search failed");
            Fault::internal()
        })
    }
}

/// The repositories that have a manifest with this digest.
async fn of_digest(store: &Store, scope: &Scope, digest: &Digest) -> store::Result<SearchResults> {
    let ids = store.repositories_with(scope, digest, u64::from(MAX_LIMIT)).await?;
    let loaded = store.repositories_by_id(scope, &ids).await?;
    let hit = |repository: Repository| {
        let excerpt = excerpt::excerpt(&ParsedQuery::default(), Edits::None, &repository.description, "");
        SearchHit { repository, excerpt, platforms: Vec::new() }
    };
    let hits: Vec<SearchHit> = loaded.into_iter().map(hit).collect();
    let total = u64::try_from(hits.len()).unwrap_or(u64::MAX);
    Ok(SearchResults { total, hits, facets: Vec::new(), page: 1, pages: 1 })
}

/// The viewer's limits for the query.
async fn limits(store: &Store, viewer: &Viewer, scope: &Scope, asked: &ParsedQuery) -> Result<Limits, Fault> {
    let starred = if asked.needs_stars() { store.starred_ids(viewer).await? } else { Vec::new() };
    let readers = store.search_terms(scope).await?;
    Ok(Limits { readers, globs: scope.globs().map(<[_]>::to_vec), starred, hidden: Vec::new() })
}

/// The results in the index's order. Repositories that have been renamed meanwhile are left out.
fn hits(rows: Vec<Row>, loaded: Vec<Repository>, asked: &ParsedQuery, edits: Edits) -> Vec<SearchHit> {
    let mut loaded: HashMap<String, Repository> =
        loaded.into_iter().map(|repository| (repository.path.to_string(), repository)).collect();
    let hit = |row: Row| {
        let repository = loaded.remove(&row.path)?;
        let excerpt = excerpt::excerpt(asked, edits, &repository.description, &row.readme);
        Some(SearchHit { repository, excerpt, platforms: row.platforms })
    };
    rows.into_iter().filter_map(hit).collect()
}

/// Searches the index. Names with one edit are only considered if no repository has the name, and words with one edit
/// if nothing else matches: otherwise every common word would match its neighbours.
fn find(
    index: &Index,
    limits: &Limits,
    asked: &ParsedQuery,
    sort: SearchSort,
    page: u32,
    limit: u32,
) -> Result<Hits, Error> {
    let searcher = index.searcher();
    let builder = index.builder(limits);
    let found = run(index, &searcher, builder.search(asked, edits(&searcher, builder, asked)?), sort, page, limit)?;
    if found.total > 0 || asked.texts.is_empty() {
        return Ok(found);
    }
    let nearly = builder.search(asked, Edits::Words);
    Ok(Hits { edits: Edits::Words, ..run(index, &searcher, nearly, sort, page, limit)? })
}

/// The edits to consider first.
fn edits(searcher: &Searcher, builder: Builder<'_>, asked: &ParsedQuery) -> Result<Edits, Error> {
    let Some(named) = builder.named(asked) else { return Ok(Edits::None) };
    Ok(if best(searcher, named, 1)?.is_empty() { Edits::Names } else { Edits::None })
}

fn run(index: &Index, searcher: &Searcher, plan: Plan, sort: SearchSort, page: u32, limit: u32) -> Result<Hits, Error> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let skip = usize::try_from(page.saturating_sub(1)).unwrap_or(0).saturating_mul(limit);
    let by = match sort {
        SearchSort::Best => SortKey::Worth,
        SearchSort::Stars => SortKey::Field("stars"),
        SearchSort::Pulls => SortKey::Field("pulls"),
        SearchSort::Updated => SortKey::Field("updated"),
    };
    let (total, places, facets) = collect(searcher, plan, by, skip.saturating_add(limit), &index.values)?;
    let rows = places.into_iter().skip(skip).map(|place| row(index, searcher, place)).collect::<Result<_, Error>>()?;
    Ok(Hits { total, rows, facets, edits: Edits::None })
}

fn suggestions(index: &Index, limits: &Limits, asked: &ParsedQuery) -> Result<Vec<RepositoryId>, Error> {
    let searcher = index.searcher();
    let builder = index.builder(limits);
    for edits in [edits(&searcher, builder, asked)?, Edits::Words] {
        let plan = builder.suggestion(asked, edits);
        let places = best(&searcher, plan, SUGGESTIONS)?;
        if !places.is_empty() {
            return places.into_iter().map(|place| id(&searcher, place)).collect();
        }
    }
    Ok(Vec::new())
}

/// Reads a document.
fn row(index: &Index, searcher: &Searcher, place: DocAddress) -> Result<Row, Error> {
    let document: TantivyDocument = searcher.doc(place)?;
    let texts = |field| document.get_all(field).filter_map(|value| value.as_str().map(str::to_owned));
    Ok(Row {
        id: id(searcher, place)?,
        path: texts(index.fields.path).next().unwrap_or_default(),
        platforms: texts(index.fields.platform).collect(),
        readme: texts(index.fields.passage).next().unwrap_or_default(),
    })
}

/// The repository of a document.
fn id(searcher: &Searcher, place: DocAddress) -> Result<RepositoryId, Error> {
    let ids = searcher.segment_reader(place.segment_ord).fast_fields().u64("id")?;
    Ok(RepositoryId(ids.first(place.doc_id).and_then(|id| i64::try_from(id).ok()).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use model::fault::FaultCode;

    use super::*;

    #[tokio::test]
    async fn a_search_whose_caller_hangs_up_keeps_its_permit_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let search = Search::open(folder.path()).unwrap();
        let permits = search.permits.available_permits();
        let (end, ended) = mpsc::channel::<()>();
        let running = search.clone();
        let caller = tokio::spawn(async move {
            running
                .on_a_thread(move |_| {
                    let _ = ended.recv();
                    Ok(())
                })
                .await
        });
        while search.permits.available_permits() == permits {
            tokio::task::yield_now().await;
        }
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
        assert_eq!(search.permits.available_permits(), permits - 1);
        drop(end);
        while search.permits.available_permits() < permits {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_search_waits_for_a_permit_for_a_few_seconds() {
        let folder = tempfile::tempdir().unwrap();
        let search = Search::open(folder.path()).unwrap();
        let all = u32::try_from(search.permits.available_permits()).unwrap();
        let held = search.permits.acquire_many(all).await.unwrap();
        let started = tokio::time::Instant::now();
        let fault = search.on_a_thread(|_| Ok(())).await.unwrap_err();
        assert_eq!((fault.code, started.elapsed()), (FaultCode::TooMany, PATIENCE));
        drop(held);
        search.on_a_thread(|_| Ok(())).await.unwrap();
    }
}
