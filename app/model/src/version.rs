//! The order of tags that are versions: `10.0` after `9.1`, and `2.0-rc.1` before `2.0` (Semantic Versioning 2.0.0, section 11).
//! It refuses to judge what a version promises, and takes any number of parts: `3`, `3.20` and `2026.11.22.1` are versions too.

use std::cmp::Reverse;

/// Where a tag stands among others: versions first, the highest before all, then what is no version, by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Precedence(Kind, String);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Version(Reverse<Version>),
    Word,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    numbers: Vec<Number>,
    /// Whether nothing follows the numbers; what something follows comes before it.
    plain: bool,
    rest: Vec<Identifier>,
}

/// A number of any length: how many digits it has without zeros before it, and these.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Number(usize, String);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Number(Number),
    Word(String),
}

impl Precedence {
    /// Where the tag of this name stands.
    pub fn of(name: &str) -> Self {
        let kind = Version::parse(name).map_or(Kind::Word, |version| Kind::Version(Reverse(version)));
        Self(kind, name.to_owned())
    }
}

impl Version {
    fn parse(name: &str) -> Option<Self> {
        let text = name.strip_prefix(['v', 'V']).unwrap_or(name);
        let numbered = text.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
        let (numbers, rest) = text.split_at(text.len() - numbered.len());
        let numbers: Option<Vec<Number>> = numbers.split('.').map(Number::parse).collect();
        let numbers = numbers?;
        // A digest's beginning, such as `3f2a91c`, is no version; `1.0rc1` is.
        if rest.starts_with(|letter: char| letter.is_ascii_alphabetic()) && numbers.len() == 1 {
            return None;
        }
        let rest: Vec<Identifier> =
            rest.split(['.', '-', '_']).filter(|part| !part.is_empty()).map(Identifier::parse).collect();
        Some(Self { numbers, plain: rest.is_empty(), rest })
    }
}

impl Number {
    fn parse(digits: &str) -> Option<Self> {
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let digits = digits.trim_start_matches('0');
        Some(Self(digits.len(), digits.to_owned()))
    }
}

impl Identifier {
    fn parse(part: &str) -> Self {
        Number::parse(part).map_or_else(|| Self::Word(part.to_owned()), Self::Number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_version_comes_first_and_names_come_last() {
        let ordered = [
            "2026.11.22",
            "10.0",
            "v9.10.1",
            "9.10",
            "9.2",
            "9",
            "2.0.0",
            "2.0.0-rc.11",
            "2.0.0-rc.2",
            "2.0.0-rc",
            "2.0.0-beta",
            "2.0.0-7",
            "1.0rc1",
            "1-alpine",
            "3f2a91c",
            "edge",
            "latest",
            "v",
        ];
        let mut names = ordered;
        names.sort_unstable();
        names.sort_by_cached_key(|name| Precedence::of(name));
        assert_eq!(names, ordered);
    }

    #[test]
    fn numbers_are_compared_whatever_their_length() {
        let long = "9".repeat(100);
        assert!(Precedence::of(&format!("1.{long}")) < Precedence::of("1.10"));
        assert!(Precedence::of("1.010") < Precedence::of("1.9"));
        assert_ne!(Precedence::of("1.0"), Precedence::of("v1.0"));
    }
}
