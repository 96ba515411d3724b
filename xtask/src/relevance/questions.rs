//! The questions for a list of repositories, each with its right answer.

use std::collections::{BTreeSet, HashMap};

use crate::fill::Entry;

/// The number of popular repositories, and of any, that are asked for.
const SAMPLE: usize = 500;
/// Shorter names are not asked for with a mistake, or by their beginning.
const MIN_MISTAKEN: usize = 6;
const MIN_BEGUN: usize = 7;
/// The number of rare words in a question.
const RARE: usize = 3;
/// The shortest rare word.
const MIN_RARE: usize = 3;

/// A row of the table.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    pub(crate) name: &'static str,
    /// The share of right first results that is wanted.
    pub(crate) goal: f64,
    /// The share of right results among ten that is wanted.
    pub(crate) goal_in_ten: Option<f64>,
    pub(crate) questions: Vec<Question<'a>>,
}

/// A question and its right answer.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub(crate) text: String,
    answer: Answer<'a>,
}

#[derive(Debug)]
enum Answer<'a> {
    /// Any of these repositories.
    Paths(Vec<&'a Entry>),
    /// Any repository with this name.
    Name(&'a str),
}

impl Question<'_> {
    /// Whether a result is right.
    pub(crate) fn is_answer(&self, path: &str) -> bool {
        let Some((namespace, name)) = path.split_once('/') else { return false };
        match &self.answer {
            Answer::Paths(entries) => entries.iter().any(|entry| entry.namespace == namespace && entry.name == name),
            Answer::Name(wanted) => name == *wanted,
        }
    }
}

/// A list of repositories, the most popular first, and those of them that are asked for.
pub(crate) struct Questions<'a> {
    popular: &'a [Entry],
    any: Vec<&'a Entry>,
    /// The most popular repository of each name.
    best: HashMap<&'a str, &'a Entry>,
    /// The repositories with each description.
    described: HashMap<&'a str, Vec<&'a Entry>>,
    /// The number of descriptions that have a word.
    frequency: HashMap<String, u32>,
}

impl<'a> Questions<'a> {
    pub(crate) fn of(entries: &'a [Entry]) -> Questions<'a> {
        let mut dice = Dice(7);
        let mut any: Vec<&Entry> = entries.iter().collect();
        for place in 0..SAMPLE.min(any.len()) {
            let other = place + dice.below(any.len() - place);
            any.swap(place, other);
        }
        any.truncate(SAMPLE);
        let mut best = HashMap::new();
        let mut described: HashMap<&str, Vec<&Entry>> = HashMap::new();
        let mut frequency = HashMap::new();
        for entry in entries {
            best.entry(entry.name.as_str()).or_insert(entry);
            described.entry(entry.description.as_str()).or_default().push(entry);
            for word in words(&entry.description) {
                *frequency.entry(word).or_insert(0) += 1;
            }
        }
        Questions { popular: entries.get(..SAMPLE).unwrap_or(entries), any, best, described, frequency }
    }

    /// All rows of the table.
    pub(crate) fn rows(&self) -> Vec<Row<'a>> {
        let mut dice = Dice(11);
        let row = |name, goal, goal_in_ten, questions| Row { name, goal, goal_in_ten, questions };
        let popular = || self.popular.iter();
        let any = || self.any.iter().copied();
        let divided = |entry: &&'a Entry| entry.name.contains(SEPARATORS);
        let mistaken = popular().filter(|entry| entry.name.len() >= MIN_MISTAKEN);
        let begun = popular().filter(|entry| entry.name.len() >= MIN_BEGUN);
        vec![
            row("the whole name, popular", 1.0, None, popular().map(|entry| self.whole(entry)).collect()),
            row("the whole name, any", 0.995, None, any().map(|entry| self.whole(entry)).collect()),
            row("namespace/name, any", 1.0, None, any().map(path).collect()),
            row(
                "the name with blanks, any",
                0.98,
                None,
                any().filter(divided).map(|entry| named(entry, entry.name.replace(SEPARATORS, " "))).collect(),
            ),
            row(
                "the name run together, popular",
                0.95,
                None,
                popular().filter(divided).map(|entry| named(entry, entry.name.replace(SEPARATORS, ""))).collect(),
            ),
            row(
                "one letter wrong, popular",
                0.95,
                None,
                mistaken.map(|entry| named(entry, dice.mistake(&entry.name))).collect(),
            ),
            row(
                "the first two thirds, popular",
                0.85,
                Some(0.97),
                begun.map(|entry| named(entry, entry.name.chars().take(entry.name.len() * 2 / 3).collect())).collect(),
            ),
            row(
                "three rare words of the description, any",
                0.9,
                Some(0.99),
                any().filter_map(|entry| self.rarest(entry)).collect(),
            ),
        ]
    }

    /// Asks for a name. Of several with it, the most popular is right.
    fn whole(&self, entry: &'a Entry) -> Question<'a> {
        let best = self.best.get(entry.name.as_str()).copied().unwrap_or(entry);
        Question { text: entry.name.clone(), answer: Answer::Paths(vec![best]) }
    }

    /// Asks for the rarest words of a description, if it has enough. Of several with the same one, each is right.
    fn rarest(&self, entry: &'a Entry) -> Option<Question<'a>> {
        let mut words: Vec<String> = words(&entry.description).into_iter().collect();
        words.sort_by_key(|word| self.frequency.get(word).copied().unwrap_or(0));
        words.truncate(RARE);
        let same = self.described.get(entry.description.as_str()).cloned().unwrap_or_default();
        (words.len() == RARE).then(|| Question { text: words.join(" "), answer: Answer::Paths(same) })
    }
}

const SEPARATORS: [char; 3] = ['-', '_', '.'];

fn path(entry: &Entry) -> Question<'_> {
    Question { text: format!("{}/{}", entry.namespace, entry.name), answer: Answer::Paths(vec![entry]) }
}

fn named(entry: &Entry, text: String) -> Question<'_> {
    Question { text, answer: Answer::Name(&entry.name) }
}

/// The different words of a description.
fn words(description: &str) -> BTreeSet<String> {
    let words = description.split(|character: char| !character.is_ascii_alphabetic());
    words.filter(|word| word.len() >= MIN_RARE).map(str::to_ascii_lowercase).collect()
}

/// A generator of the same numbers in each run (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let number = (mixed ^ (mixed >> 31)) % u64::try_from(limit.max(1)).unwrap_or(u64::MAX);
        usize::try_from(number).unwrap_or(0)
    }

    /// Removes a letter inside a name, swaps two, or adds one.
    fn mistake(&mut self, name: &str) -> String {
        loop {
            let mut letters: Vec<char> = name.chars().collect();
            let place = 1 + self.below(letters.len().saturating_sub(2));
            match self.below(3) {
                0 => drop(letters.remove(place)),
                1 => letters.swap(place, place + 1),
                _ => letters.insert(place, ('a'..='p').nth(self.below(16)).unwrap_or('a')),
            }
            let mistaken = String::from_iter(letters);
            if mistaken != name {
                return mistaken;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(namespace: &str, name: &str, description: &str) -> Entry {
        Entry {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            description: description.to_owned(),
            pulls: 1,
            private: false,
        }
    }

    #[test]
    fn a_mistake_changes_a_name_by_one_letter_and_keeps_its_ends() {
        let mut dice = Dice(1);
        for _ in 0..200 {
            let mistaken = dice.mistake("harbour");
            assert!(mistaken != "harbour" && (6..=8).contains(&mistaken.len()), "{mistaken}");
            assert!(mistaken.starts_with('h'), "{mistaken}");
        }
    }

    #[test]
    fn of_several_with_a_name_the_first_is_right() {
        let entries = [entry("a", "quay-wall", "Walls of stone quays"), entry("b", "quay-wall", "One of the walls")];
        let questions = Questions::of(&entries);
        let rows = questions.rows();
        assert!(rows[1].questions.iter().all(|question| question.is_answer("a/quay-wall")));
        assert!(!rows[1].questions.iter().any(|question| question.is_answer("b/quay-wall")));
        assert_eq!(rows[3].questions[0].text, "quay wall");
        assert_eq!(rows[4].questions[0].text, "quaywall");
        assert_eq!(rows[6].questions[0].text, "quay-w");
        let rare: BTreeSet<&str> = rows[7].questions.iter().map(|question| question.text.as_str()).collect();
        assert_eq!(rare, ["one the walls", "quays stone walls"].into());
    }

    #[test]
    fn a_sample_has_each_repository_once() {
        let entries: Vec<Entry> = (0..2000).map(|number| entry("a", &format!("boat-{number}"), "")).collect();
        let questions = Questions::of(&entries);
        let names: BTreeSet<&str> = questions.any.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!((questions.any.len(), names.len()), (SAMPLE, SAMPLE));
    }
}
