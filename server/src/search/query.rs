//! What was asked and who asks, as one query over the index: words, filters and the viewer's scope in a single tree, so that
//! totals, facets and suggestions hold nothing that the viewer may not see.
//!
//! Scores are fixed weights by where a word matched, never term statistics: those count hidden repositories too, and an
//! order that depends on them would tell of them.

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

/// Words this short match within no edit: too many others are that near.
pub(super) const MIN_EDITABLE: usize = 4;
/// Prefixes this short are looked for in paths, topics and tags alone: in running text they match nearly everything.
const MIN_TEXT_PREFIX: usize = 3;
/// How many words a prefix may stand for at the end of a phrase.
const MAX_EXPANSIONS: u32 = 64;
/// Longer phrases are looked for as they stand alone: each word with its neighbours costs a look into every field.
const MAX_EDITED_PHRASE: usize = 8;

/// What a prefix is worth of a whole word, and what a word one edit away is worth.
const PREFIX: f32 = 0.7;
const EDITED: f32 = 0.4;

/// Whether words one edit away count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edits {
    /// They do not.
    None,
    /// They do.
    One,
}

/// Who asks: what a document must hold one of, and the paths a token is narrowed to; `None` is no limit.
#[derive(Clone, Debug, Default)]
pub(super) struct Limits {
    /// Reader terms.
    pub(super) readers: Option<Vec<String>>,
    /// A token's scopes.
    pub(super) globs: Option<Vec<TokenScope>>,
    /// The repositories that the viewer starred; asked for only where the query needs it.
    pub(super) starred: Vec<RepositoryId>,
}

type Clause = (Occur, Box<dyn Query>);

/// Builds queries over one index's fields.
#[derive(Clone, Copy, Debug)]
pub(super) struct Builder<'a> {
    /// The fields.
    pub(super) fields: &'a Fields,
    /// Who asks.
    pub(super) limits: &'a Limits,
}

impl Builder<'_> {
    /// The whole query of a search.
    pub(super) fn search(self, asked: &ParsedQuery, edits: Edits) -> tantivy::Result<Plan> {
        let mut plan = self.limited(asked)?;
        if asked.unreadable {
            plan.must.push(Box::new(EmptyQuery));
        }
        plan.texts.extend(asked.texts.iter().map(|text| self.text_in(text, edits, &self.places())));
        Ok(plan)
    }

    /// Repositories whose path or topics go on from what is typed so far.
    pub(super) fn suggestion(self, asked: &ParsedQuery, edits: Edits) -> tantivy::Result<Plan> {
        let mut plan = self.limited(asked)?;
        let places = [(self.fields.path_words, 8.0), (self.fields.topic_words, 4.0)];
        plan.texts.extend(asked.texts.iter().map(|text| self.text_in(text, edits, &places)));
        Ok(plan)
    }

    /// What limits the viewer, and what the query says besides the words that are to be found. It adds nothing to a score.
    fn limited(self, asked: &ParsedQuery) -> tantivy::Result<Plan> {
        let mut must = self.scope()?;
        must.extend(asked.filters.iter().map(|filter| self.filter(filter)));
        let without = asked.without.iter().map(|text| self.whole(text));
        let unless = asked.unless.iter().map(|filter| self.filter(filter));
        Ok(Plan { must, without: without.chain(unless).collect(), texts: Vec::new() })
    }

    /// What limits the viewer.
    fn scope(self) -> tantivy::Result<Vec<Box<dyn Query>>> {
        let mut limits: Vec<Box<dyn Query>> = Vec::new();
        if let Some(readers) = &self.limits.readers {
            let terms = readers.iter().map(|reader| Term::from_field_text(self.fields.readers, reader));
            limits.push(Box::new(TermSetQuery::new(terms)));
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

    /// The fields that words are looked for in, and what a match there is worth.
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

    /// One text in any of these fields; the best field counts, and the name as a whole counts most.
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

    /// One word in one field: whole, as the beginning of another, or within one edit.
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

    /// Words side by side in one field, the last of them also as a beginning but in READMEs; with edits, the words in any order.
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
        // In READMEs a beginning has too many ends, each of which costs a look at every place of every word.
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

    /// A text exactly as it stands, in any field; what negation leaves out.
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
    // A range without ends is no range to the index, and everything to a person.
    if (from, to) == (Bound::Unbounded, Bound::Unbounded) {
        return Box::new(AllQuery);
    }
    Box::new(RangeQuery::new(bound(from), bound(to)))
}

fn way(query: Box<dyn Query>, worth: f32) -> WeightedMatch {
    WeightedMatch { query, worth }
}

/// A scope's glob as a regular expression over whole paths: `*` stays within a segment, `**` does not.
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
            // The grammar of globs allows nothing else; of these only the dot means something to a regular expression.
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
