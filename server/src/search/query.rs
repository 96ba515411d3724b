//! Builds one query from words, filters and the viewer's scope, so that totals, facets and suggestions contain nothing
//! hidden.
//!
//! Scores are fixed weights for the fields that matched. Term statistics would include hidden repositories and reveal
//! something about them through the order of results.

use std::ops::Bound;
use std::sync::Arc;

use model::id::RepositoryId;
use model::token::TokenScope;
use tantivy::Term;
use tantivy::query::{
    AllQuery, BooleanQuery, EmptyQuery, FuzzyTermQuery, Occur, PhrasePrefixQuery, PhraseQuery, Query, RangeQuery,
    TermQuery, TermSetQuery,
};
use tantivy::schema::{Field, IndexRecordOption};

use super::analyser::{is_korean, stands_alone};
use super::collect::{Plan, WeightedMatch};
use super::covered::{CoveredCache, CoveredQuery};
use super::document::key;
use super::name;
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

/// Korean particles of one and of two syllables.
const PARTICLES: &str = "을를이가은는의에도와과로만";
const LONG_PARTICLES: [&str; 10] = ["에서", "에게", "으로", "까지", "부터", "처럼", "보다", "하고", "이나", "이란"];

/// What matches with one edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edits {
    /// Nothing.
    None,
    /// Whole names.
    Names,
    /// Names, and words in all fields.
    Words,
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
    /// Repositories that the viewer may no longer see, although their documents say so.
    pub(super) hidden: Vec<RepositoryId>,
}

/// Builds queries for an index.
#[derive(Clone, Copy)]
pub(super) struct Builder<'a> {
    /// The fields of the index.
    pub(super) fields: &'a Fields,
    /// The viewer's limits.
    pub(super) limits: &'a Limits,
    /// Cached documents of tokens' scopes.
    pub(super) covered: &'a Arc<CoveredCache>,
}

impl Builder<'_> {
    /// Builds the query of a search.
    pub(super) fn search(self, asked: &ParsedQuery, edits: Edits) -> Plan {
        self.places_with(asked, edits, &self.places())
    }

    /// Builds the query for suggestions: paths and topics that start with what was typed.
    pub(super) fn suggestion(self, asked: &ParsedQuery, edits: Edits) -> Plan {
        self.places_with(asked, edits, &[(self.fields.path_words, 8.0), (self.fields.topic_words, 4.0)])
    }

    /// Builds the query for repositories with exactly the name that was asked for; `None` without a name.
    pub(super) fn named(self, asked: &ParsedQuery) -> Option<Plan> {
        let limited = (!asked.texts.is_empty()).then(|| self.limited(asked))?;
        Some(Plan { names: self.exact_names(asked), ..limited })
    }

    /// Builds the query for names, and for texts in these fields.
    fn places_with(self, asked: &ParsedQuery, edits: Edits, places: &[(Field, f32)]) -> Plan {
        let mut plan = self.limited(asked);
        if asked.unreadable {
            plan.must.push(Box::new(EmptyQuery));
        }
        if !asked.texts.is_empty() {
            plan.names = self.names(asked, edits);
            plan.typed = name::length(&asked.name);
        }
        // The whole words of a single text in a path are a class of names.
        let single = asked.texts.len() == 1;
        plan.texts.extend(asked.texts.iter().map(|text| self.text_in(text, edits, single, places)));
        if !single {
            let described = asked.texts.iter().map(|text| adjacent(self.fields.description, &text.words));
            plan.described = described.collect();
        }
        plan
    }

    /// The parts of a query that do not affect scores: the viewer's limits, filters and excluded texts.
    fn limited(self, asked: &ParsedQuery) -> Plan {
        let mut must = self.scope();
        must.extend(asked.filters.iter().map(|filter| self.filter(filter)));
        let without = asked.without.iter().map(|text| self.whole(text));
        let unless = asked.unless.iter().map(|filter| self.filter(filter));
        let hidden = (!self.limits.hidden.is_empty()).then(|| self.among(&self.limits.hidden));
        Plan { must, without: without.chain(unless).chain(hidden).collect(), ..Plan::default() }
    }

    /// The documents of these repositories.
    fn among(self, ids: &[RepositoryId]) -> Box<dyn Query> {
        Box::new(TermSetQuery::new(ids.iter().map(|id| Term::from_field_u64(self.fields.id, key(*id)))))
    }

    /// The viewer's limits.
    fn scope(self) -> Vec<Box<dyn Query>> {
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
            limits.push(Box::new(CoveredQuery::new(self.fields.path, globs, Arc::clone(self.covered))));
        }
        limits
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
    fn text_in(self, text: &Text, edits: Edits, single: bool, places: &[(Field, f32)]) -> Vec<WeightedMatch> {
        let mut ways = Vec::new();
        for (field, weight) in places {
            // The words of a single text in a path are a class of names.
            if !single || *field != self.fields.path_words {
                ways.push(way(adjacent(*field, &text.words), *weight));
            }
            if text.quoted {
                continue;
            }
            if let Some(stem) = stem(&text.words) {
                ways.push(way(adjacent(*field, stem), *weight * PREFIX));
            }
            match text.words.as_slice() {
                // Too many words of paths start with a letter; names that do are a class.
                [word] if single && *field == self.fields.path_words && word.len() == 1 => {}
                [word] => self.parts_of_word(word, edits, *field, *weight, &mut ways),
                words => self.parts_of_phrase(words, edits, *field, *weight, &mut ways),
            }
        }
        if let ([word], false) = (text.words.as_slice(), single) {
            ways.push(way(term(self.fields.name, word), 12.0));
        }
        ways
    }

    /// A word in a field as a prefix, or with one edit.
    fn parts_of_word(self, word: &str, edits: Edits, field: Field, weight: f32, ways: &mut Vec<WeightedMatch>) {
        if word.chars().all(stands_alone) {
            return;
        }
        let length = word.chars().count();
        let short_text = self.is_running_text(field) && length < MIN_TEXT_PREFIX;
        if !short_text {
            let prefix = FuzzyTermQuery::new_prefix(Term::from_field_text(field, word), 0, true);
            ways.push(way(Box::new(prefix), weight * PREFIX));
        }
        if edits == Edits::Words && length >= MIN_EDITABLE {
            let near = FuzzyTermQuery::new(Term::from_field_text(field, word), 1, true);
            ways.push(way(Box::new(near), weight * EDITED));
        }
    }

    /// Adjacent words in a field, the last of them as a prefix, except in READMEs; with edits, the words in any order.
    fn parts_of_phrase(self, words: &[String], edits: Edits, field: Field, weight: f32, ways: &mut Vec<WeightedMatch>) {
        let is_chinese = words.last().is_some_and(|word| word.chars().all(stands_alone));
        // In READMEs a prefix has too many expansions, each of which is looked up at all positions of every word.
        if is_chinese || (field == self.fields.readme && edits != Edits::Words) {
            return;
        }
        let mut prefix = PhrasePrefixQuery::new(terms(field, words));
        prefix.set_max_expansions(MAX_EXPANSIONS);
        ways.push(way(Box::new(prefix), weight * PREFIX));
        if edits == Edits::Words && words.len() <= MAX_EDITED_PHRASE {
            let each = words.iter().map(|word| {
                let mut ways = vec![way(term(field, word), weight)];
                self.parts_of_word(word, edits, field, weight, &mut ways);
                let either: Box<dyn Query> =
                    Box::new(BooleanQuery::union(ways.into_iter().map(|way| way.query).collect()));
                (Occur::Must, either)
            });
            ways.push(way(Box::new(BooleanQuery::new(each.collect())), weight * EDITED));
        }
    }

    /// An exact text in any field, for exclusion.
    fn whole(self, text: &Text) -> Box<dyn Query> {
        let ways = self.places().into_iter().map(|(field, _)| (Occur::Should, adjacent(field, &text.words)));
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
            Filter::Starred => self.among(&self.limits.starred),
            Filter::Stars(bounds) => numbers(fields.stars, *bounds),
            Filter::Pulls(bounds) => numbers(fields.pulls, *bounds),
            Filter::Updated(bounds) => numbers(fields.updated, *bounds),
        }
    }
}

pub(super) fn term(field: Field, text: &str) -> Box<dyn Query> {
    Box::new(TermQuery::new(Term::from_field_text(field, text), IndexRecordOption::Basic))
}

/// A word, or adjacent words.
pub(super) fn adjacent(field: Field, words: &[String]) -> Box<dyn Query> {
    match words {
        [word] => term(field, word),
        words => Box::new(PhraseQuery::new(terms(field, words))),
    }
}

fn terms(field: Field, words: &[String]) -> Vec<Term> {
    words.iter().map(|word| Term::from_field_text(field, word)).collect()
}

/// The words of a Korean text without the particle at its end, if there is one.
fn stem(words: &[String]) -> Option<&[String]> {
    let (last, before) = words.split_last()?;
    let mut pair = last.chars();
    let (Some(_), Some(end), None) = (pair.next(), pair.next(), pair.next()) else { return None };
    if !is_korean(end) {
        return None;
    }
    let stem = match before.split_last() {
        Some((_, stem)) if !stem.is_empty() && LONG_PARTICLES.contains(&last.as_str()) => stem,
        _ if PARTICLES.contains(end) => before,
        _ => return None,
    };
    (!stem.is_empty()).then_some(stem)
}

fn numbers(field: Field, (from, to): Range) -> Box<dyn Query> {
    let bound = |bound: Bound<u64>| bound.map(|number| Term::from_field_u64(field, number));
    // tantivy rejects a range without bounds, which matches everything.
    if (from, to) == (Bound::Unbounded, Bound::Unbounded) {
        return Box::new(AllQuery);
    }
    Box::new(RangeQuery::new(bound(from), bound(to)))
}

pub(super) fn way(query: Box<dyn Query>, worth: f32) -> WeightedMatch {
    WeightedMatch { query, worth }
}

#[cfg(test)]
mod tests {
    use super::super::analyser::words;
    use super::*;

    #[test]
    fn a_korean_particle_is_no_part_of_the_stem() {
        let stem_of = |text: &str| {
            let words: Vec<String> = words(text).into_iter().map(|word| word.text).collect();
            stem(&words).map(<[_]>::to_vec)
        };
        assert_eq!(stem_of("도커를"), Some(vec!["도커".to_owned()]));
        assert_eq!(stem_of("저장소에서"), Some(vec!["저장".to_owned(), "장소".to_owned()]));
        for whole in ["도커", "도를", "redis", "镜像仓"] {
            assert_eq!(stem_of(whole), None, "{whole}");
        }
    }
}
