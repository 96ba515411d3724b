//! Limits what parsing HTML may cost: its depth, and the elements that the parser repeats.

use std::collections::HashMap;

use super::tags::{Piece, Tag, pieces};

/// How deep elements may be nested. Deeper text is shown as source, because parsing HTML takes longer the deeper it is
/// nested.
const MAX_DEPTH: usize = 200;

/// Elements that cannot nest deeply: they are void, or end at the next of their kind.
const SHALLOW: [&str; 14] = ["a", "br", "col", "dd", "dt", "hr", "img", "input", "li", "p", "td", "th", "tr", "wbr"];

/// Elements that the parser opens again in the next block, as long as they are not closed.
pub(super) const REPEATED: [&str; 11] = ["a", "b", "code", "em", "i", "s", "small", "strike", "strong", "tt", "u"];

/// How many bytes the repeated elements may take, each with [`ELEMENT`].
const MAX_REPEATED: usize = 4 << 20;

/// The size of an element in memory without its attributes, approximately.
const ELEMENT: usize = 64;

/// How many attributes an element may have: each is compared with all others.
const MAX_ATTRIBUTES: usize = 1_000;

/// Whether too many elements can be open at the same time, or are repeated too often, or one has too many attributes.
pub(super) fn is_excessive(html: &str) -> bool {
    let mut open: HashMap<String, Vec<usize>> = HashMap::new();
    let (mut depth, mut repeating, mut repeated) = (0_usize, 0_usize, 0_usize);
    for piece in pieces(html) {
        repeated += repeating;
        if depth > MAX_DEPTH || repeated > MAX_REPEATED {
            return true;
        }
        let (tag, starts) = match piece {
            Piece::Start(tag) => (tag, true),
            Piece::End(tag) => (tag, false),
            _ => continue,
        };
        if starts && has_many_attributes(&tag) {
            return true;
        }
        let (deep, repeats) = (!SHALLOW.contains(&tag.name.as_str()), REPEATED.contains(&tag.name.as_str()));
        if !deep && !repeats {
            continue;
        }
        let of_name = open.entry(tag.name).or_default();
        // An end tag only closes its own kind, and so does the start tag of a link.
        if (!starts || !deep)
            && let Some(size) = of_name.pop()
        {
            depth -= usize::from(deep);
            repeating -= if repeats { size } else { 0 };
        }
        if starts {
            let size = tag.raw.len() + ELEMENT;
            of_name.push(size);
            depth += usize::from(deep);
            repeating += if repeats { size } else { 0 };
        }
    }
    depth > MAX_DEPTH
}

/// Whether a tag can have more than [`MAX_ATTRIBUTES`].
fn has_many_attributes(tag: &Tag) -> bool {
    let between = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'"' | b'\'');
    tag.raw.len() > MAX_ATTRIBUTES && tag.raw.bytes().filter(|byte| between(byte)).count() > 2 * MAX_ATTRIBUTES
}
