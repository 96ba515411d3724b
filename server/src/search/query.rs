//! Builds one query from words, filters and the viewer's scope, so that totals, facets and suggestions contain nothing
//! hidden.
//!
//! Scores are fixed weights for the fields that matched. Term statistics would include hidden repositories and reveal
//! something about them through the order of results.

use std::ops::Bound;

use model::id::RepositoryId;
use model::token::TokenScope;
use tantivy::Term;
use tantivy::query::{
    AllQuery, BooleanQuery, EmptyQuery, FuzzyTermQuery, Occur, PhrasePrefixQuery, PhraseQuery, Query, RangeQuery,
    RegexQuery, TermQuery, TermSetQuery,
};
use tantivy::schema::{Field, IndexRecordOption};

use super::analyser::stands_alone;
use super::collect::{Plan, WeightedMatch};
use super::document::key;
use super::parse::{Filter, ParsedQuery, Range, Text};
use super::schema::Fields;

/// Shorter words only match exactly: too many others are within one edit.
pub(super) const MIN_EDITABLE: usize = 4;
/// Shorter prefixes are only searched in paths, topics and tags: they match nearly every running text.
const MIN_TEXT_PREFIX: usize = 3;
/// The maximum number of words for the prefix at the end of a phrase.
const MAX_EXPANSIONS: u32 = 64;
/// Longer phrases only match exactly: each edited word has to be looked up in every field.
const MAX_EDITED_PHRASE: usize = 8;

/// The score of a prefix, and of a word with one edit, relative to a whole word.
const PREFIX: f32 = 0.7;
const EDITED: f32 = 0.4;

/// Whether words with one edit match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edits {
    /// They do not match.
    None,
    /// They match.
    One,
}

/// Limits of the viewer: terms of which a document must have one, and the paths that a token is restricted to. `None`
/// means no limit.
#[derive(Clone, Debug, Default)]
pub(super) struct Limits {
    /// Access terms.
    pub(super) readers: Option<Vec<String>>,
    /// The scopes of a token.
    pub(super) globs: Option<Vec<TokenScope>>,
    /// The repositories starred by the viewer, if the query needs them.
    pub(super) starred: Vec<RepositoryId>,
}

type Clause = (Occur, Box<dyn Query>);

/// Builds queries for an index.
#[derive(Clone, Copy, Debug)]
pub(super) struct Builder<'a> {
    /// The fields of the index.
    pub(super) fields: &'a Fields,
    /// The viewer's limits.
    pub(super) limits: &'a Limits,
}

impl Builder<'_> {
    /// Builds the query of a search.
    pub(super) fn search(self, asked: &ParsedQuery, edits: Edits) -> tantivy::Result<Plan> {
        let mut plan = self.limited(asked)?;
        if asked.unreadable {
            plan.must.push(Box::new(EmptyQuery));
        }
        plan.texts.extend(asked.texts.iter().map(|text| self.text_in(text, edits, &self.places())));
        Ok(plan)
    }

    /// Builds the query for suggestions: paths and topics that start with what was typed.
    pub(super) fn suggestion(self, asked: &ParsedQuery, edits: Edits) -> tantivy::Result<Plan> {
        let mut plan = self.limited(asked)?;
        let places = [(self.fields.path_words, 8.0), (self.fields.topic_words, 4.0)];
        plan.texts.extend(asked.texts.iter().map(|text| self.text_in(text, edits, &places)));
        Ok(plan)
    }

    /// The parts of a query that do not affect scores: the viewer's limits, filters and excluded texts.
    fn limited(self, asked: &ParsedQuery) -> tantivy::Result<Plan> {
        let mut must = self.scope()?;
        must.extend(asked.filters.iter().map(|filter| self.filter(filter)));
        let without = asked.without.iter().map(|text| self.whole(text));
        let unless = asked.unless.iter().map(|filter| self.filter(filter));
        Ok(Plan { must, without: without.chain(unless).collect(), texts: Vec::new() })
    }

    /// The viewer's limits.
    fn scope(self) -> tantivy::Result<Vec<Box<dyn Query>>> {
        let mut limits: Vec<Box<dyn Query>> = Vec::new();
        if let Some(readers) = &self.limits.readers {
            limits.push(match readers.as_slice() {
                // Anonymous viewers have a single term, which need not be looked up as a set.
                [reader] => term(self.fields.readers, reader),
                readers => {
                    let terms = readers.iter().map(|reader| Term::from_field_text(self.fields.readers, reader));
                    Box::new(TermSetQuery::new(terms))
                }
            });
        }
        if let Some(globs) = &self.limits.globs {
            let mut paths: Vec<Clause> = vec![(Occur::Should, Box::new(EmptyQuery))];
            for scope in globs {
                let pattern = pattern(scope.glob().as_str());
                paths.push((Occur::Should, Box::new(RegexQuery::from_pattern(&pattern, self.fields.path)?)));
            }
            limits.push(Box::new(BooleanQuery::new(paths)));
        }
        Ok(limits)
    }

    /// The searched fields and their scores.
    fn places(self) -> [(Field, f32); 7] {
        let fields = self.fields;
        [
            (fields.path_words, 8.0),
            (fields.topic_words, 5.0),
            (fields.tag_words, 4.0),
            (fields.description, 3.0),
            (fields.label_words, 1.5),
            (fields.platform, 1.5),
            (fields.readme, 1.0),
        ]
    }

    /// A text in any of these fields. The best field counts, and the whole name most.
    fn text_in(self, text: &Text, edits: Edits, places: &[(Field, f32)]) -> Vec<WeightedMatch> {
        let mut ways = Vec::new();
        for (field, weight) in places {
            match text.words.as_slice() {
                [word] => self.word_in(word, text.quoted, edits, *field, *weight, &mut ways),
                words => self.words_in(words, text.quoted, edits, *field, *weight, &mut ways),
            }
        }
        if let [word] = text.words.as_slice() {
            ways.push(way(term(self.fields.name, word), 12.0));
        }
        ways
    }

    /// A word in a field: whole, as a prefix, or with one edit.
    fn word_in(self, word: &str, quoted: bool, edits: Edits, field: Field, weight: f32, ways: &mut Vec<WeightedMatch>) {
        ways.push(way(term(field, word), weight));
        if quoted || word.chars().all(stands_alone) {
            return;
        }
        let length = word.chars().count();
        let short_text = self.is_running_text(field) && length < MIN_TEXT_PREFIX;
        if !short_text {
            let prefix = FuzzyTermQuery::new_prefix(Term::from_field_text(field, word), 0, true);
            ways.push(way(Box::new(prefix), weight * PREFIX));
        }
        if edits == Edits::One && length >= MIN_EDITABLE {
            let near = FuzzyTermQuery::new(Term::from_field_text(field, word), 1, true);
            ways.push(way(Box::new(near), weight * EDITED));
        }
    }

    /// Adjacent words in a field, the last of them also as a prefix except in READMEs; with edits, the words in any
    /// order.
    fn words_in(
        self,
        words: &[String],
        quoted: bool,
        edits: Edits,
        field: Field,
        weight: f32,
        ways: &mut Vec<WeightedMatch>,
    ) {
        let terms: Vec<Term> = words.iter().map(|word| Term::from_field_text(field, word)).collect();
        let chinese = words.last().is_some_and(|word| word.chars().all(stands_alone));
        ways.push(way(Box::new(PhraseQuery::new(terms.clone())), weight));
        // In READMEs a prefix has too many expansions, each of which is looked up at all positions of every word.
        if quoted || chinese || (field == self.fields.readme && edits == Edits::None) {
            return;
        }
        let mut prefix = PhrasePrefixQuery::new(terms);
        prefix.set_max_expansions(MAX_EXPANSIONS);
        ways.push(way(Box::new(prefix), weight * PREFIX));
        if edits == Edits::One && words.len() <= MAX_EDITED_PHRASE {
            let each = words.iter().map(|word| {
                let mut ways = Vec::new();
                self.word_in(word, false, edits, field, weight, &mut ways);
                let either: Box<dyn Query> =
                    Box::new(BooleanQuery::union(ways.into_iter().map(|way| way.query).collect()));
                (Occur::Must, either)
            });
            ways.push(way(Box::new(BooleanQuery::new(each.collect())), weight * EDITED));
        }
    }

    /// An exact text in any field, for exclusion.
    fn whole(self, text: &Text) -> Box<dyn Query> {
        let ways = self.places().into_iter().map(|(field, _)| -> Clause {
            let query: Box<dyn Query> = match text.words.as_slice() {
                [word] => term(field, word),
                words => {
                    Box::new(PhraseQuery::new(words.iter().map(|word| Term::from_field_text(field, word)).collect()))
                }
            };
            (Occur::Should, query)
        });
        Box::new(BooleanQuery::new(ways.collect()))
    }

    fn is_running_text(self, field: Field) -> bool {
        [self.fields.description, self.fields.readme, self.fields.label_words].contains(&field)
    }

    fn filter(self, filter: &Filter) -> Box<dyn Query> {
        let fields = self.fields;
        match filter {
            Filter::Namespace(name) => term(fields.namespace, name),
            Filter::Tag(tag) => term(fields.tag, tag),
            Filter::Topic(topic) => term(fields.topic, topic),
            Filter::Label(label) => term(fields.label, label),
            Filter::Arch(arch) => term(fields.arch, arch),
            Filter::Os(os) => term(fields.os, os),
            Filter::Official => term(fields.is, "official"),
            Filter::Visible(visibility) => term(fields.is, visibility.as_str()),
            Filter::Starred => {
                let ids = self.limits.starred.iter().map(|id| Term::from_field_u64(fields.id, key(*id)));
                Box::new(TermSetQuery::new(ids))
            }
            Filter::Stars(bounds) => numbers(fields.stars, *bounds),
            Filter::Pulls(bounds) => numbers(fields.pulls, *bounds),
            Filter::Updated(bounds) => numbers(fields.updated, *bounds),
        }
    }
}

fn term(field: Field, text: &str) -> Box<dyn Query> {
    Box::new(TermQuery::new(Term::from_field_text(field, text), IndexRecordOption::Basic))
}

fn numbers(field: Field, (from, to): Range) -> Box<dyn Query> {
    let bound = |bound: Bound<u64>| bound.map(|number| Term::from_field_u64(field, number));
    // tantivy rejects a range without bounds, which matches everything.
    if (from, to) == (Bound::Unbounded, Bound::Unbounded) {
        return Box::new(AllQuery);
    }
    Box::new(RangeQuery::new(bound(from), bound(to)))
}

fn way(query: Box<dyn Query>, worth: f32) -> WeightedMatch {
    WeightedMatch { query, worth }
}

/// Converts the glob of a scope to a regular expression for paths: `*` matches within a segment, `**` also across
/// segments.
fn pattern(glob: &str) -> String {
    let mut pattern = String::with_capacity(glob.len() * 2);
    let mut rest = glob;
    while let Some(first) = rest.chars().next() {
        if let Some(tail) = rest.strip_prefix("**") {
            pattern.push_str(".*");
            rest = tail;
            continue;
        }
        match first {
            '*' => pattern.push_str("[^/]*"),
            // Globs cannot contain other characters, and of these only the dot is special in a regular expression.
            'a'..='z' | '0'..='9' | '_' | '-' | '/' => pattern.push(first),
            first => {
                pattern.push('\\');
                pattern.push(first);
            }
        }
        rest = rest.get(first.len_utf8()..).unwrap_or("");
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_keeps_to_its_segment_unless_it_says_otherwise() {
        assert_eq!(pattern("team/*"), "team/[^/]*");
        assert_eq!(pattern("team/**"), "team/.*");
        assert_eq!(pattern("a.b-c/d"), r"a\.b-c/d");
    }
}
