//! The excerpt of a result: its description, or the best matching passage of its README, with matches marked. It
//! compares words as the index does, and returns plain text for the page to escape.

use model::search::Fragment;

use super::analyser::{self, Word, stands_alone};
use super::parse::ParsedQuery;
use super::query::{Edits, MIN_EDITABLE};

/// The approximate length of a passage, in bytes.
const PASSAGE: usize = 200;

/// The excerpt of one result.
pub(super) fn excerpt(asked: &ParsedQuery, edits: Edits, description: &str, readme: &str) -> Vec<Fragment> {
    let matcher = Matcher::new(asked, edits);
    let described = matcher.marks(description);
    if described.iter().any(|word| word.marked) || readme.is_empty() {
        return fragments(description, 0, description.len(), &described);
    }
    let read = matcher.marks(readme);
    match best_passage(&read) {
        Some((from, to)) => passage(readme, from, to, &read),
        None if description.is_empty() => passage(readme, 0, 0, &[]),
        None => fragments(description, 0, description.len(), &[]),
    }
}

/// A word of a text, and whether it matches the query.
struct MarkedWord {
    word: Word,
    marked: bool,
}

/// Decides whether a word matches the query.
struct Matcher<'a> {
    words: Vec<(&'a str, bool)>,
    edits: Edits,
}

impl<'a> Matcher<'a> {
    fn new(asked: &'a ParsedQuery, edits: Edits) -> Self {
        let words = asked.texts.iter().flat_map(|text| {
            let last = text.words.len().saturating_sub(1);
            let single = last == 0;
            text.words.iter().enumerate().map(move |(at, word)| {
                let open = !text.quoted && (single || at == last) && !word.chars().all(stands_alone);
                (word.as_str(), open)
            })
        });
        Self { words: words.collect(), edits }
    }

    fn marks(&self, text: &str) -> Vec<MarkedWord> {
        if self.words.is_empty() {
            return Vec::new();
        }
        let words = analyser::indexed_words(text).into_iter();
        words.map(|word| MarkedWord { marked: self.is_asked(&word.text), word }).collect()
    }

    fn is_asked(&self, word: &str) -> bool {
        self.words.iter().any(|(asked, open)| {
            word == *asked
                || (*open && word.starts_with(asked))
                || (*open
                    && self.edits == Edits::Words
                    && asked.chars().count() >= MIN_EDITABLE
                    && within_one_edit(asked, word))
        })
    }
}

/// Whether one insertion, deletion, replacement or swap of neighbouring characters turns one word into the other.
fn within_one_edit(left: &str, right: &str) -> bool {
    // Most words differ in length by more than a character, which has at most four bytes.
    if left.len().abs_diff(right.len()) > char::MAX.len_utf8() {
        return false;
    }
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let same = left.iter().zip(&right).take_while(|(left, right)| left == right).count();
    let left = left.get(same..).unwrap_or(&[]);
    let right = right.get(same..).unwrap_or(&[]);
    match (left, right) {
        ([], []) => true,
        ([_, left_rest @ ..], [_, right_rest @ ..]) if left_rest == right_rest => true,
        ([_, left_rest @ ..], _) if left_rest == right => true,
        (_, [_, right_rest @ ..]) if right_rest == left => true,
        ([a, b, left_rest @ ..], [c, d, right_rest @ ..]) => a == d && b == c && left_rest == right_rest,
        _ => false,
    }
}

/// The bounds of the passage with the most matches; the earliest of equals.
fn best_passage(words: &[MarkedWord]) -> Option<(usize, usize)> {
    let marks: Vec<&Word> = words.iter().filter(|word| word.marked).map(|word| &word.word).collect();
    let mut best: Option<(usize, usize, usize)> = None;
    for (at, first) in marks.iter().enumerate() {
        let within = marks.iter().skip(at).take_while(|word| word.to <= first.from + PASSAGE * 3 / 4);
        let count = within.clone().count();
        let to = within.last().map_or(first.to, |last| last.to);
        if best.is_none_or(|(most, _, _)| count > most) {
            best = Some((count, first.from, to));
        }
    }
    best.map(|(_, from, to)| (from, to))
}

/// The text around a passage, extended to [`PASSAGE`] and cut between words.
fn passage(text: &str, from: usize, to: usize, words: &[MarkedWord]) -> Vec<Fragment> {
    let room = PASSAGE.saturating_sub(to - from);
    let before = text.floor_char_boundary(from.saturating_sub(room / 3));
    let after = text.ceil_char_boundary((to + room - (from - before).min(room)).min(text.len()));
    // The text before the passage starts after a space and the text after it ends before one, if possible.
    let start = if before == 0 {
        0
    } else {
        text.get(before..from).and_then(|lead| lead.find(char::is_whitespace)).map_or(before, |space| before + space)
    };
    let end = if after == text.len() {
        after
    } else {
        text.get(to..after).and_then(|tail| tail.rfind(char::is_whitespace)).map_or(after, |space| to + space)
    };
    let mut fragments = fragments(text, start, end, words);
    if start > 0 {
        fragments.insert(0, Fragment { text: "… ".to_owned(), marked: false });
    }
    if end < text.len() {
        fragments.push(Fragment { text: " …".to_owned(), marked: false });
    }
    fragments
}

/// Splits a text into marked and unmarked fragments; white space is collapsed.
fn fragments(text: &str, from: usize, to: usize, words: &[MarkedWord]) -> Vec<Fragment> {
    let mut fragments: Vec<Fragment> = Vec::new();
    let mut push = |from: usize, to: usize, marked: bool| {
        let text = folded_space(text.get(from..to).unwrap_or(""));
        if text.is_empty() {
            return;
        }
        match fragments.last_mut() {
            Some(last) if last.marked == marked => last.text.push_str(&text),
            _ => fragments.push(Fragment { text, marked }),
        }
    };
    let mut at = from;
    for word in words.iter().filter(|word| word.marked).map(|word| &word.word) {
        // Pairs of characters overlap.
        if word.to > at && word.to <= to && word.from >= from {
            push(at, word.from, false);
            push(word.from.max(at), word.to, true);
            at = word.to;
        }
    }
    push(at, to, false);
    if let Some(first) = fragments.first_mut() {
        first.text = first.text.trim_start().to_owned();
    }
    if let Some(last) = fragments.last_mut() {
        last.text.truncate(last.text.trim_end().len());
    }
    fragments.retain(|fragment| !fragment.text.is_empty());
    fragments
}

fn folded_space(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for character in text.chars() {
        if !character.is_whitespace() {
            folded.push(character);
        } else if !folded.ends_with(' ') {
            folded.push(' ');
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::*;
    use proptest::prelude::*;

    fn shown(query: &str, edits: Edits, description: &str, readme: &str) -> String {
        excerpt(&parse(query).unwrap(), edits, description, readme)
            .into_iter()
            .map(|part| if part.marked { format!("[{}]", part.text) } else { part.text })
            .collect()
    }

    #[test]
    fn a_description_that_matches_is_shown_whole() {
        assert_eq!(shown("key", Edits::None, "A keyed store for Keys", "key key key"), "A [keyed] store for [Keys]");
    }

    #[test]
    fn the_passage_with_most_matches_is_shown_when_the_description_has_none() {
        let filler = "lorem ipsum ".repeat(60);
        let readme =
            format!("one whale here. {filler}\n\nThe harbour   is where a whale meets a harbour pilot. {filler}");
        let shown = shown("whale harbour", Edits::None, "Nothing to see", &readme);
        assert!(shown.contains("The [harbour] is where a [whale] meets a [harbour] pilot."), "{shown}");
        assert!(shown.starts_with("… ") && shown.ends_with(" …"), "{shown}");
        assert!(shown.len() < PASSAGE + 40, "{shown}");
    }

    #[test]
    fn without_words_the_description_stands_alone() {
        assert_eq!(shown("arch:arm64", Edits::None, "A store", "readme"), "A store");
        assert_eq!(shown("", Edits::None, "", "# Readme of it"), "# Readme of it");
    }

    #[test]
    fn a_chinese_run_and_a_misspelt_word_are_marked() {
        assert_eq!(shown("镜像", Edits::None, "私有镜像仓库", ""), "私有[镜像]仓库");
        assert_eq!(shown("镜像仓", Edits::None, "私有镜像仓库", ""), "私有[镜像仓]库");
        assert_eq!(shown("库", Edits::None, "私有镜像仓库", ""), "私有镜像仓[库]");
        assert_eq!(shown("postgras", Edits::Words, "Postgres, ready", ""), "[Postgres], ready");
        assert_eq!(shown("postgras", Edits::None, "Postgres, ready", ""), "Postgres, ready");
    }

    #[test]
    fn one_edit_is_one_letter_or_a_swap() {
        for near in ["redis", "redi", "rediss", "xedis", "erdis", "redsi", "rebis"] {
            assert!(within_one_edit("redis", near), "{near}");
        }
        for far in ["red", "rebix", "redisss", "erids", "sider"] {
            assert!(!within_one_edit("redis", far), "{far}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_an_excerpt_panic_or_lose_its_order(
            query in "[a-c镜 ]{0,12}", description in "[a-cé镜 \n]{0,40}", readme in "[a-cé镜 \n]{0,600}",
        ) {
            let parts = excerpt(&parse(&query).unwrap(), Edits::Words, &description, &readme);
            prop_assert!(parts.windows(2).all(|pair| pair[0].marked != pair[1].marked || pair[0].text == "… " || pair[1].text == " …"));
        }
    }
}
