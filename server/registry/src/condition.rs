//! Conditional requests and ranges, for entities whose `ETag` is their digest (RFC 9110, sections 13 and 14).

use std::ops::Range;

use http::HeaderMap;
use http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH, IF_RANGE, RANGE};
use model::oci::Digest;

use crate::ledger::TagPrecondition;

/// The part of a blob that a request asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RequestedRange {
    /// The whole blob.
    Whole,
    /// These bytes, all within the blob.
    Part(Range<u64>),
    /// Bytes outside the blob.
    Unsatisfiable,
}

/// Whether `If-None-Match` shows that the client already has the entity.
pub(crate) fn not_modified(headers: &HeaderMap, digest: &Digest) -> bool {
    entity_tags(headers, &IF_NONE_MATCH).any(|tag| tag == "*" || tag == digest.as_str())
}

/// Returns the precondition of a conditional PUT. `If-Match` takes precedence over `If-None-Match`.
pub(crate) fn precondition(headers: &HeaderMap) -> TagPrecondition {
    let digests = |name| entity_tags(headers, name).filter_map(|tag| Digest::parse(tag).ok()).collect();
    if headers.contains_key(IF_MATCH) {
        let any = entity_tags(headers, &IF_MATCH).any(|tag| tag == "*");
        if any { TagPrecondition::Present } else { TagPrecondition::PointsAt(digests(&IF_MATCH)) }
    } else if headers.contains_key(IF_NONE_MATCH) {
        let any = entity_tags(headers, &IF_NONE_MATCH).any(|tag| tag == "*");
        if any { TagPrecondition::Absent } else { TagPrecondition::PointsElsewhere(digests(&IF_NONE_MATCH)) }
    } else {
        TagPrecondition::Anything
    }
}

/// Returns the bytes of an entity of `size` bytes that `Range` asks for. Unknown units, malformed ranges, multiple
/// ranges and ranges of another entity (`If-Range`) are ignored.
pub(crate) fn requested_range(headers: &HeaderMap, size: u64, digest: &Digest) -> RequestedRange {
    let other_entity =
        headers.contains_key(IF_RANGE) && !entity_tags(headers, &IF_RANGE).any(|tag| tag == digest.as_str());
    let text = headers.get(RANGE).and_then(|value| value.to_str().ok());
    match text.filter(|_| !other_entity).and_then(bytes_range) {
        None => RequestedRange::Whole,
        Some((None, 0)) => RequestedRange::Unsatisfiable,
        Some((None, suffix)) if size > 0 => RequestedRange::Part(size.saturating_sub(suffix)..size),
        Some((Some(first), last)) if first <= last && first < size => {
            RequestedRange::Part(first..last.saturating_add(1).min(size))
        }
        Some(_) => RequestedRange::Unsatisfiable,
    }
}

/// Parses `bytes=first-last`, `bytes=first-` or `bytes=-suffix`, as `(first, last)` or `(None, suffix)`.
fn bytes_range(text: &str) -> Option<(Option<u64>, u64)> {
    let (unit, range) = text.split_once('=')?;
    let (first, last) = range.trim().split_once('-')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // A number that overflows is a position beyond the end of any blob.
    let number = |text: &str| text.parse().unwrap_or(u64::MAX);
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    match (digits(first), digits(last)) {
        (true, true) => Some((Some(number(first)), number(last))),
        (true, false) if last.is_empty() => Some((Some(number(first)), u64::MAX)),
        (false, true) if first.is_empty() => Some((None, number(last))),
        _ => None,
    }
}

/// Returns the entity tags in a header, without quotes and without the prefix of weak tags.
fn entity_tags<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lists = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).map(|tag| {
        let tag = tag.trim();
        tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn digest() -> Digest {
        Digest::parse(&format!("sha256:{}", "a".repeat(64))).unwrap()
    }

    fn range_of(range: &str, size: u64) -> RequestedRange {
        let headers = HeaderMap::from_iter([(RANGE, HeaderValue::from_str(range).unwrap())]);
        requested_range(&headers, size, &digest())
    }

    #[test]
    fn a_range_is_cut_at_the_end_and_refused_beyond_it() {
        assert_eq!(range_of("bytes=500-1499", 2048), RequestedRange::Part(500..1500));
        assert_eq!(range_of("bytes=500-", 2048), RequestedRange::Part(500..2048));
        assert_eq!(range_of("bytes=-500", 2048), RequestedRange::Part(1548..2048));
        assert_eq!(range_of("bytes=-5000", 2048), RequestedRange::Part(0..2048));
        assert_eq!(range_of("bytes=2000-5000", 2048), RequestedRange::Part(2000..2048));
        for outside in ["bytes=500-0", "bytes=5000-10000", "bytes=2048-", "bytes=-0", "bytes=99999999999999999999999-"]
        {
            assert_eq!(range_of(outside, 2048), RequestedRange::Unsatisfiable, "{outside}");
        }
        assert_eq!(range_of("bytes=-1", 0), RequestedRange::Unsatisfiable);
    }

    #[test]
    fn a_range_that_is_not_understood_is_no_range() {
        for odd in ["items=0-1", "bytes=a-b", "bytes=0-1,4-5", "bytes", "bytes=-", "bytes=1--2", "bytes=+1-2"] {
            assert_eq!(range_of(odd, 2048), RequestedRange::Whole, "{odd}");
        }
    }

    #[test]
    fn a_range_of_another_entity_is_no_range() {
        let mut headers = HeaderMap::from_iter([(RANGE, HeaderValue::from_static("bytes=0-0"))]);
        headers.insert(IF_RANGE, HeaderValue::from_static("\"other\""));
        assert_eq!(requested_range(&headers, 10, &digest()), RequestedRange::Whole);
        headers.insert(IF_RANGE, HeaderValue::from_str(&format!("\"{}\"", digest())).unwrap());
        assert_eq!(requested_range(&headers, 10, &digest()), RequestedRange::Part(0..1));
    }

    #[test]
    fn conditions_are_lists_and_weak_tags_count() {
        let mut headers = HeaderMap::new();
        assert!(!not_modified(&headers, &digest()));
        assert_eq!(precondition(&headers), TagPrecondition::Anything);
        headers.insert(IF_NONE_MATCH, HeaderValue::from_str(&format!("\"x\", W/\"{}\"", digest())).unwrap());
        assert!(not_modified(&headers, &digest()));
        assert_eq!(precondition(&headers), TagPrecondition::PointsElsewhere(vec![digest()]));
        headers.insert(IF_NONE_MATCH, HeaderValue::from_static("*"));
        assert_eq!(precondition(&headers), TagPrecondition::Absent);
        headers.insert(IF_MATCH, HeaderValue::from_static("\"nonsense\""));
        assert_eq!(precondition(&headers), TagPrecondition::PointsAt(Vec::new()));
    }

    proptest! {
        #[test]
        fn a_part_always_lies_within(text in "bytes=[0-9]{0,22}-[0-9]{0,22}", size in any::<u64>()) {
            if let RequestedRange::Part(range) = range_of(&text, size) {
                prop_assert!(range.start < range.end && range.end <= size);
            }
        }
    }
}
