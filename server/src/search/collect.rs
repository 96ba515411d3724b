//! Executes a query with tantivy's collectors: finds matches, counts facets and sorts, in one pass.

use std::mem;

use model::search::Facet;
use tantivy::collector::sort_key::NaturalComparator;
use tantivy::collector::{Collector, Count, SegmentSortKeyComputer, SortKeyComputer, TopDocs};
use tantivy::columnar::Column;
use tantivy::query::{AllQuery, BooleanQuery, ConstScoreQuery, DisjunctionMaxQuery, Occur, Query};
use tantivy::{DocAddress, DocId, Order, Score, Searcher, SegmentReader};

use super::facets::{FacetCollector, Values};

/// The weight of further fields when a word matches in several.
const TIE: f32 = 0.1;
/// Added to the score of a result whose description has all texts. Scores of texts are always below it.
const DESCRIBED: f32 = 1024.0;
/// The weight of the share of the description that the texts are, for each text after the first.
const FOCUS: f64 = 8.0;
/// The score of the lowest class of matches of names. Each class has twice the score of the one below it, which the other
/// matches of a result cannot add.
pub(super) const CLASS: f32 = 4096.0;
/// The lowest class of names that start with the query, or are the query. In these, the share of the name that was
/// typed counts beside the rank.
pub(super) const STARTS: f32 = 4.0 * CLASS;
/// The distance between two classes in the order of results, which no score of texts reaches.
const STEP: f64 = 1e6;
/// The weight of that share.
const TYPED: f64 = 0.4;

/// A query, divided into parts.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Queries that every result must match, without effect on its score: the viewer's limits and the filters.
    pub(super) must: Vec<Box<dyn Query>>,
    /// Queries that no result may match.
    pub(super) without: Vec<Box<dyn Query>>,
    /// Texts, each of which every result must match in at least one way, unless it has the name below.
    pub(super) texts: Vec<Vec<WeightedMatch>>,
    /// The texts as words of the description. Results that have all of them are sorted higher, the shorter the
    /// description is.
    pub(super) described: Vec<Box<dyn Query>>,
    /// Ways in which the texts together are the name of a result. Their scores are [`CLASS`] times a power of two, and
    /// of results in one class only the rank matters.
    pub(super) names: Vec<WeightedMatch>,
    /// The length of the name in the query.
    pub(super) typed: usize,
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

/// Finds all matches; returns their number, the first `top` of them, and their facets.
pub(super) fn collect(
    searcher: &Searcher,
    plan: Plan,
    by: SortKey,
    top: usize,
    values: &Values,
) -> tantivy::Result<(usize, Vec<DocAddress>, Vec<Facet>)> {
    let (first, (total, facets)) = search(searcher, plan, by, top, (Count, FacetCollector(values)))?;
    Ok((total, first, facets))
}

/// Finds the best `top` matches.
pub(super) fn best(searcher: &Searcher, plan: Plan, top: usize) -> tantivy::Result<Vec<DocAddress>> {
    Ok(search(searcher, plan, SortKey::Worth, top, None::<Count>)?.0)
}

/// Runs a query with another collector, and returns the first `top` matches and what that one collected.
fn search<C: Collector>(
    searcher: &Searcher,
    plan: Plan,
    by: SortKey,
    top: usize,
    other: C,
) -> tantivy::Result<(Vec<DocAddress>, C::Fruit)> {
    let top = TopDocs::with_limit(top.max(1));
    // Without texts all matches have the same score, and only the rank matters.
    let is_ranked = plan.texts.is_empty() && plan.names.is_empty();
    let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    let by_worth =
        ByWorth { focus: FOCUS * number(plan.texts.len().saturating_sub(1)), typed: TYPED * number(plan.typed) };
    let query = plan.query();
    Ok(match by {
        SortKey::Worth if is_ranked => {
            let (first, other) =
                searcher.search(&query, &(top.order_by_fast_field::<f64>("rank", Order::Desc), other))?;
            (places(first), other)
        }
        SortKey::Worth => {
            let (first, other) = searcher.search(&query, &(top.order_by(by_worth), other))?;
            (places(first), other)
        }
        SortKey::Field(name) => {
            let (first, other) =
                searcher.search(&query, &(top.order_by_fast_field::<u64>(name, Order::Desc), other))?;
            (places(first), other)
        }
    })
}

fn places<K>(sorted: Vec<(K, DocAddress)>) -> Vec<DocAddress> {
    sorted.into_iter().map(|(_, place)| place).collect()
}

impl Plan {
    /// The whole query. The score of a text is that of its best match, plus a little for each other.
    fn query(self) -> BooleanQuery {
        let fixed = |query, score| -> Box<dyn Query> { Box::new(ConstScoreQuery::new(query, score)) };
        let any_of = |ways: Vec<WeightedMatch>| -> Box<dyn Query> {
            let ways = ways.into_iter().map(|way| fixed(way.query, way.worth)).collect();
            Box::new(DisjunctionMaxQuery::with_tie_breaker(ways, TIE))
        };
        let mut clauses: Vec<(Occur, Box<dyn Query>)> = match <[_; 1]>::try_from(self.texts) {
            // All ways in one union are the fastest.
            Ok([text]) => vec![(Occur::Must, any_of(self.names.into_iter().chain(text).collect()))],
            Err(texts) => {
                let mut clauses: Vec<_> = texts.into_iter().map(|ways| (Occur::Must, any_of(ways))).collect();
                if !self.described.is_empty() {
                    let described = Box::new(BooleanQuery::intersection(self.described));
                    clauses.push((Occur::Should, fixed(described, DESCRIBED)));
                }
                if !self.names.is_empty() {
                    let mut ways: Vec<_> = self.names.into_iter().map(|way| fixed(way.query, way.worth)).collect();
                    // Without texts only the names match.
                    if !clauses.is_empty() {
                        ways.push(Box::new(BooleanQuery::new(mem::take(&mut clauses))));
                    }
                    clauses.push((Occur::Must, Box::new(DisjunctionMaxQuery::with_tie_breaker(ways, TIE))));
                }
                clauses
            }
        };
        clauses.extend(self.must.into_iter().map(|query| (Occur::Must, fixed(query, 0.0))));
        if clauses.is_empty() {
            clauses.push((Occur::Must, Box::new(AllQuery)));
        }
        clauses.extend(self.without.into_iter().map(|query| (Occur::MustNot, query)));
        BooleanQuery::new(clauses)
    }
}

/// Sorts by class, and within a class by rank. Results without a class are sorted by score times one plus the rank.
struct ByWorth {
    /// The weight of the share of the description that the texts are.
    focus: f64,
    /// The weight of the share of the name that was typed, times the length of that.
    typed: f64,
}

/// The columns of a segment.
struct Ranks {
    rank: Column<f64>,
    description_length: Column<u64>,
    name_length: Column<u64>,
    focus: f64,
    typed: f64,
}

impl SortKeyComputer for ByWorth {
    type SortKey = f64;
    type Child = Ranks;
    type Comparator = NaturalComparator;

    fn requires_scoring(&self) -> bool {
        true
    }

    fn segment_sort_key_computer(&self, segment: &SegmentReader) -> tantivy::Result<Ranks> {
        let columns = segment.fast_fields();
        Ok(Ranks {
            rank: columns.f64("rank")?,
            description_length: columns.u64("description_length")?,
            name_length: columns.u64("name_length")?,
            focus: self.focus,
            typed: self.typed,
        })
    }
}

impl SegmentSortKeyComputer for Ranks {
    type SortKey = f64;
    type SegmentSortKey = f64;
    type SegmentComparator = NaturalComparator;

    fn segment_sort_key(&mut self, document: DocId, score: Score) -> f64 {
        let rank = self.rank.first(document).unwrap_or(0.0);
        if score >= CLASS {
            let class = f64::from((score / CLASS).log2().floor() + 1.0) * STEP;
            if score < STARTS {
                return class + rank;
            }
            return class + rank + (self.typed / at_least_one(self.name_length.first(document))).min(TYPED);
        }
        if score < DESCRIBED {
            return f64::from(score) * (1.0 + rank);
        }
        let length = at_least_one(self.description_length.first(document));
        f64::from(score - DESCRIBED) * (1.0 + rank + self.focus / length)
    }

    fn convert_segment_sort_key(&self, key: f64) -> f64 {
        key
    }
}

/// A length as a divisor.
fn at_least_one(length: Option<u64>) -> f64 {
    f64::from(length.and_then(|length| u32::try_from(length).ok()).unwrap_or(u32::MAX).max(1))
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

    /// Documents in two segments, with a word in every third and every fifth, one document deleted
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

    fn ids(index: &Index, plan: Plan, by: SortKey, top: usize) -> (usize, Vec<u64>) {
        let searcher = index.searcher();
        let (total, places, _) = collect(&searcher, plan, by, top, &index.values).unwrap();
        let id = |place: DocAddress| {
            let segment = searcher.segment_reader(place.segment_ord);
            segment.fast_fields().u64("id").unwrap().first(place.doc_id).unwrap()
        };
        (total, places.into_iter().map(id).collect())
    }

    fn third(index: &Index) -> Vec<WeightedMatch> {
        let fields = &index.fields;
        vec![
            WeightedMatch { query: word(fields.readme, "third"), worth: 1.0 },
            WeightedMatch { query: word(fields.path_words, "third"), worth: 8.0 },
        ]
    }

    #[test]
    fn all_segments_are_searched_and_deleted_documents_are_not_found() {
        let index = filled();
        let fields = &index.fields;
        let plan = Plan { texts: vec![third(&index)], ..Plan::default() };
        let expected: Vec<u64> =
            (1..=20_100).filter(|id: &u64| (id.is_multiple_of(3) || id.is_multiple_of(5)) && *id != 15).collect();
        let (total, first) = ids(&index, plan, SortKey::Field("stars"), 20_100);
        assert_eq!(total, expected.len());
        assert!(first == expected.into_iter().rev().collect::<Vec<_>>());
        let without = vec![word(fields.readme, "third")];
        let plan = Plan { texts: vec![third(&index)], without, ..Plan::default() };
        assert_eq!(ids(&index, plan, SortKey::Field("stars"), 2), (5_360, vec![20_097, 20_094]));
        let plan = Plan { texts: vec![third(&index)], must: vec![word(fields.readme, "fifth")], ..Plan::default() };
        assert_eq!(ids(&index, plan, SortKey::Field("stars"), 2), (4_019, vec![20_100, 20_095]));
    }

    #[test]
    fn a_match_in_two_fields_comes_before_a_match_in_the_better_one() {
        let index = filled();
        let plan = Plan { texts: vec![third(&index)], ..Plan::default() };
        let (total, first) = ids(&index, plan, SortKey::Worth, 20_100);
        let of = |id: &u64| (id.is_multiple_of(3), id.is_multiple_of(5));
        let runs: Vec<(bool, bool)> = first.chunk_by(|a, b| of(a) == of(b)).map(|run| of(&run[0])).collect();
        assert_eq!((total, runs), (first.len(), vec![(true, true), (true, false), (false, true)]));
    }

    #[test]
    fn without_texts_results_are_ordered_by_rank() {
        let index = Index::in_memory().unwrap();
        let ranked = |(id, rank): (u64, f64)| {
            let mut document = TantivyDocument::new();
            document.add_u64(index.fields.id, id);
            document.add_f64(index.fields.rank, rank);
            (RepositoryId(i64::try_from(id).unwrap()), Some(document))
        };
        index.replace([(1, 0.5), (2, 3.25), (3, 0.0)].map(ranked).into()).unwrap();
        index.commit(None).unwrap();
        assert_eq!(ids(&index, Plan::default(), SortKey::Worth, 3), (3, vec![2, 1, 3]));
    }

    #[test]
    fn facets_are_counted_over_all_segments() {
        let index = filled();
        let (total, _, facets) = collect(&index.searcher(), Plan::default(), SortKey::Worth, 1, &index.values).unwrap();
        assert_eq!(total, 20_099);
        let named: Vec<&str> = facets.iter().map(|facet| facet.qualifier.as_str()).collect();
        assert_eq!(named, ["is", "os", "ns"]);
        assert_eq!((facets[0].values[0].value.as_str(), facets[0].values[0].count), ("public", 20_099));
        // Each of the hundred namespaces has one document in the second segment; ties are sorted by name.
        assert!(facets[2].values.iter().all(|value| value.count == 201), "{:?}", facets[2]);
        assert_eq!(facets[2].values.len(), 12);
        assert_eq!(facets[2].values[0].value, "n0");
    }
}
