//! The index document of a repository: searchable fields, access terms and rank.

use std::iter;

use comrak::nodes::NodeValue;
use comrak::{Arena, Options, parse_document};
use model::clock::Timestamp;
use model::id::RepositoryId;
use store::SearchDocument;
use tantivy::TantivyDocument;

use super::analyser;
use super::facets;
use super::name;
use super::schema::Fields;

/// The length of the README kept for excerpts, in bytes; all of it is searchable.
const MAX_PASSAGE: usize = 16 * 1024;
/// The maximum number of indexed tags and labels; the newest tags are used.
const MAX_TERMS: usize = 500;
/// The longest tag, topic or label that is indexed, in bytes.
const MAX_TERM: usize = 300;

/// The value of the `id` field for a repository.
pub(super) fn key(id: RepositoryId) -> u64 {
    u64::try_from(id.0).unwrap_or(0)
}

/// The document of one repository.
pub(super) fn document(fields: &Fields, id: RepositoryId, from: &SearchDocument) -> TantivyDocument {
    let repository = &from.repository;
    let mut document = TantivyDocument::new();
    document.add_u64(fields.id, key(id));
    document.add_text(fields.path, repository.path.as_str());
    add_names(fields, &mut document, repository.path.as_str(), repository.path.name());
    document.add_text(fields.namespace, repository.path.namespace());
    document.add_text(fields.path_words, repository.path.as_str());
    document.add_text(fields.description, &repository.description);
    let described = analyser::words(&repository.description).len();
    document.add_u64(fields.description_length, u64::try_from(described).unwrap_or(u64::MAX));
    for topic in &repository.topics {
        document.add_text(fields.topic_words, topic);
        document.add_text(fields.topic, folded(topic));
    }
    for tag in from.tags.iter().take(MAX_TERMS) {
        document.add_text(fields.tag_words, tag.as_str());
        document.add_text(fields.tag, folded(tag.as_str()));
    }
    for (name, value) in from.labels.iter().take(MAX_TERMS) {
        document.add_text(fields.label_words, clipped(value, MAX_TERM));
        document.add_text(fields.label, folded(name));
        document.add_text(fields.label, folded(&format!("{name}={value}")));
    }
    let readme = plain_text(&from.overview);
    document.add_text(fields.passage, clipped(&readme, MAX_PASSAGE));
    document.add_text(fields.readme, readme);
    for platform in &from.platforms {
        document.add_text(fields.platform, platform);
    }
    let archs = distinct(from.platforms.iter().filter_map(|platform| platform.split('/').nth(1)));
    let systems = distinct(from.platforms.iter().filter_map(|platform| platform.split('/').next()));
    let mut is = vec![repository.visibility.as_str()];
    is.extend(repository.official.then_some("official"));
    let mut counted = Vec::new();
    for (qualifier, field, values) in [("is", fields.is, is), ("os", fields.os, systems), ("arch", fields.arch, archs)]
    {
        for value in values {
            document.add_text(field, value);
            counted.push((qualifier, value));
        }
    }
    document.add_text(fields.traits, facets::traits(counted));
    for reader in &from.readers {
        document.add_text(fields.readers, reader);
    }
    let updated = repository.pushed_at.map_or(repository.updated_at, |pushed| pushed.max(repository.updated_at));
    document.add_u64(fields.stars, repository.stars);
    document.add_u64(fields.pulls, repository.pulls);
    document.add_u64(fields.updated, u64::try_from(updated.seconds()).unwrap_or(0));
    document.add_f64(fields.rank, rank(repository.stars, repository.pulls, repository.official, updated));
    document
}

/// Adds the forms of the name in which it is searched. The last part of a nested name is a name as well.
fn add_names(fields: &Fields, document: &mut TantivyDocument, path: &str, name: &str) {
    document.add_text(fields.name, name::spaced(path));
    let last = name.rsplit('/').next().unwrap_or(name);
    document.add_u64(fields.name_length, u64::try_from(name::joined(last).len()).unwrap_or(u64::MAX));
    for name in iter::once(name).chain((last != name).then_some(last)) {
        let (spaced, joined) = (name::spaced(name), name::joined(name));
        for start in name::starts(&spaced, &joined) {
            document.add_text(fields.name_start, start);
        }
        document.add_text(fields.name, name);
        document.add_text(fields.name_spaced, spaced);
        document.add_text(fields.name_joined, joined);
    }
}

/// The rank among equal matches: stars count most, then official status, pulls, and how recently it was updated. Counts
/// are logarithmic, so that 10 and 20 stars differ as much as 1000 and 2000. Dates are years since a fixed day, so that
/// ranks do not become outdated.
fn rank(stars: u64, pulls: u64, official: bool, updated: Timestamp) -> f64 {
    /// 2020-01-01
    const FIRST_DAY: i64 = 1_577_836_800;
    const SECONDS_A_YEAR: f64 = 31_557_600.0;
    let number = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    let seconds = f64::from(u32::try_from(updated.seconds() - FIRST_DAY).unwrap_or(0));
    let curated = if official { 0.4 } else { 0.0 };
    0.12 * number(stars).ln_1p() + 0.03 * number(pulls).ln_1p() + 0.04 * seconds / SECONDS_A_YEAR + curated
}

/// Normalises a term for indexing and searching: lower case, limited length.
pub(super) fn folded(text: &str) -> String {
    clipped(&text.to_lowercase(), MAX_TERM).to_owned()
}

/// The distinct parts of platforms, without the `unknown` of attestations.
fn distinct<'a>(parts: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut parts: Vec<&str> = parts.filter(|part| !part.is_empty() && *part != "unknown").collect();
    parts.sort_unstable();
    parts.dedup();
    parts
}

/// The beginning of a text, cut at a character boundary.
fn clipped(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}

/// The plain text of a README: text and code, one line for each block.
fn plain_text(markdown: &str) -> String {
    if markdown.is_empty() {
        return String::new();
    }
    let mut options = Options::default();
    options.extension.table = true;
    options.extension.strikethrough = true;
    options.extension.tasklist = true;
    options.extension.footnotes = true;
    let arena = Arena::new();
    let mut text = String::with_capacity(markdown.len());
    for node in parse_document(&arena, markdown, &options).descendants() {
        let data = node.data();
        match &data.value {
            NodeValue::Text(words) => text.push_str(words),
            NodeValue::Code(code) => text.push_str(&code.literal),
            NodeValue::CodeBlock(code) => {
                gap(&mut text, "\n");
                text.push_str(code.literal.trim());
            }
            NodeValue::SoftBreak | NodeValue::LineBreak | NodeValue::TableCell => gap(&mut text, " "),
            value if value.block() => gap(&mut text, "\n"),
            _ => {}
        }
    }
    text.truncate(text.trim_end().len());
    text
}

/// Appends a separator, unless there is one.
fn gap(text: &mut String, with: &str) {
    if !text.is_empty() && !text.ends_with(char::is_whitespace) {
        text.push_str(with);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_readme_is_searched_by_what_it_says_and_not_by_its_marks() {
        let text = plain_text(
            "# Title\n\nSome *bold* [link](https://example.com/x)\nmore `code`\n\n| a | b |\n|---|---|\n| c | d |\n\n```sh\nrun me\n```\n<script>no</script>\n",
        );
        assert_eq!(text, "Title\nSome bold link more code\na b\nc d\nrun me");
    }

    #[test]
    fn a_term_is_cut_between_characters() {
        assert_eq!(clipped("äöü", 3), "ä");
        assert_eq!(clipped("abc", 300), "abc");
    }

    #[test]
    fn stars_outweigh_a_year_of_age() {
        let old = Timestamp::from_micros(1_700_000_000_000_000);
        let new = Timestamp::from_micros(1_731_557_600_000_000);
        assert!(rank(50, 0, false, old) > rank(0, 0, false, new));
        assert!(rank(0, 0, false, new) > rank(0, 0, false, old));
        assert!(rank(0, 1_000_000, false, old) > rank(0, 10, false, old));
    }
}
