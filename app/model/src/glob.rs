//! Globs for repository paths, matched by comparing each run of literals once at each position of the path.

use std::fmt;
use std::iter;
use std::str::FromStr;

use thiserror::Error;

/// The maximum length of a glob, in bytes; no path is longer.
const MAX_LENGTH: usize = 255;
/// The maximum number of stars in a glob.
pub const MAX_STARS: usize = 4;

/// A glob for repository paths: `*` matches any characters except slashes, `**` matches any characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathGlob {
    text: String,
    tokens: Vec<Token>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Literal(Vec<u8>),
    WithinSegment,
    AcrossSegments,
}

/// Why a text is not a [`PathGlob`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidGlob {
    /// It is empty, too long or contains a character that paths cannot contain.
    #[error("not a glob over repository paths")]
    Malformed,
    /// It has too many stars.
    #[error("a glob may have at most {MAX_STARS} stars")]
    TooManyStars,
}

impl PathGlob {
    /// The glob, as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it matches the whole of `path` (`namespace/name`).
    pub fn matches(&self, path: &str) -> bool {
        let path = path.as_bytes();
        // One flag for each position in the path: whether the tokens so far can match everything before it.
        let mut reachable: Vec<bool> = (0..=path.len()).map(|position| position == 0).collect();
        for token in &self.tokens {
            match token {
                Token::Literal(text) => {
                    let mut after = vec![false; reachable.len()];
                    for (start, _) in reachable.iter().enumerate().filter(|(_, reached)| **reached) {
                        let rest = path.get(start..).unwrap_or_default();
                        if let Some(end) = after.get_mut(start + text.len()).filter(|_| rest.starts_with(text)) {
                            *end = true;
                        }
                    }
                    reachable = after;
                }
                Token::WithinSegment => spread(&mut reachable, path, |byte| byte != b'/'),
                Token::AcrossSegments => spread(&mut reachable, path, |_| true),
            }
            if !reachable.contains(&true) {
                return false;
            }
        }
        reachable.last().is_some_and(|end| *end)
    }
}

/// Marks the positions that can be reached from marked ones by skipping bytes that `skips` accepts.
fn spread(reachable: &mut [bool], path: &[u8], skips: impl Fn(u8) -> bool) {
    let mut previous = false;
    // The byte before each position; the first has none, and `previous` is false there.
    for (here, byte) in reachable.iter_mut().zip(iter::once(&b'/').chain(path)) {
        *here |= previous && skips(*byte);
        previous = *here;
    }
}

impl FromStr for PathGlob {
    type Err = InvalidGlob;

    fn from_str(text: &str) -> Result<Self, InvalidGlob> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-/*".contains(&byte);
        if text.is_empty() || text.len() > MAX_LENGTH || !text.bytes().all(allowed) {
            return Err(InvalidGlob::Malformed);
        }
        if text.bytes().filter(|byte| *byte == b'*').count() > MAX_STARS {
            return Err(InvalidGlob::TooManyStars);
        }
        let mut tokens = Vec::new();
        let mut bytes = text.bytes().peekable();
        while let Some(byte) = bytes.next() {
            match (byte, tokens.last_mut()) {
                (b'*', _) if bytes.next_if_eq(&b'*').is_some() => tokens.push(Token::AcrossSegments),
                (b'*', _) => tokens.push(Token::WithinSegment),
                (byte, Some(Token::Literal(text))) => text.push(byte),
                (byte, _) => tokens.push(Token::Literal(vec![byte])),
            }
        }
        Ok(Self { text: text.to_owned(), tokens })
    }
}

impl fmt::Display for PathGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;

    fn matches(glob: &str, path: &str) -> bool {
        glob.parse::<PathGlob>().unwrap().matches(path)
    }

    /// Matches by the definition of stars, trying all lengths; exponential in their number.
    fn matches_by_definition(glob: &[u8], path: &[u8]) -> bool {
        match glob {
            [] => path.is_empty(),
            [b'*', b'*', rest @ ..] => (0..=path.len()).any(|skip| matches_by_definition(rest, &path[skip..])),
            [b'*', rest @ ..] => {
                let segment = path.iter().position(|byte| *byte == b'/').unwrap_or(path.len());
                (0..=segment).any(|skip| matches_by_definition(rest, &path[skip..]))
            }
            [first, rest @ ..] => path.first() == Some(first) && matches_by_definition(rest, &path[1..]),
        }
    }

    #[test]
    fn one_star_stays_within_a_segment_and_two_cross_slashes() {
        assert!(matches("team/*", "team/app"));
        assert!(!matches("team/*", "team/app/web"));
        assert!(matches("team/**", "team/app/web"));
        assert!(matches("**/web", "team/app/web"));
        assert!(!matches("team/*", "teams/app"));
        assert!(!matches("team", "team/app"));
    }

    #[test]
    fn a_glob_that_no_path_can_match_is_invalid() {
        for text in ["", "TEAM/x", "a b", "a:b", &"a".repeat(256)] {
            assert_eq!(text.parse::<PathGlob>(), Err(InvalidGlob::Malformed), "{text}");
        }
        assert_eq!("*****".parse::<PathGlob>(), Err(InvalidGlob::TooManyStars));
    }

    #[test]
    fn the_worst_globs_on_the_longest_path_take_no_time() {
        let path = format!("ada/{}", "a".repeat(196));
        let long = format!("ada/**{}b", "a".repeat(100));
        // A token has at most 50 scopes. Trying every length of every star would take 65 million steps for each.
        for worst in ["ada/*a*a*a*b", "**a**a", "ada/*a*a*aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab*", &long] {
            let globs: Vec<PathGlob> = (0..50).map(|_| worst.parse().unwrap()).collect();
            let start = Instant::now();
            for _ in 0..20 {
                std::hint::black_box(globs.iter().filter(|glob| glob.matches(&path)).count());
            }
            assert!(start.elapsed() < Duration::from_secs(1), "{worst}: {:?}", start.elapsed());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]
        #[test]
        fn a_glob_matches_what_its_definition_says(
            glob in "([ab/]{0,2}\\*{0,2}){1,2}[ab/]{0,2}",
            path in "[ab/]{0,12}",
        ) {
            prop_assume!(!glob.is_empty());
            let expected = matches_by_definition(glob.as_bytes(), path.as_bytes());
            prop_assert_eq!(matches(&glob, &path), expected);
        }
    }
}
