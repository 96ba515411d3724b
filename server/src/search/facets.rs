//! Facets: the numbers of results by platform, kind and namespace.
//!
//! Everything but the namespace is counted by combination of values: there are few combinations, so each document needs
//! only one number.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use model::search::{Facet, FacetValue};
use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::Column;
use tantivy::index::SegmentId;
use tantivy::{DocId, Score, Searcher, SegmentOrdinal, SegmentReader};

/// The facets' qualifiers, in the order shown.
const FACETS: [&str; 4] = ["is", "os", "arch", "ns"];
/// The fast fields that are counted.
const TRAITS: &str = "traits";
const NAMESPACES: &str = "namespace";
/// The number of values shown in a facet.
const VALUES: usize = 12;
/// The number of largest namespaces considered in each segment.
const CANDIDATES: usize = 2 * VALUES;
/// The number of documents counted at a time.
const BLOCK: usize = 1 << 10;

/// Encodes the values of a document for the `traits` field: a qualifier and a value on each line.
pub(super) fn traits<'a>(of: impl IntoIterator<Item = (&'static str, &'a str)>) -> String {
    let mut traits = String::new();
    for (qualifier, value) in of {
        traits.push_str(qualifier);
        traits.push(':');
        traits.push_str(value);
        traits.push('\n');
    }
    traits
}

/// The values of the counted fields, cached while their segment is in use: decoding them for each search would take
/// longer than the search.
#[derive(Default)]
pub(super) struct Values {
    segments: Mutex<HashMap<SegmentId, Arc<Dictionaries>>>,
}

/// The values of a segment in the index's alphabetical order.
#[derive(Default)]
struct Dictionaries {
    traits: Vec<String>,
    namespaces: Vec<String>,
}

impl Values {
    /// Returns the values of a segment, reading them at the first call.
    fn of(&self, segment: &SegmentReader) -> tantivy::Result<Arc<Dictionaries>> {
        let id = segment.segment_id();
        if let Some(known) = self.segments.lock().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return Ok(Arc::clone(known));
        }
        let read =
            Arc::new(Dictionaries { traits: values(segment, TRAITS)?, namespaces: values(segment, NAMESPACES)? });
        self.segments.lock().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::clone(&read));
        Ok(read)
    }

    /// Forgets segments that are no longer in use.
    pub(super) fn retain(&self, searcher: &Searcher) {
        let current: BTreeSet<SegmentId> = searcher.segment_readers().iter().map(SegmentReader::segment_id).collect();
        self.segments.lock().unwrap_or_else(PoisonError::into_inner).retain(|id, _| current.contains(id));
    }
}

/// Reads all values of a field in a segment.
fn values(segment: &SegmentReader, field: &str) -> tantivy::Result<Vec<String>> {
    let mut values = Vec::new();
    if let Some(column) = segment.fast_fields().str(field)? {
        let mut stream = column.dictionary().stream()?;
        while stream.advance() {
            values.push(String::from_utf8_lossy(stream.key()).into_owned());
        }
    }
    Ok(values)
}

/// Counts facets.
pub(super) struct FacetCollector<'a>(pub(super) &'a Values);

/// The counts of a segment.
pub(super) struct SegmentCounts {
    values: Arc<Dictionaries>,
    traits: Tally,
    namespaces: Tally,
    /// Documents that are not counted yet: reading the columns of many at once is faster.
    pending: Vec<DocId>,
    ordinals: Vec<Option<u64>>,
}

/// The number of documents with each value of a field.
struct Tally {
    column: Option<Column<u64>>,
    counts: Vec<u32>,
}

impl Collector for FacetCollector<'_> {
    type Fruit = Vec<Facet>;
    type Child = SegmentCounts;

    fn for_segment(&self, _: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<SegmentCounts> {
        let values = self.0.of(segment)?;
        let tally = |field, values: &[String]| -> tantivy::Result<Tally> {
            let column = segment.fast_fields().str(field)?.map(|column| column.ords().clone());
            Ok(Tally { counts: vec![0; values.len()], column })
        };
        let (traits, namespaces) = (tally(TRAITS, &values.traits)?, tally(NAMESPACES, &values.namespaces)?);
        Ok(SegmentCounts { values, traits, namespaces, pending: Vec::with_capacity(BLOCK), ordinals: Vec::new() })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, segments: Vec<SegmentCounts>) -> tantivy::Result<Vec<Facet>> {
        Ok(facets(&segments))
    }
}

impl SegmentCollector for SegmentCounts {
    type Fruit = Self;

    fn collect(&mut self, document: DocId, _: Score) {
        self.pending.push(document);
        if self.pending.len() == BLOCK {
            self.count();
        }
    }

    fn harvest(mut self) -> Self {
        self.count();
        self
    }
}

impl SegmentCounts {
    /// Counts the pending documents.
    fn count(&mut self) {
        for tally in [&mut self.traits, &mut self.namespaces] {
            let Some(column) = &tally.column else { continue };
            self.ordinals.clear();
            self.ordinals.resize(self.pending.len(), None);
            column.first_vals(&self.pending, &mut self.ordinals);
            for ordinal in self.ordinals.iter().flatten() {
                if let Some(count) = usize::try_from(*ordinal).ok().and_then(|ordinal| tally.counts.get_mut(ordinal)) {
                    *count += 1;
                }
            }
        }
        self.pending.clear();
    }

    /// The count of a namespace.
    fn count_of(&self, name: &str) -> u64 {
        let place = self.values.namespaces.binary_search_by(|known| known.as_str().cmp(name)).ok();
        place.and_then(|place| self.namespaces.counts.get(place)).map_or(0, |count| u64::from(*count))
    }
}

/// The facets that have values.
fn facets(segments: &[SegmentCounts]) -> Vec<Facet> {
    let mut counts = traits_of(segments);
    counts.insert("ns", namespaces_of(segments));
    let facets = FACETS.into_iter().filter_map(|qualifier| {
        let mut values: Vec<(&str, u64)> = counts.remove(qualifier)?.into_iter().collect();
        values.sort_by_key(|(_, count)| Reverse(*count));
        let values = values.into_iter().take(VALUES);
        let values: Vec<FacetValue> =
            values.map(|(value, count)| FacetValue { value: value.to_owned(), count }).collect();
        (!values.is_empty()).then(|| Facet { qualifier: qualifier.to_owned(), values })
    });
    facets.collect()
}

/// All facets but the namespaces, by qualifier and value.
fn traits_of(segments: &[SegmentCounts]) -> BTreeMap<&str, BTreeMap<&str, u64>> {
    let mut all: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    for segment in segments {
        let counted = segment.values.traits.iter().zip(&segment.traits.counts).filter(|(_, count)| **count > 0);
        for (traits, count) in counted {
            for (qualifier, value) in traits.lines().filter_map(|line| line.split_once(':')) {
                *all.entry(qualifier).or_default().entry(value).or_default() += u64::from(*count);
            }
        }
    }
    all
}

/// The largest namespaces: those among the largest in any segment, counted in all segments.
fn namespaces_of(segments: &[SegmentCounts]) -> BTreeMap<&str, u64> {
    let mut candidates: BTreeSet<&str> = BTreeSet::new();
    for segment in segments {
        // Ties are sorted by position, which is alphabetical.
        let counted = segment.namespaces.counts.iter().zip(0_usize..).filter(|(count, _)| **count > 0);
        let mut largest: Vec<(Reverse<u32>, usize)> = counted.map(|(count, place)| (Reverse(*count), place)).collect();
        if largest.len() > CANDIDATES {
            largest.select_nth_unstable(CANDIDATES);
            largest.truncate(CANDIDATES);
        }
        let name = |(_, place): (_, usize)| segment.values.namespaces.get(place).map(String::as_str);
        candidates.extend(largest.into_iter().filter_map(name));
    }
    candidates.into_iter().map(|name| (name, segments.iter().map(|segment| segment.count_of(name)).sum())).collect()
}
