//! Globs for repository paths, matched in time proportional to the length of the glob times the length of the path.

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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Literal(u8),
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
        // One flag for each position in the path: whether the tokens so far can match everything before it.
        let mut reachable = vec![false; path.len() + 1];
        if let Some(start) = reachable.first_mut() {
            *start = true;
        }
        for token in &self.tokens {
            let mut previous = false;
            // The byte before each position; the first has none, and `previous` is false there.
            for (here, byte) in reachable.iter_mut().zip(iter::once(b'/').chain(path.bytes())) {
                match token {
                    Token::Literal(literal) => {
                        let reached = previous && byte == *literal;
                        previous = std::mem::replace(here, reached);
                    }
                    Token::WithinSegment => {
                        *here |= previous && byte != b'/';
                        previous = *here;
                    }
                    Token::AcrossSegments => {
                        *here |= previous;
                        previous = *here;
                    }
                }
            }
            if !reachable.contains(&true) {
                return false;
            }
        }
        reachable.last().is_some_and(|end| *end)
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
        let mut tokens = Vec::with_capacity(text.len());
        let mut bytes = text.bytes().peekable();
        while let Some(byte) = bytes.next() {
            tokens.push(match byte {
                b'*' if bytes.next_if_eq(&b'*').is_some() => Token::AcrossSegments,
                b'*' => Token::WithinSegment,
                byte => Token::Literal(byte),
            });
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
    fn the_worst_glob_on_the_longest_path_takes_no_time() {
        // A token has at most 50 scopes. Trying every length of every star would take 65 million steps for each.
        let path = format!("ada/{}", "a".repeat(196));
        let globs: Vec<PathGlob> = (0..50).map(|_| "ada/*a*a*a*b".parse().unwrap()).collect();
        let start = Instant::now();
        assert!(!globs.iter().any(|glob| glob.matches(&path)));
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
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
