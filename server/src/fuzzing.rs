//! What must hold for any input of a parser, as in `registry::testing::fuzz`.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};

use crate::http::authorization::Credentials;
use crate::markdown;
use crate::search;

/// The value of `Authorization`.
#[expect(clippy::missing_panics_doc, reason = "it panics where there is a fault")]
pub fn authorization(input: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(input) else { return };
    let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
    if let Credentials::Basic { name, .. } = Credentials::of(&headers) {
        assert!(!name.is_empty(), "an empty name was accepted");
    }
}

/// Markdown.
#[expect(clippy::missing_panics_doc, reason = "it panics where there is a fault")]
pub fn markdown(input: &[u8]) {
    let html = markdown::readme(&String::from_utf8_lossy(input), None).to_ascii_lowercase();
    for element in ["<script", "<style", "<iframe", "<object", "<form", "<meta", "<base", "<svg", "<link"] {
        assert!(!html.contains(element), "{element} in {html}");
    }
    assert!(!html.contains("href=\"javascript:"), "a link runs a script: {html}");
}

/// A search query.
pub fn search(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let _ = search::paste::digest(&text);
    let pasted = search::paste::path(&text);
    drop(search::parse::parse(pasted.as_ref().map_or(&*text, |path| path.as_str())));
}

#[cfg(test)]
mod tests {
    use registry::testing::fuzz::replay;

    use super::*;

    #[test]
    fn the_corpora_find_no_fault() {
        replay("authorization", authorization);
        replay("markdown", markdown);
        replay("search", search);
    }
}
