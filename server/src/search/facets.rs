//! How the results of a search divide: by platform, kind and namespace, counted over exactly what the query matched.
//! It refuses to know the query; whatever limits the viewer is in there already.

use model::search::{Facet, FacetValue};
use tantivy::aggregation::agg_req::Aggregations;
use tantivy::aggregation::agg_result::{AggregationResult, AggregationResults, BucketResult};
use tantivy::aggregation::{AggContextParams, AggregationCollector, Key};

/// The facets' qualifiers with the fields that they count, in the order in which they are shown.
const FACETS: [(&str, &str); 4] = [("is", "is"), ("os", "os"), ("arch", "arch"), ("ns", "namespace")];
/// How many values a facet shows.
const VALUES: u32 = 12;
/// How many values a facet counts within a part of the index; more are left out from the smallest.
const COUNTED: u32 = 1_000;

/// What counts the facets while a query runs.
pub(super) fn collector() -> tantivy::Result<AggregationCollector> {
    let terms = |(qualifier, field): (&str, &str)| {
        let terms = serde_json::json!({"terms": {"field": field, "size": VALUES, "segment_size": COUNTED}});
        (qualifier.to_owned(), terms)
    };
    let request: serde_json::Map<String, serde_json::Value> = FACETS.into_iter().map(terms).collect();
    let request: Aggregations = serde_json::from_value(request.into())
        .map_err(|error| tantivy::TantivyError::InvalidArgument(error.to_string()))?;
    Ok(AggregationCollector::from_aggs(request, AggContextParams::default()))
}

/// The facets that were counted, without those that have no value.
pub(super) fn facets(counted: &AggregationResults) -> Vec<Facet> {
    FACETS
        .into_iter()
        .filter_map(|(qualifier, _)| {
            let Some(AggregationResult::BucketResult(BucketResult::Terms { buckets, .. })) = counted.0.get(qualifier)
            else {
                return None;
            };
            let values: Vec<FacetValue> = buckets
                .iter()
                .filter_map(|bucket| match &bucket.key {
                    Key::Str(value) => Some(FacetValue { value: value.clone(), count: bucket.doc_count }),
                    Key::I64(_) | Key::U64(_) | Key::F64(_) => None,
                })
                .collect();
            (!values.is_empty()).then(|| Facet { qualifier: qualifier.to_owned(), values })
        })
        .collect()
}
