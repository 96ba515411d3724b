//! The forms in which a name is searched: `strip-ansi` is also found as `strip ansi`, `stripansi`, `strip-a` and
//! `srtip-ansi`.
//!
//! A match of the whole query with a name comes before all matches of texts, and its class decides its place, however
//! popular other results are.

use std::collections::BTreeSet;

use tantivy::Term;
use tantivy::query::{BooleanQuery, FuzzyTermQuery, Query};
use tantivy::schema::Field;

use super::analyser;
use super::collect::{CLASS, STARTS, WeightedMatch};
use super::parse::ParsedQuery;
use super::query::{Builder, Edits, MIN_EDITABLE, adjacent, term, way};

/// The longest beginning of a name that is a term of its own, in bytes. Few names share a longer one, so that it can be
/// looked up as a prefix.
const MAX_START: usize = 12;
/// Longer names are not compared with one edit.
const MAX_EDITABLE: usize = 64;

/// The classes of matches.
const WHOLE_PATH: f32 = 256.0 * CLASS;
const WHOLE_NAME: f32 = 128.0 * CLASS;
const SPACED: f32 = 64.0 * CLASS;
const JOINED: f32 = 32.0 * CLASS;
const SPACED_START: f32 = 16.0 * CLASS;
/// The name written with other separators than the query.
const REJOINED: f32 = 8.0 * CLASS;
const JOINED_START: f32 = STARTS;
const WORDS: f32 = 2.0 * CLASS;
const NEAR: f32 = CLASS;

impl Builder<'_> {
    /// Matches of the query with a whole path or name, however it is divided into words.
    pub(super) fn exact_names(self, asked: &ParsedQuery) -> Vec<WeightedMatch> {
        let (fields, name) = (self.fields, asked.name.as_str());
        let mut ways =
            vec![way(term(fields.path, name.trim_matches('/')), WHOLE_PATH), way(term(fields.name, name), WHOLE_NAME)];
        // With `color-` another word was begun, so that `color` is not the name.
        if !is_divided_at_end(name) {
            let (spaced, joined) = (spaced(name), joined(name));
            ways.push(way(term(fields.name_spaced, &spaced), SPACED));
            if !asked.is_quoted() && spaced == joined {
                ways.push(way(term(fields.name_joined, &joined), JOINED));
            }
        }
        ways
    }

    /// Matches of the query with a name: exact ones, with its beginning, with adjacent words of the path, and with one
    /// edit.
    pub(super) fn names(self, asked: &ParsedQuery, edits: Edits) -> Vec<WeightedMatch> {
        let mut ways = self.exact_names(asked);
        let words: Vec<String> = analyser::words(&asked.name).into_iter().map(|word| word.text).collect();
        ways.push(way(adjacent(self.fields.path_words, &words), WORDS));
        if asked.is_quoted() {
            return ways;
        }
        let (namespace, name) = match asked.name.split_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, asked.name.as_str()),
        };
        let inside = |query| match namespace {
            Some(namespace) => self.inside(namespace, query),
            None => query,
        };
        let whole = joined(name);
        if let (Some(namespace), true) = (namespace, whole.is_empty()) {
            ways.push(way(term(self.fields.namespace, namespace), JOINED_START));
            return ways;
        }
        let begun = begun(name);
        let (in_words, in_one) = (self.fields.name_spaced, self.fields.name_joined);
        if begun == whole {
            ways.push(way(inside(self.start(in_one, &whole)), SPACED_START));
        } else {
            ways.push(way(inside(self.start(in_words, &begun)), SPACED_START));
            ways.push(way(inside(self.start(in_one, &whole)), JOINED_START));
            if !is_divided_at_end(name) {
                ways.push(way(inside(term(in_one, &whole)), REJOINED));
            }
        }
        if edits != Edits::None && (MIN_EDITABLE..=MAX_EDITABLE).contains(&whole.len()) {
            let near = FuzzyTermQuery::new(Term::from_field_text(self.fields.name_joined, &whole), 1, true);
            ways.push(way(inside(Box::new(near)), NEAR));
        }
        ways
    }

    /// Names that start with this, in the form of this field.
    fn start(self, field: Field, start: &str) -> Box<dyn Query> {
        if start.len() <= MAX_START {
            return term(self.fields.name_start, start);
        }
        Box::new(FuzzyTermQuery::new_prefix(Term::from_field_text(field, start), 0, true))
    }

    /// Restricts matches to a namespace.
    fn inside(self, namespace: &str, query: Box<dyn Query>) -> Box<dyn Query> {
        Box::new(BooleanQuery::intersection(vec![term(self.fields.namespace, namespace), query]))
    }
}

/// The words of a name with spaces between them.
pub(super) fn spaced(name: &str) -> String {
    with(name, " ")
}

/// The words of a name written together.
pub(super) fn joined(name: &str) -> String {
    with(name, "")
}

fn with(name: &str, gap: &str) -> String {
    let words: Vec<String> = analyser::words(name).into_iter().map(|word| word.text).collect();
    words.join(gap)
}

/// The number of letters and digits of the name in a query, without its namespace.
pub(super) fn length(name: &str) -> usize {
    joined(name.split_once('/').map_or(name, |(_, name)| name)).len()
}

/// The words of the beginning of a name with spaces between them, and at its end if the next word is still to come.
fn begun(name: &str) -> String {
    let mut begun = spaced(name);
    if is_divided_at_end(name) {
        begun.push(' ');
    }
    begun
}

/// Whether what follows a text is another word.
fn is_divided_at_end(text: &str) -> bool {
    text.ends_with(['-', '_', '.'])
}

/// The beginnings of a name, with spaces and written together, that are terms.
pub(super) fn starts<'a>(spaced: &'a str, joined: &'a str) -> BTreeSet<&'a str> {
    let starts = |name: &'a str| {
        let ends = name.char_indices().map(|(at, character)| at + character.len_utf8());
        ends.take_while(|end| *end <= MAX_START).filter_map(|end| name.get(..end))
    };
    starts(spaced).chain(starts(joined)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_written_with_spaces_and_without() {
        assert_eq!(spaced("Strip-ansi.js"), "strip ansi js");
        assert_eq!(joined("a/strip_ansi"), "astripansi");
    }

    #[test]
    fn a_name_has_each_of_its_beginnings_up_to_a_length() {
        assert_eq!(starts("a bc", "abc"), ["a", "a ", "a b", "a bc", "ab", "abc"].into());
        let long = "a".repeat(40);
        assert_eq!(starts(&long, &long).len(), MAX_START);
        assert!(starts("", "").is_empty());
    }

    #[test]
    fn a_separator_at_the_end_begins_another_word() {
        assert_eq!(begun("strip-"), "strip ");
        assert_eq!(begun("strip-a"), "strip a");
    }
}
