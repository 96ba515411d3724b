//! Splits text into words: folded case, without accents, in one Unicode form, split at everything but letters and
//! digits.
//!
//! Chinese, Japanese and Korean characters are indexed one by one and in pairs, and searched in pairs: texts in these
//! scripts have no spaces, or particles at the end of their words.

use std::collections::VecDeque;

use caseless::Caseless;
use tantivy::tokenizer::{AsciiFoldingFilter, TextAnalyzer, Token, TokenStream, Tokenizer};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The analyser's name in the schema.
pub(super) const NAME: &str = "words";
/// The length of a word, in bytes; longer ones are cut, in texts and in queries.
const MAX_WORD: usize = 255;

/// An indexed word and its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// The word, folded.
    pub(super) text: String,
    /// Its first byte in the text.
    pub(super) from: usize,
    /// The byte after its last.
    pub(super) to: usize,
}

/// The analyser of the index.
pub(super) fn analyser() -> TextAnalyzer {
    of(Splitter { singles: true })
}

fn of(splitter: Splitter) -> TextAnalyzer {
    TextAnalyzer::builder(splitter).filter(AsciiFoldingFilter).build()
}

/// The words of a query, in order.
pub(super) fn words(text: &str) -> Vec<Word> {
    collect(text, Splitter { singles: false })
}

/// The words of a text as it is indexed, in order.
pub(super) fn indexed_words(text: &str) -> Vec<Word> {
    collect(text, Splitter { singles: true })
}

fn collect(text: &str, splitter: Splitter) -> Vec<Word> {
    let mut analyser = of(splitter);
    let mut stream = analyser.token_stream(text);
    let mut words = Vec::new();
    while let Some(token) = stream.next() {
        words.push(Word { text: token.text.clone(), from: token.offset_from, to: token.offset_to });
    }
    words
}

/// Whether a character belongs to a script that is indexed by characters: Chinese, Japanese or Korean.
pub(super) fn stands_alone(character: char) -> bool {
    is_korean(character)
        || matches!(
            u32::from(character),
            0x3005..=0x3007 | 0x3040..=0x312F | 0x31F0..=0x31FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF
                | 0xF900..=0xFAFF | 0xFF66..=0xFF9F | 0x2_0000..=0x3_FFFF
        )
}

/// Whether a character is a Korean syllable or a part of one.
pub(super) fn is_korean(character: char) -> bool {
    matches!(
        u32::from(character),
        0x1100..=0x11FF | 0x3130..=0x318F | 0xA960..=0xA97F | 0xAC00..=0xD7FF | 0xFFA0..=0xFFDC
    )
}

/// Whether a character continues the one before it: a mark, a part of a Korean syllable, or invisible inside a word.
pub(super) fn continues(character: char) -> bool {
    is_invisible(character)
        || (!character.is_ascii() && is_combining_mark(character))
        || matches!(u32::from(character), 0x1160..=0x11FF | 0xD7B0..=0xD7FF | 0xFF9E | 0xFF9F)
}

/// Whether a character inside a word has no effect on it, such as a soft hyphen.
fn is_invisible(character: char) -> bool {
    matches!(u32::from(character), 0xAD | 0x34F | 0x200C | 0x200D | 0x2060 | 0xFE00..=0xFE0F | 0xFEFF)
}

/// Appends a part of a text in the form in which it is compared (NFKC with folded case), without what is neither letter
/// nor digit in that form.
fn fold(part: &str, into: &mut String) {
    if part.is_ascii() {
        into.extend(part.chars().map(|character| character.to_ascii_lowercase()));
        return;
    }
    let visible = part.chars().filter(|character| !is_invisible(*character));
    let folded = visible.nfkc().default_case_fold().nfkc();
    // Accents that remain do not form a character with their letter.
    let is_accent = |character: char| matches!(u32::from(character), 0x300..=0x36F);
    into.extend(
        folded.filter(|character| {
            character.is_alphanumeric() || (is_combining_mark(*character) && !is_accent(*character))
        }),
    );
}

/// Splits text into words with positions.
#[derive(Clone)]
struct Splitter {
    /// Whether each character that stands alone is a word as well, beside the pairs.
    singles: bool,
}

struct Split<'a> {
    text: &'a str,
    /// The first byte not yet read.
    at: usize,
    singles: bool,
    /// The position of the next word.
    position: usize,
    /// Words that were read but not returned.
    pending: VecDeque<Token>,
    token: Token,
}

impl Tokenizer for Splitter {
    type TokenStream<'a> = Split<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Split<'a> {
        Split { text, at: 0, singles: self.singles, position: 0, pending: VecDeque::new(), token: Token::default() }
    }
}

impl Split<'_> {
    /// Reads a run of characters that stand alone: pairs, and in the index single characters too. A single character at
    /// the end has the position of the last pair, so that the pairs of a run are neighbours.
    fn read_run(&mut self, from: usize, run: &str) {
        let mut characters: Vec<(char, usize, usize)> = Vec::new();
        let mut starts = run.char_indices().filter(|(_, character)| !continues(*character)).map(|(start, _)| start);
        let mut start = starts.next().map(|_| 0);
        let mut folded = String::new();
        while let Some(part) = start {
            start = starts.next();
            let end = start.unwrap_or(run.len());
            folded.clear();
            fold(run.get(part..end).unwrap_or(""), &mut folded);
            characters.extend(folded.chars().map(|character| (character, from + part, from + end)));
        }
        let last = characters.len().saturating_sub(1);
        let pairs = last.max(1);
        for (at, (character, from, to)) in characters.iter().enumerate() {
            let word = |text: String, to: usize| Token {
                offset_from: *from,
                offset_to: to,
                position: self.position + at.min(pairs - 1),
                text,
                position_length: 1,
            };
            if self.singles || last == 0 {
                self.pending.push_back(word(character.to_string(), *to));
            }
            if let Some((next, _, to)) = characters.get(at + 1) {
                self.pending.push_back(word(String::from_iter([*character, *next]), *to));
            }
        }
        if !characters.is_empty() {
            self.position += pairs;
        }
    }

    /// Reads a word of another script into the current token; `false` if nothing of it remains.
    fn read_word(&mut self, from: usize, word: &str) -> bool {
        self.token.text.clear();
        fold(word, &mut self.token.text);
        self.token.text.truncate(self.token.text.floor_char_boundary(MAX_WORD));
        if self.token.text.is_empty() {
            return false;
        }
        (self.token.offset_from, self.token.offset_to) = (from, from + word.len());
        self.token.position = self.position;
        self.position += 1;
        true
    }
}

impl TokenStream for Split<'_> {
    fn advance(&mut self) -> bool {
        loop {
            if let Some(token) = self.pending.pop_front() {
                self.token = token;
                return true;
            }
            let rest = self.text.get(self.at..).unwrap_or("");
            let Some((skip, first)) = rest.char_indices().find(|(_, character)| character.is_alphanumeric()) else {
                self.at = self.text.len();
                return false;
            };
            let from = self.at + skip;
            let rest = rest.get(skip..).unwrap_or("");
            let alone = stands_alone(first);
            let ends = |character: char| {
                !continues(character) && (!character.is_alphanumeric() || stands_alone(character) != alone)
            };
            let word = rest.get(..rest.find(ends).unwrap_or(rest.len())).unwrap_or("");
            self.at = from + word.len();
            if alone {
                self.read_run(from, word);
            } else if self.read_word(from, word) {
                return true;
            }
        }
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(text: &str) -> Vec<String> {
        words(text).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn punctuation_of_paths_and_versions_divides_words() {
        assert_eq!(texts("team/my-app_v1.2 (Déjà Vu)"), ["team", "my", "app", "v1", "2", "deja", "vu"]);
    }

    #[test]
    fn chinese_and_korean_are_searched_in_pairs_and_indexed_by_character_as_well() {
        assert_eq!(texts("nginx镜像仓 库"), ["nginx", "镜像", "像仓", "库"]);
        assert_eq!(texts("도커를"), ["도커", "커를"]);
        let indexed: Vec<String> = indexed_words("镜像仓").into_iter().map(|word| word.text).collect();
        assert_eq!(indexed, ["镜", "镜像", "像", "像仓", "仓"]);
    }

    #[test]
    fn pairs_have_the_same_positions_in_a_text_and_in_a_query() {
        let positions = |splitter: Splitter| {
            let mut analyser = of(splitter);
            let mut stream = analyser.token_stream("a 镜像仓 库 b");
            let mut pairs = Vec::new();
            while let Some(token) = stream.next() {
                if token.text.chars().count() == 2 || token.text.is_ascii() {
                    pairs.push((token.text.clone(), token.position));
                }
            }
            pairs
        };
        let searched = positions(Splitter { singles: false });
        assert_eq!(searched, positions(Splitter { singles: true }));
        assert_eq!(searched.iter().map(|(_, position)| *position).collect::<Vec<_>>(), [0, 1, 2, 4]);
    }

    #[test]
    fn the_forms_of_a_word_are_one_word() {
        for text in ["Déjà", "De\u{301}ja\u{300}", "ＤＥＪＡ", "de\u{ad}ja", "DÉJÀ"] {
            assert_eq!(texts(text), ["deja"], "{text}");
        }
        assert_eq!(texts("ΟΔΟΣ"), texts("οδος"));
        assert_eq!(texts("Straße"), ["strasse"]);
        assert_eq!(texts("\u{1112}\u{1161}\u{11AB}\u{1100}\u{1173}\u{11AF}"), texts("한글"));
        assert_eq!(texts("ｶﾞｲﾄﾞ"), texts("ガイド"));
    }

    #[test]
    fn a_long_word_is_cut_and_not_left_out() {
        let long = "a".repeat(300);
        assert_eq!(texts(&long), ["a".repeat(MAX_WORD)]);
    }

    #[test]
    fn places_are_those_of_the_text_as_it_was_given() {
        let text = "«Café» 图";
        let places: Vec<&str> = words(text).iter().map(|word| &text[word.from..word.to]).collect();
        assert_eq!(places, ["Café", "图"]);
        let text = "e\u{301}a か\u{3099}き";
        let places: Vec<&str> = words(text).iter().map(|word| &text[word.from..word.to]).collect();
        assert_eq!(places, ["e\u{301}a", "か\u{3099}き"]);
    }

    proptest! {
        #[test]
        fn every_place_lies_on_characters_and_in_order(text in "\\PC{0,80}") {
            let mut last = 0;
            for word in indexed_words(&text) {
                prop_assert!(word.from >= last && word.to > word.from && !word.text.is_empty());
                prop_assert!(text.get(word.from..word.to).is_some());
                last = word.from;
            }
        }
    }
}
