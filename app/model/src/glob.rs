//! Globs for repository paths, matched byte by byte. All positions in the glob that a path can have reached are followed
//! at the same time, as bits of a few integers, so that no glob takes longer than another.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The maximum length of a glob, in bytes; no path is longer.
const MAX_LENGTH: usize = 255;
/// The maximum number of stars in a glob.
pub const MAX_STARS: usize = 4;
/// The number of characters that paths consist of.
const CHARACTERS: usize = 40;

/// A glob for repository paths: `*` matches any characters except slashes, `**` matches any characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathGlob {
    text: String,
    matcher: GlobMatcher,
}

/// Globs that are matched together, as if their characters were those of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlobMatcher {
    /// The number of positions.
    length: usize,
    /// For each character, by [`index_of`], where it is in the globs.
    places: Box<[Bits]>,
    /// The positions before which there is a star of each kind.
    within: Bits,
    across: Bits,
    /// The first and the last position of each glob.
    starts: Bits,
    ends: Bits,
}

/// The positions in globs that a path can have reached. In a single glob it is `n` if its first `n` characters other than
/// stars are matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlobState(Bits);

/// A set of positions, of which there are at most [`MAX_LENGTH`] and one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Bits([u128; 2]);

impl Bits {
    const NONE: Self = Self([0; 2]);
    /// The number of positions that a set can contain.
    const COUNT: usize = 256;

    fn of(position: usize) -> Self {
        Self([1, 0]).later(position)
    }

    /// Each position plus `by`, which is below [`Self::COUNT`].
    fn later(self, by: usize) -> Self {
        match by {
            0 => self,
            1..128 => Self([self.0[0] << by, self.0[1] << by | self.0[0] >> (128 - by)]),
            _ => Self([0, self.0[0] << (by % 128)]),
        }
    }

    fn and(self, other: Self) -> Self {
        Self([self.0[0] & other.0[0], self.0[1] & other.0[1]])
    }

    fn or(self, other: Self) -> Self {
        Self([self.0[0] | other.0[0], self.0[1] | other.0[1]])
    }

    /// Each position plus one.
    fn next(self) -> Self {
        Self([self.0[0] << 1, self.0[1] << 1 | self.0[0] >> 127])
    }
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
        self.matcher.matches(path)
    }
}

impl GlobMatcher {
    /// Returns matchers that together match what one of the globs matches, as few as possible.
    pub fn of<'a>(globs: impl IntoIterator<Item = &'a PathGlob>) -> Vec<Self> {
        let mut matchers: Vec<Self> = Vec::new();
        for PathGlob { matcher, .. } in globs {
            match matchers.iter_mut().find(|all| all.length + matcher.length <= Bits::COUNT) {
                Some(all) => all.append(matcher),
                None => matchers.push(matcher.clone()),
            }
        }
        matchers
    }

    /// Adds the positions of another matcher after its own. No character is at the last position of a glob, so that
    /// none leads to the first position of the next.
    fn append(&mut self, other: &Self) {
        let later = |bits: Bits| bits.later(self.length);
        for (places, others) in self.places.iter_mut().zip(&other.places) {
            *places = places.or(later(*others));
        }
        self.within = self.within.or(later(other.within));
        self.across = self.across.or(later(other.across));
        self.starts = self.starts.or(later(other.starts));
        self.ends = self.ends.or(later(other.ends));
        self.length += other.length;
    }

    /// Whether one of the globs matches the whole of `path`.
    pub fn matches(&self, path: &str) -> bool {
        let end = path.bytes().try_fold(self.start(), |state, byte| self.step(state, byte));
        end.is_some_and(|state| self.is_match(state))
    }

    /// The state before the first byte of a path.
    pub fn start(&self) -> GlobState {
        GlobState(self.starts)
    }

    /// The state after another byte; `None` if no path that starts so can match.
    pub fn step(&self, GlobState(reached): GlobState, byte: u8) -> Option<GlobState> {
        let stays = if byte == b'/' { self.across } else { self.across.or(self.within) };
        let places = index_of(byte).and_then(|index| self.places.get(index)).copied().unwrap_or(Bits::NONE);
        let reached = reached.and(places).next().or(reached.and(stays));
        (reached != Bits::NONE).then_some(GlobState(reached))
    }

    /// Whether a path that ends in this state matches.
    pub fn is_match(&self, state: GlobState) -> bool {
        state.0.and(self.ends) != Bits::NONE
    }

    /// Whether all paths match that go on from this state.
    pub fn matches_rest(&self, state: GlobState) -> bool {
        state.0.and(self.ends).and(self.across) != Bits::NONE
    }
}

/// The index of a character of paths, below [`CHARACTERS`].
fn index_of(byte: u8) -> Option<usize> {
    let index = match byte {
        b'a'..=b'z' => byte - b'a',
        b'0'..=b'9' => byte - b'0' + 26,
        b'.' => 36,
        b'_' => 37,
        b'-' => 38,
        b'/' => 39,
        _ => return None,
    };
    Some(usize::from(index))
}

impl FromStr for PathGlob {
    type Err = InvalidGlob;

    fn from_str(text: &str) -> Result<Self, InvalidGlob> {
        if text.is_empty() || text.len() > MAX_LENGTH {
            return Err(InvalidGlob::Malformed);
        }
        if text.bytes().filter(|byte| *byte == b'*').count() > MAX_STARS {
            return Err(InvalidGlob::TooManyStars);
        }
        let mut glob = GlobMatcher {
            length: 0,
            places: vec![Bits::NONE; CHARACTERS].into(),
            within: Bits::NONE,
            across: Bits::NONE,
            starts: Bits::of(0),
            ends: Bits::NONE,
        };
        let mut bytes = text.bytes().peekable();
        while let Some(byte) = bytes.next() {
            let here = Bits::of(glob.length);
            if byte != b'*' {
                let places = index_of(byte).and_then(|index| glob.places.get_mut(index));
                let places = places.ok_or(InvalidGlob::Malformed)?;
                *places = places.or(here);
                glob.length += 1;
            } else if bytes.next_if_eq(&b'*').is_some() {
                glob.across = glob.across.or(here);
            } else {
                glob.within = glob.within.or(here);
            }
        }
        glob.ends = Bits::of(glob.length);
        glob.length += 1;
        Ok(Self { text: text.to_owned(), matcher: glob })
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
    fn long_globs_match_to_their_last_character() {
        for length in [127, 128, 129, 254, 255] {
            let path = "a".repeat(length);
            assert!(matches(&path, &path), "{length}");
            assert!(!matches(&path, &path[1..]), "{length}");
            let starred = format!("{}**", &path[2..]);
            assert!(matches(&starred, &path) && !matches(&starred, &path[3..]), "{length}");
        }
    }

    #[test]
    fn a_state_says_when_all_that_follows_matches() {
        let after = |glob: &str, start: &str| {
            let glob: PathGlob = glob.parse().unwrap();
            let matcher = &glob.matcher;
            let state = start.bytes().try_fold(matcher.start(), |state, byte| matcher.step(state, byte));
            state.map(|state| matcher.matches_rest(state))
        };
        assert_eq!(after("**", ""), Some(true));
        assert_eq!(after("team/**", "team/"), Some(true));
        assert_eq!(after("team/**", "team"), Some(false));
        assert_eq!(after("team/*", "team/"), Some(false));
        assert_eq!(after("team/**", "other"), None);
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

    #[test]
    fn short_globs_share_a_matcher_and_long_ones_do_not() {
        let matchers =
            |globs: &[&str]| GlobMatcher::of(&globs.iter().map(|glob| glob.parse().unwrap()).collect::<Vec<_>>()).len();
        assert_eq!(matchers(&["*/a*b"; 50]), 1);
        assert_eq!(matchers(&[&"a".repeat(255), "a"]), 2);
        assert_eq!(matchers(&[&"a".repeat(127), &"b".repeat(127), "c"]), 2);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]
        #[test]
        fn several_globs_match_what_one_of_them_matches(
            globs in proptest::collection::vec("([ab/]{0,9}\\*{0,2}){1,2}[ab/]{1,60}", 1..20),
            path in "[ab/]{0,12}",
        ) {
            let globs: Vec<PathGlob> = globs.iter().map(|glob| glob.parse().unwrap()).collect();
            // Each glob, and the path itself as one of them.
            for path in globs.iter().map(|glob| glob.as_str().replace('*', "b")).chain([path]) {
                let expected = globs.iter().any(|glob| glob.matches(&path));
                prop_assert_eq!(GlobMatcher::of(&globs).iter().any(|matcher| matcher.matches(&path)), expected);
            }
        }

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
