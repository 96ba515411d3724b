//! What must hold for any input of a parser. The fuzz targets in `server/fuzz` run these functions, and so do the tests,
//! over the corpora.

use http::header::{CONTENT_RANGE, HeaderName};
use http::{HeaderMap, HeaderValue, Method};
use model::oci::RepositoryName;

use crate::document::{Document, MAX_REFERENCES};
use crate::request::{ContentRange, Request};

/// A request: a line with method and URL, then headers, as in HTTP.
pub fn request(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let mut lines = text.lines();
    let (method, target) = lines.next().and_then(|line| line.split_once(' ')).unwrap_or_default();
    let Ok(method) = Method::from_bytes(method.as_bytes()) else { return };
    let headers: HeaderMap = lines
        .filter_map(|line| line.split_once(": "))
        .filter_map(|(name, value)| {
            Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?))
        })
        .collect();
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    if let Ok(request) = Request::parse(&method, path, query, &headers)
        && let Some(name) = request.repository()
    {
        assert_eq!(RepositoryName::parse(&name.to_string()).as_ref(), Ok(name), "a name that is none was accepted");
    }
}

/// The value of `Content-Range`.
pub fn content_range(input: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(input) else { return };
    if let Ok(text) = value.to_str()
        && let Some(range) = ContentRange::parse(text)
    {
        assert!(range.length() > 0, "{range:?} is empty");
        assert_eq!(ContentRange::parse(&format!("{}-{}", range.first, range.last)), Some(range));
    }
    let headers = HeaderMap::from_iter([(CONTENT_RANGE, value)]);
    let path = "/v2/a/b/blobs/uploads/0190f1d0-0000-7000-8000-000000000000";
    drop(Request::parse(&Method::PATCH, path, None, &headers));
}

/// A manifest: a line with its media type, which may be empty, then its bytes.
pub fn manifest(input: &[u8]) {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (media_type, payload) = input.split_at(end);
    let media_type = std::str::from_utf8(media_type).ok().filter(|media_type| !media_type.is_empty());
    let payload = payload.strip_prefix(b"\n").unwrap_or_default();
    for any_type in [false, true] {
        let Ok(document) = Document::parse(media_type, payload, any_type) else { continue };
        let links = [&document.blobs, &document.foreign, &document.children, &document.others];
        assert!(links.iter().all(|links| links.len() <= MAX_REFERENCES), "too many references were accepted");
        serde_json::from_str::<std::collections::BTreeMap<String, String>>(&document.annotations).unwrap();
    }
}

/// Calls a function with each file of a corpus in `server/fuzz/corpus`.
pub fn replay(target: &str, run: fn(&[u8])) {
    let corpora = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus");
    let files = std::fs::read_dir(format!("{corpora}/{target}")).unwrap();
    let count = files.map(|file| run(&std::fs::read(file.unwrap().path()).unwrap())).count();
    assert!(count > 0, "the corpus of {target} is empty");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corpora_find_no_fault() {
        replay("request", request);
        replay("content_range", content_range);
        replay("manifest", manifest);
    }
}
