//! The JSON column for the segments of a blob or upload. The storage chooses their keys.

use registry::ledger::Segment;

/// Encodes segments as `[["key",length],…]`.
pub(crate) fn encode(segments: &[Segment]) -> String {
    let pairs: Vec<(&str, u64)> = segments.iter().map(|segment| (segment.key.as_str(), segment.length)).collect();
    serde_json::to_string(&pairs).unwrap_or_default()
}

/// Decodes segments; `None` if the text is invalid.
pub(crate) fn decode(text: &str) -> Option<Vec<Segment>> {
    let pairs: Vec<(String, u64)> = serde_json::from_str(text).ok()?;
    Some(pairs.into_iter().map(|(key, length)| Segment { key, length }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_come_back_in_order() {
        let segments =
            vec![Segment { key: "o/b".to_owned(), length: 7 }, Segment { key: "o/a\"".to_owned(), length: u64::MAX }];
        assert_eq!(decode(&encode(&segments)), Some(segments));
        assert_eq!(decode(&encode(&[])), Some(Vec::new()));
        assert_eq!(decode("{}"), None);
    }
}
