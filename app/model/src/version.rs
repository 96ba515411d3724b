//! Sorts tags by version: `10.0` after `9.1`, and `2.0-rc.1` before `2.0` (Semantic Versioning 2.0.0, section 11). A
//! version may have any number of parts, such as `3`, `3.20` or `2026.11.22.1`.

/// Ends a list or word in a key; sorts before anything that can continue it.
const END: char = '!';

/// The last character used in keys, and the key of names that are not versions.
const LAST: char = '~';

/// Returns text whose byte order is the order of tags by version: the highest version first, names that are not
/// versions last. Tags with the same text are sorted by name.
///
/// The text for a tag's name, which has at most 128 characters, has at most 400 characters.
pub fn sort_key(name: &str) -> String {
    let Some(version) = Version::parse(name) else { return LAST.to_string() };
    version.ascending().chars().map(mirrored).collect()
}

/// Mirrors a printable character, so that the order is reversed.
fn mirrored(letter: char) -> char {
    match u8::try_from(letter) {
        Ok(byte @ b'!'..=b'~') => char::from(b'!' + (b'~' - byte)),
        _ => letter,
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    numbers: Vec<Number>,
    /// Whether it is not a pre-release, which sorts before the release.
    plain: bool,
    /// The identifiers of a pre-release.
    rest: Vec<Identifier>,
    /// The identifiers after the first `_`, which Helm writes for the `+` of build metadata. They sort after the version
    /// without them.
    build: Vec<Identifier>,
}

/// A number of any length: its number of digits and the digits, without leading zeros.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Number(usize, String);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Number(Number),
    Word(String),
}

impl Version {
    fn parse(name: &str) -> Option<Self> {
        let text = name.strip_prefix(['v', 'V']).unwrap_or(name);
        let numbered = text.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
        let (numbers, rest) = text.split_at(text.len() - numbered.len());
        let numbers: Option<Vec<Number>> = numbers.split('.').map(Number::parse).collect();
        let numbers = numbers?;
        // The beginning of a digest such as `3f2a91c` is not a version; `1.0rc1` is.
        if rest.starts_with(|letter: char| letter.is_ascii_alphabetic()) && numbers.len() == 1 {
            return None;
        }
        let (rest, build) = rest.split_once('_').unwrap_or((rest, ""));
        let rest = identifiers(rest);
        Some(Self { numbers, plain: rest.is_empty(), rest, build: identifiers(build) })
    }

    /// Returns text whose byte order is the order of versions, lowest first, and which is never a prefix of another
    /// version's.
    fn ascending(&self) -> String {
        let mut key = String::new();
        for number in &self.numbers {
            number.write(&mut key);
        }
        key.push(END);
        key.push(if self.plain { '#' } else { '"' });
        for identifiers in [&self.rest, &self.build] {
            for identifier in identifiers {
                identifier.write(&mut key);
            }
            key.push(END);
        }
        key
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

    /// Writes the number of digits, which is compared first, as two characters, and then the digits.
    fn write(&self, key: &mut String) {
        for part in [self.0 / 64, self.0 % 64] {
            key.push(u8::try_from(part).map_or(LAST, |part| char::from(part.saturating_add(b'#').min(b'|'))));
        }
        key.push_str(&self.1);
    }
}

fn identifiers(text: &str) -> Vec<Identifier> {
    text.split(['.', '-', '_']).filter(|part| !part.is_empty()).map(Identifier::parse).collect()
}

impl Identifier {
    fn write(&self, key: &mut String) {
        match self {
            Self::Number(number) => {
                key.push('#');
                number.write(key);
            }
            Self::Word(word) => {
                key.push('$');
                key.push_str(word);
                key.push(END);
            }
        }
    }

    fn parse(part: &str) -> Self {
        Number::parse(part).map_or_else(|| Self::Word(part.to_owned()), Self::Number)
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;

    use proptest::prelude::*;

    use super::*;

    /// The order of a tag: versions first, the highest before others, then names that are not versions.
    #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
    struct Precedence(Kind, String);

    #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
    enum Kind {
        Version(Reverse<Version>),
        Word,
    }

    impl Precedence {
        fn of(name: &str) -> Self {
            let kind = Version::parse(name).map_or(Kind::Word, |version| Kind::Version(Reverse(version)));
            Self(kind, name.to_owned())
        }
    }

    fn key(name: &str) -> (String, &str) {
        (sort_key(name), name)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn keys_are_in_the_order_of_versions(
            one in "[v_a]?[0-2]{1,3}([._-]?([0-9]{1,3}|[a-bA-B]{1,2})){0,5}",
            other in "[v_a]?[0-2]{1,3}([._-]?([0-9]{1,3}|[a-bA-B]{1,2})){0,5}",
        ) {
            prop_assert_eq!(key(&one).cmp(&key(&other)), Precedence::of(&one).cmp(&Precedence::of(&other)));
        }

        #[test]
        fn a_key_of_any_tag_is_bounded(name in "[0-9a-zA-Z_][0-9a-zA-Z._-]{0,127}") {
            prop_assert!(sort_key(&name).len() <= 400);
        }
    }

    #[test]
    fn the_longest_tags_have_bounded_keys() {
        for part in ["1.", "1-", "a-", "0.", "9"] {
            let name: String = format!("1.0-{}", part.repeat(128)).chars().take(128).collect();
            assert!(sort_key(&name).len() <= 400, "{name}");
        }
    }

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
        names.sort_unstable();
        names.sort_by_cached_key(|name| sort_key(name));
        assert_eq!(names, ordered);
    }

    #[test]
    fn builds_come_after_the_version_without_them_and_pre_releases_before_it() {
        let ordered =
            ["1.10.0", "1.10.0-rc.1", "1.9.0", "1.2.3_up4.10", "1.2.3_up4.5", "1.2.3", "1.2.3-rc.1_b2", "1.2.3-rc.1"];
        let mut names = ordered;
        names.sort_unstable();
        names.sort_by_cached_key(|name| sort_key(name));
        assert_eq!(names, ordered);
    }

    #[test]
    fn numbers_are_compared_whatever_their_length() {
        let long = "9".repeat(100);
        assert!(sort_key(&format!("1.{long}")) < sort_key("1.10"));
        assert!(sort_key("1.010") < sort_key("1.9"));
        assert_eq!(sort_key("1.0"), sort_key("v1.0"));
        assert_ne!(Precedence::of("1.0"), Precedence::of("v1.0"));
    }
}
