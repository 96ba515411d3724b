//! Splits text into words: lower case, without accents, split at everything but letters and digits. Each Chinese or
//! Japanese character is a word.

use tantivy::tokenizer::{
    AsciiFoldingFilter, LowerCaser, RemoveLongFilter, TextAnalyzer, Token, TokenStream, Tokenizer,
};

/// The analyser's name in the schema.
pub(super) const NAME: &str = "words";
/// The longest word that is indexed or searched, in bytes.
const MAX_WORD: usize = 64;

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

/// The analyser that the index and the queries share.
pub(super) fn analyser() -> TextAnalyzer {
    TextAnalyzer::builder(Splitter::default())
        .filter(RemoveLongFilter::limit(MAX_WORD))
        .filter(LowerCaser)
        .filter(AsciiFoldingFilter)
        .build()
}

/// The words of a text, in order.
pub(super) fn words(text: &str) -> Vec<Word> {
    let mut analyser = analyser();
    let mut stream = analyser.token_stream(text);
    let mut words = Vec::new();
    while let Some(token) = stream.next() {
        words.push(Word { text: token.text.clone(), from: token.offset_from, to: token.offset_to });
    }
    words
}

/// Whether a character is a word by itself: Chinese characters and Japanese syllables, which are written without
/// spaces.
pub(super) fn stands_alone(character: char) -> bool {
    matches!(
        u32::from(character),
        0x3005..=0x3007 | 0x3040..=0x312F | 0x31F0..=0x31FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF
            | 0xF900..=0xFAFF | 0xFF66..=0xFF9F | 0x2_0000..=0x3_FFFF
    )
}

/// Splits text into words with positions.
#[derive(Clone, Default)]
struct Splitter {
    token: Token,
}

struct Split<'a> {
    text: &'a str,
    /// The first byte not yet read.
    at: usize,
    token: &'a mut Token,
}

impl Tokenizer for Splitter {
    type TokenStream<'a> = Split<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Split<'a> {
        self.token.reset();
        Split { text, at: 0, token: &mut self.token }
    }
}

impl TokenStream for Split<'_> {
    fn advance(&mut self) -> bool {
        let rest = self.text.get(self.at..).unwrap_or("");
        let Some((skip, first)) = rest.char_indices().find(|(_, character)| character.is_alphanumeric()) else {
            self.at = self.text.len();
            return false;
        };
        let word = rest.get(skip..).unwrap_or("");
        let length = if stands_alone(first) {
            first.len_utf8()
        } else {
            word.find(|character: char| !character.is_alphanumeric() || stands_alone(character)).unwrap_or(word.len())
        };
        self.token.position = self.token.position.wrapping_add(1);
        self.token.offset_from = self.at + skip;
        self.token.offset_to = self.token.offset_from + length;
        self.token.text.clear();
        self.token.text.push_str(word.get(..length).unwrap_or(""));
        self.at = self.token.offset_to;
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
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
    fn each_chinese_character_is_a_word_beside_latin_ones() {
        assert_eq!(texts("nginx镜像 仓库"), ["nginx", "镜", "像", "仓", "库"]);
    }

    #[test]
    fn places_are_those_of_the_text_as_it_was_given() {
        let text = "«Café» 图";
        let places: Vec<&str> = words(text).iter().map(|word| &text[word.from..word.to]).collect();
        assert_eq!(places, ["Café", "图"]);
    }

    proptest! {
        #[test]
        fn every_place_lies_on_characters_and_in_order(text in "\\PC{0,80}") {
            let mut last = 0;
            for word in words(&text) {
                prop_assert!(word.from >= last && word.to > word.from);
                prop_assert!(text.get(word.from..word.to).is_some());
                last = word.to;
            }
        }
    }
}
