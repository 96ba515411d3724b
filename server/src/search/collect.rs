//! Executes a query: finds matches, counts facets and sorts, in one pass.
//!
//! Each segment is processed in windows of consecutive documents. Each part of the query sets bits in a window, which
//! takes a few nanoseconds for each match, and only documents that match the whole query are scored and counted.

use tantivy::collector::TopNComputer;
use tantivy::collector::sort_key::NaturalComparator;
use tantivy::columnar::Column;
use tantivy::query::{EnableScoring, Query, Scorer, Weight};
use tantivy::{DocAddress, DocId, Searcher, SegmentReader, f64_to_u64};

use super::facets::Counts;

/// The number of documents in a window, whose data should fit into the processor's cache.
const WINDOW: DocId = 1 << 14;
/// The weight of further fields when a word matches in several.
const TIE: f32 = 0.1;

/// A query, divided into parts.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Queries that every result must match, without effect on its score: the viewer's limits and the filters.
    pub(super) must: Vec<Box<dyn Query>>,
    /// Queries that no result may match.
    pub(super) without: Vec<Box<dyn Query>>,
    /// Texts, each of which every result must match in at least one way.
    pub(super) texts: Vec<Vec<WeightedMatch>>,
}

/// A way to match a text, with its score.
#[derive(Debug)]
pub(super) struct WeightedMatch {
    /// The query; its own score is ignored.
    pub(super) query: Box<dyn Query>,
    /// The score.
    pub(super) worth: f32,
}

/// The order of results.
#[derive(Clone, Copy, Debug)]
pub(super) enum SortKey {
    /// By score, increased by the document's rank.
    Worth,
    /// By this numeric field, highest first.
    Field(&'static str),
}

/// Finds all matches; returns their number and the first `top` of them.
pub(super) fn collect(
    searcher: &Searcher,
    plan: &Plan,
    by: SortKey,
    top: usize,
    mut counts: Option<&mut Counts<'_>>,
) -> tantivy::Result<(usize, Vec<DocAddress>)> {
    let plan = WeightedPlan::new(searcher, plan)?;
    let mut first = TopNComputer::new_with_comparator(top, NaturalComparator);
    let (mut total, mut window) = (0, Window::default());
    for (segment, ord) in searcher.segment_readers().iter().zip(0..) {
        let Some(mut parts) = Parts::open(&plan, segment)? else { continue };
        let keys = Keys::open(segment, by)?;
        if let Some(counts) = counts.as_deref_mut() {
            counts.open(segment)?;
        }
        for from in (0..segment.max_doc()).step_by(usize::try_from(WINDOW).unwrap_or(usize::MAX)) {
            window.find(&mut parts, from, segment.max_doc().min(from + WINDOW), by);
            window.list(segment);
            total += window.documents.len();
            if let Some(counts) = counts.as_deref_mut() {
                counts.add(&window.documents);
            }
            window.keys(&keys);
            for (document, key) in window.documents.iter().zip(&window.sorted) {
                first.push(*key, DocAddress::new(ord, *document));
            }
        }
    }
    Ok((total, first.into_sorted_vec().into_iter().map(|found| found.doc).collect()))
}

/// The weights of a plan.
struct WeightedPlan {
    must: Vec<Box<dyn Weight>>,
    without: Vec<Box<dyn Weight>>,
    texts: Vec<Vec<(Box<dyn Weight>, f32)>>,
}

impl WeightedPlan {
    fn new(searcher: &Searcher, plan: &Plan) -> tantivy::Result<Self> {
        let scoring = EnableScoring::disabled_from_searcher(searcher);
        let all = |queries: &[Box<dyn Query>]| {
            queries.iter().map(|query| query.weight(scoring)).collect::<tantivy::Result<Vec<_>>>()
        };
        let way = |way: &WeightedMatch| Ok((way.query.weight(scoring)?, way.worth));
        let ways = |text: &Vec<WeightedMatch>| text.iter().map(way).collect::<tantivy::Result<_>>();
        Ok(Self {
            must: all(&plan.must)?,
            without: all(&plan.without)?,
            texts: plan.texts.iter().map(ways).collect::<tantivy::Result<_>>()?,
        })
    }
}

/// The scorers of a plan for one segment.
struct Parts {
    must: Vec<Box<dyn Scorer>>,
    without: Vec<Box<dyn Scorer>>,
    texts: Vec<Vec<(Box<dyn Scorer>, f32)>>,
}

impl Parts {
    /// `None` if nothing in the segment can match.
    fn open(plan: &WeightedPlan, segment: &SegmentReader) -> tantivy::Result<Option<Self>> {
        let open = |weight: &dyn Weight| {
            let scorer = weight.scorer(segment, 1.0)?;
            Ok::<_, tantivy::TantivyError>((scorer.doc() < segment.max_doc()).then_some(scorer))
        };
        let mut parts = Self { must: Vec::new(), without: Vec::new(), texts: Vec::new() };
        for weight in &plan.must {
            let Some(scorer) = open(&**weight)? else { return Ok(None) };
            parts.must.push(scorer);
        }
        for text in &plan.texts {
            let mut ways = Vec::new();
            for (weight, worth) in text {
                ways.extend(open(&**weight)?.map(|scorer| (scorer, *worth)));
            }
            if ways.is_empty() {
                return Ok(None);
            }
            parts.texts.push(ways);
        }
        for weight in &plan.without {
            parts.without.extend(open(&**weight)?);
        }
        Ok(Some(parts))
    }
}

/// The sort values of a segment.
enum Keys {
    Rank(Column<f64>),
    Number(Column<u64>),
}

impl Keys {
    fn open(segment: &SegmentReader, by: SortKey) -> tantivy::Result<Self> {
        Ok(match by {
            SortKey::Worth => Self::Rank(segment.fast_fields().f64("rank")?),
            SortKey::Field(name) => Self::Number(segment.fast_fields().u64(name)?),
        })
    }
}

/// The state of a window.
#[derive(Default)]
struct Window {
    /// The first document.
    from: DocId,
    /// Documents that match all parts so far, one bit each.
    found: Vec<u64>,
    /// Documents that match the current part.
    here: Vec<u64>,
    /// The ways in which each document matches a text, one bit each.
    ways: Vec<u32>,
    /// The score of each document so far.
    worth: Vec<f32>,
    /// The matching documents in order, and their sort keys.
    documents: Vec<DocId>,
    sorted: Vec<u64>,
    ranks: Vec<Option<f64>>,
    numbers: Vec<Option<u64>>,
}

impl Window {
    /// Finds the matches in a range of documents.
    fn find(&mut self, parts: &mut Parts, from: DocId, to: DocId, by: SortKey) {
        self.from = from;
        let length = offset(to - from);
        self.found.clear();
        self.found.resize(length / 64, u64::MAX);
        if !length.is_multiple_of(64) {
            self.found.push((1 << (length % 64)) - 1);
        }
        self.worth.clear();
        // Without texts, all matches have the same score.
        self.worth.resize(length, if parts.texts.is_empty() { 1.0 } else { 0.0 });
        for scorer in &mut parts.must {
            self.mark(scorer, to);
            self.found.iter_mut().zip(&self.here).for_each(|(found, here)| *found &= here);
            if self.is_empty() {
                return;
            }
        }
        for scorer in &mut parts.without {
            self.mark(scorer, to);
            self.found.iter_mut().zip(&self.here).for_each(|(found, here)| *found &= !here);
        }
        for text in &mut parts.texts {
            if self.is_empty() {
                return;
            }
            self.text(text, to, by);
        }
    }

    fn is_empty(&self) -> bool {
        self.found.iter().all(|found| *found == 0)
    }

    /// Sets the bits of documents that match a query.
    fn mark(&mut self, scorer: &mut Box<dyn Scorer>, to: DocId) {
        self.here.clear();
        self.here.resize(self.found.len(), 0);
        let here = &mut self.here;
        each(scorer, self.from, to, |at| set(here, at));
    }

    /// Keeps documents that match a text in any way, and adds to their score.
    fn text(&mut self, text: &mut [(Box<dyn Scorer>, f32)], to: DocId, by: SortKey) {
        self.ways.clear();
        self.ways.resize(offset(to - self.from), 0);
        for ((scorer, _), bit) in text.iter_mut().zip(0..) {
            let ways = &mut self.ways;
            each(scorer, self.from, to, |at| {
                if let Some(way) = ways.get_mut(at) {
                    *way |= 1 << bit;
                }
            });
        }
        let blocks = self.found.iter_mut().zip(self.ways.chunks(64)).zip(self.worth.chunks_mut(64));
        for ((found, ways), worth) in blocks {
            let mut rest = *found;
            while rest != 0 {
                let bit = rest.trailing_zeros();
                rest &= rest - 1;
                match (ways.get(offset(bit)), worth.get_mut(offset(bit))) {
                    (Some(ways), Some(worth)) if *ways != 0 => {
                        if matches!(by, SortKey::Worth) {
                            *worth += together(*ways, text);
                        }
                    }
                    _ => *found &= !(1 << bit),
                }
            }
        }
    }

    /// Lists the matches that are not deleted.
    fn list(&mut self, segment: &SegmentReader) {
        self.documents.clear();
        for (word, base) in self.found.iter().zip((self.from..).step_by(64)) {
            let mut rest = *word;
            while rest != 0 {
                self.documents.push(base + rest.trailing_zeros());
                rest &= rest - 1;
            }
        }
        if let Some(alive) = segment.alive_bitset() {
            self.documents.retain(|document| alive.is_alive(*document));
        }
    }

    /// Computes the sort keys of the listed documents.
    fn keys(&mut self, keys: &Keys) {
        self.sorted.clear();
        match keys {
            Keys::Rank(ranks) => {
                self.ranks.clear();
                self.ranks.resize(self.documents.len(), None);
                ranks.first_vals(&self.documents, &mut self.ranks);
                let worth = |document: &DocId| self.worth.get(offset(document - self.from)).copied().unwrap_or(0.0);
                let key = |(document, rank): (&DocId, &Option<f64>)| {
                    f64_to_u64(f64::from(worth(document)) * (1.0 + rank.unwrap_or(0.0)))
                };
                self.sorted.extend(self.documents.iter().zip(&self.ranks).map(key));
            }
            Keys::Number(numbers) => {
                self.numbers.clear();
                self.numbers.resize(self.documents.len(), None);
                numbers.first_vals(&self.documents, &mut self.numbers);
                self.sorted.extend(self.numbers.iter().map(|number| number.unwrap_or(0)));
            }
        }
    }
}

/// Calls `act` with the offset of each match in a range of documents.
fn each(scorer: &mut Box<dyn Scorer>, from: DocId, to: DocId, mut act: impl FnMut(usize)) {
    let mut document = scorer.doc();
    if document < from {
        document = scorer.seek(from);
    }
    while document < to {
        act(offset(document - from));
        document = scorer.advance();
    }
}

/// The score of a text that matched in these ways: the best one, plus a little for each other.
fn together(mut ways: u32, text: &[(Box<dyn Scorer>, f32)]) -> f32 {
    let (mut best, mut sum) = (0.0_f32, 0.0);
    while ways != 0 {
        let worth = text.get(offset(ways.trailing_zeros())).map_or(0.0, |(_, worth)| *worth);
        best = best.max(worth);
        sum += worth;
        ways &= ways - 1;
    }
    best + (sum - best) * TIE
}

fn set(words: &mut [u64], at: usize) {
    if let Some(word) = words.get_mut(at / 64) {
        *word |= 1 << (at % 64);
    }
}

fn offset(documents: DocId) -> usize {
    usize::try_from(documents).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use model::id::RepositoryId;
    use tantivy::query::TermQuery;
    use tantivy::schema::{Field, IndexRecordOption};
    use tantivy::{TantivyDocument, Term};

    use super::super::facets::traits;
    use super::super::index::Index;
    use super::*;

    /// More documents than a window in two segments, with a word in every third and every fifth, one document deleted
    /// and one replaced.
    fn filled() -> Index {
        let index = Index::in_memory().unwrap();
        let document = |id: u64| {
            let mut document = TantivyDocument::new();
            document.add_u64(index.fields.id, id);
            document.add_u64(index.fields.stars, id);
            document.add_f64(index.fields.rank, 0.0);
            document.add_text(index.fields.namespace, format!("n{}", id % 100));
            document.add_text(index.fields.traits, traits([("is", "public"), ("os", "linux")]));
            if id.is_multiple_of(3) {
                document.add_text(index.fields.path_words, "third");
            }
            if id.is_multiple_of(5) {
                document.add_text(index.fields.readme, "third fifth");
            }
            (RepositoryId(i64::try_from(id).unwrap()), Some(document))
        };
        index.replace((1..=20_000).map(document).collect()).unwrap();
        index.commit(None).unwrap();
        index
            .replace((20_001..=20_100).map(document).chain([(RepositoryId(15), None), document(30)]).collect())
            .unwrap();
        index.commit(None).unwrap();
        index
    }

    fn word(field: Field, word: &str) -> Box<dyn Query> {
        Box::new(TermQuery::new(Term::from_field_text(field, word), IndexRecordOption::Basic))
    }

    fn ids(index: &Index, plan: &Plan, by: SortKey, top: usize) -> (usize, Vec<u64>) {
        let searcher = index.searcher();
        let (total, places) = collect(&searcher, plan, by, top, None).unwrap();
        let id = |place: DocAddress| {
            let segment = searcher.segment_reader(place.segment_ord);
            segment.fast_fields().u64("id").unwrap().first(place.doc_id).unwrap()
        };
        (total, places.into_iter().map(id).collect())
    }

    #[test]
    fn all_windows_and_segments_are_gone_through_and_what_is_deleted_is_not_found() {
        let index = filled();
        let fields = &index.fields;
        let either = vec![
            WeightedMatch { query: word(fields.path_words, "third"), worth: 8.0 },
            WeightedMatch { query: word(fields.readme, "third"), worth: 1.0 },
        ];
        let plan = Plan { texts: vec![either], ..Plan::default() };
        let expected: Vec<u64> =
            (1..=20_100).filter(|id: &u64| (id.is_multiple_of(3) || id.is_multiple_of(5)) && *id != 15).collect();
        let (total, first) = ids(&index, &plan, SortKey::Field("stars"), 20_100);
        assert_eq!(total, expected.len());
        assert!(first == expected.into_iter().rev().collect::<Vec<_>>());
        let plan = Plan { without: vec![word(fields.readme, "third")], ..plan };
        assert_eq!(ids(&index, &plan, SortKey::Field("stars"), 2), (5_360, vec![20_097, 20_094]));
        let plan = Plan { must: vec![word(fields.readme, "fifth")], without: Vec::new(), ..plan };
        assert_eq!(ids(&index, &plan, SortKey::Field("stars"), 2), (4_019, vec![20_100, 20_095]));
    }

    #[test]
    fn what_matches_in_two_fields_comes_before_what_matches_in_the_better_one() {
        let index = filled();
        let fields = &index.fields;
        let ways = vec![
            WeightedMatch { query: word(fields.readme, "third"), worth: 1.0 },
            WeightedMatch { query: word(fields.path_words, "third"), worth: 8.0 },
        ];
        let plan = Plan { texts: vec![ways], ..Plan::default() };
        let (total, first) = ids(&index, &plan, SortKey::Worth, 20_100);
        let of = |id: &u64| (id.is_multiple_of(3), id.is_multiple_of(5));
        let runs: Vec<(bool, bool)> = first.chunk_by(|a, b| of(a) == of(b)).map(|run| of(&run[0])).collect();
        assert_eq!((total, runs), (first.len(), vec![(true, true), (true, false), (false, true)]));
    }

    #[test]
    fn what_divides_results_is_counted_over_all_segments() {
        let index = filled();
        let mut counts = Counts::new(&index.values);
        let (total, _) = collect(&index.searcher(), &Plan::default(), SortKey::Worth, 1, Some(&mut counts)).unwrap();
        assert_eq!(total, 20_099);
        let facets = counts.facets();
        let named: Vec<&str> = facets.iter().map(|facet| facet.qualifier.as_str()).collect();
        assert_eq!(named, ["is", "os", "ns"]);
        assert_eq!((facets[0].values[0].value.as_str(), facets[0].values[0].count), ("public", 20_099));
        // Each of the hundred namespaces has one document in the second segment; ties are sorted by name.
        assert!(facets[2].values.iter().all(|value| value.count == 201), "{:?}", facets[2]);
        assert_eq!(facets[2].values.len(), 12);
        assert_eq!(facets[2].values[0].value, "n0");
    }
}
