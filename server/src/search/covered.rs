//! The documents whose paths the scopes of a token cover. Each path of a segment is compared once; the result is cached,
//! because a segment does not change.

use std::sync::Arc;
use std::time::Duration;

use model::glob::{GlobMatcher, GlobState, PathGlob};
use model::token::TokenScope;
use moka::sync::Cache;
use smallvec::SmallVec;
use tantivy::index::SegmentId;
use tantivy::query::{AutomatonWeight, BitSetDocSet, ConstScorer, EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::schema::Field;
use tantivy::{BitSet, DocId, DocSet as _, Score, SegmentReader, TERMINATED};
use tantivy_fst::Automaton;

/// The capacity of the cache, in bytes.
const CAPACITY: u64 = 32 << 20;
/// How long an entry is kept that is not used.
const IDLE: Duration = Duration::from_mins(10);

/// Covered documents by segment and scopes.
pub(super) struct CoveredCache(Cache<(SegmentId, Arc<str>), Arc<BitSet>>);

impl Default for CoveredCache {
    fn default() -> Self {
        let weigh = |(_, scopes): &(SegmentId, Arc<str>), documents: &Arc<BitSet>| {
            let bytes = usize::try_from(documents.max_value() / 8).unwrap_or(usize::MAX);
            u32::try_from(bytes.saturating_add(scopes.len()).saturating_add(100)).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().max_capacity(CAPACITY).weigher(weigh).time_to_idle(IDLE).build())
    }
}

/// Matches documents whose path is covered by one of the scopes.
#[derive(Clone)]
pub(super) struct CoveredQuery {
    path: Field,
    globs: Arc<Globs>,
    /// The scopes as text, for the cache.
    scopes: Arc<str>,
    cache: Arc<CoveredCache>,
}

impl CoveredQuery {
    /// Creates a query over a field that contains each path as one term.
    pub(super) fn new(path: Field, scopes: &[TokenScope], cache: Arc<CoveredCache>) -> Self {
        let globs = || scopes.iter().map(TokenScope::glob);
        let texts: Vec<&str> = globs().map(PathGlob::as_str).collect();
        Self { path, scopes: texts.join(" ").into(), globs: Arc::new(Globs(GlobMatcher::of(globs()))), cache }
    }

    fn documents(&self, segment: &SegmentReader) -> tantivy::Result<Arc<BitSet>> {
        let key = (segment.segment_id(), Arc::clone(&self.scopes));
        if let Some(documents) = self.cache.0.get(&key) {
            return Ok(documents);
        }
        let mut documents = BitSet::with_max_value(segment.max_doc());
        let mut covered = AutomatonWeight::<Globs>::new(self.path, Arc::clone(&self.globs)).scorer(segment, 1.0)?;
        while covered.doc() != TERMINATED {
            documents.insert(covered.doc());
            covered.advance();
        }
        let documents = Arc::new(documents);
        self.cache.0.insert(key, Arc::clone(&documents));
        Ok(documents)
    }
}

impl std::fmt::Debug for CoveredQuery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("CoveredQuery").field(&self.scopes).finish()
    }
}

impl Query for CoveredQuery {
    fn weight(&self, _: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(self.clone()))
    }
}

impl Weight for CoveredQuery {
    fn scorer(&self, segment: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let documents = BitSetDocSet::from(BitSet::clone(&*self.documents(segment)?));
        Ok(Box::new(ConstScorer::new(documents, boost)))
    }

    fn explain(&self, segment: &SegmentReader, document: DocId) -> tantivy::Result<Explanation> {
        let score = if self.documents(segment)?.contains(document) { 1.0 } else { 0.0 };
        Ok(Explanation::new("CoveredQuery", score))
    }
}

/// An automaton that accepts the paths that one of the globs matches. Its state contains the matchers that may still
/// match.
#[derive(Debug)]
struct Globs(Vec<GlobMatcher>);

impl Automaton for Globs {
    type State = SmallVec<[(usize, GlobState); 2]>;

    fn start(&self) -> Self::State {
        self.0.iter().map(GlobMatcher::start).enumerate().collect()
    }

    fn is_match(&self, state: &Self::State) -> bool {
        state.iter().any(|(index, state)| self.0.get(*index).is_some_and(|glob| glob.is_match(*state)))
    }

    fn can_match(&self, state: &Self::State) -> bool {
        !state.is_empty()
    }

    fn will_always_match(&self, state: &Self::State) -> bool {
        state.iter().any(|(index, state)| self.0.get(*index).is_some_and(|glob| glob.matches_rest(*state)))
    }

    fn accept(&self, state: &Self::State, byte: u8) -> Self::State {
        let step = |(index, state): &(usize, GlobState)| Some((*index, self.0.get(*index)?.step(*state, byte)?));
        state.iter().filter_map(step).collect()
    }
}
