//! The raw HTML within Markdown: decides what of it is HTML, and shows the rest as text.

use std::borrow::Cow;
use std::collections::BTreeMap;

use comrak::arena_tree::NodeEdge;
use comrak::nodes::{AstNode, NodeHtmlBlock, NodeValue};
use comrak::{Arena, Options};
use model::repository::MAX_OVERVIEW;

use super::size::REPEATED;
use super::tags::{Piece, Tag, pieces};
use super::{escaped, is_kept};

/// The elements that GitHub's dialect shows as text (6.11, "Disallowed Raw HTML"): browsers read what follows them
/// differently.
const DISALLOWED: [&str; 9] =
    ["title", "textarea", "style", "xmp", "iframe", "noembed", "noframes", "script", "plaintext"];

/// How many bytes may be parsed again because of blocks that do not end.
const PARSED_AGAIN: usize = 8 * MAX_OVERVIEW;

/// Parses Markdown. A block of HTML that needs an end and has none would contain the rest of the text: its first `<` is
/// escaped, and the text is parsed again.
pub(super) fn parse<'a>(arena: &'a Arena<'a>, source: &str, options: &Options) -> &'a AstNode<'a> {
    let mut source = Cow::Borrowed(source);
    let mut left = PARSED_AGAIN;
    loop {
        let root = comrak::parse_document(arena, &source, options);
        let endless = endless_blocks(root);
        if endless.is_empty() || left < source.len() {
            return root;
        }
        left -= source.len();
        source = Cow::Owned(with_escapes(&source, &endless));
    }
}

/// The lines and columns, counted from one, of the blocks of HTML that do not end, in order.
fn endless_blocks<'a>(root: &'a AstNode<'a>) -> Vec<(usize, usize)> {
    let mut places: Vec<_> = root
        .descendants()
        .filter_map(|node| {
            let data = node.data();
            let NodeValue::HtmlBlock(block) = &data.value else { return None };
            is_endless(block).then_some((data.sourcepos.start.line, data.sourcepos.start.column))
        })
        .collect();
    // Footnotes are moved to the end.
    places.sort_unstable();
    places
}

/// Whether a block of a kind that continues over empty lines has no end. One of `<pre>` is only preformatted text.
fn is_endless(block: &NodeHtmlBlock) -> bool {
    let has = |end: &str| block.literal.contains(end);
    match block.block_type {
        1 => {
            let html = block.literal.trim_start().to_ascii_lowercase();
            let ends = ["</script>", "</pre>", "</style>", "</textarea>"];
            !html.starts_with("<pre") && !ends.iter().any(|end| html.contains(end))
        }
        2 => !has("-->"),
        3 => !has("?>"),
        4 => !has(">"),
        5 => !has("]]>"),
        _ => false,
    }
}

/// Escapes the first `<` at or after each place.
fn with_escapes(source: &str, places: &[(usize, usize)]) -> String {
    let mut changed = String::with_capacity(source.len() + places.len());
    let mut places = places.iter().peekable();
    for (number, line) in lines(source).enumerate() {
        let column = places.next_if(|(at, _)| *at == number + 1).map(|(_, column)| column.saturating_sub(1));
        let mark = column.and_then(|column| Some(column + line.get(column..)?.find('<')?));
        let (before, after) = line.split_at_checked(mark.unwrap_or(0)).unwrap_or(("", line));
        changed.push_str(before);
        if mark.is_some() {
            changed.push('\\');
        }
        changed.push_str(after);
    }
    changed
}

/// The lines of Markdown with their ends, which are CR, LF or both.
fn lines(source: &str) -> impl Iterator<Item = &str> {
    let mut rest = source;
    std::iter::from_fn(move || {
        let end = rest.find(['\n', '\r'])?;
        let both = rest.get(end..).is_some_and(|end| end.starts_with("\r\n"));
        let (line, next) = rest.split_at_checked(end + 1 + usize::from(both))?;
        rest = next;
        Some(line)
    })
    .chain(std::iter::once(source.rsplit(['\n', '\r']).next().unwrap_or_default()))
}

/// Leaves only tags of elements that are kept in the raw HTML, each complete. Disallowed and broken ones become text;
/// others vanish, and so do comments. Elements without an end, which would change the rest of the text, are closed, and
/// a `<details>` that contains the rest is open.
pub(super) fn defuse<'a>(arena: &'a Arena<'a>, root: &'a AstNode<'a>) {
    let mut open = Open::default();
    let mut block = None;
    let mut pictures = 0_usize;
    for edge in root.traverse() {
        let (node, starts) = match edge {
            NodeEdge::Start(node) => (node, true),
            NodeEdge::End(node) => (node, false),
        };
        let mut data = node.data_mut();
        match data.value {
            NodeValue::Paragraph | NodeValue::Heading(_) | NodeValue::TableCell => block = starts.then_some(node),
            NodeValue::Image(_) if starts => pictures += 1,
            NodeValue::Image(_) => pictures = pictures.saturating_sub(1),
            _ => {}
        }
        if let Some(literal) = literal(&mut data.value).filter(|_| starts) {
            if pictures == 0 {
                *literal = shown(literal, |tag, at, starts| open.note(tag, starts, Place { node, at, block }));
            } else if !is_text(literal) {
                // The words of a picture have no tags; what is text remains, and is escaped with the words.
                literal.clear();
            }
        }
    }
    open.end(arena);
}

fn literal(value: &mut NodeValue) -> Option<&mut String> {
    match value {
        NodeValue::HtmlBlock(block) => Some(&mut block.literal),
        NodeValue::HtmlInline(literal) => Some(literal),
        _ => None,
    }
}

/// Rewrites raw HTML, and reports each tag that is kept, its position in the result, and whether it is a start tag.
fn shown(html: &str, mut keep: impl FnMut(&Tag, usize, bool)) -> String {
    let mut shown = String::with_capacity(html.len());
    for piece in pieces(html) {
        let starts = matches!(piece, Piece::Start(_));
        match piece {
            Piece::Text(words) => shown.push_str(&words.replace('<', "&lt;")),
            Piece::Other(raw) => shown.push_str(&escaped(raw)),
            Piece::Start(tag) | Piece::End(tag) if is_disallowed(&tag) => shown.push_str(&escaped(tag.raw)),
            Piece::Start(tag) | Piece::End(tag) if is_kept(&tag.name) => {
                keep(&tag, shown.len(), starts);
                shown.push_str(tag.raw);
            }
            Piece::Start(_) | Piece::End(_) | Piece::Comment => {}
        }
    }
    shown
}

fn is_disallowed(tag: &Tag) -> bool {
    DISALLOWED.contains(&tag.name.as_str())
}

/// Whether the raw HTML within a line is shown as text.
fn is_text(html: &str) -> bool {
    pieces(html).any(|piece| match piece {
        Piece::Text(_) | Piece::Other(_) => true,
        Piece::Start(tag) | Piece::End(tag) => is_disallowed(&tag),
        Piece::Comment => false,
    })
}

/// Where a tag is.
struct Place<'a> {
    /// Its node.
    node: &'a AstNode<'a>,
    /// Its position there.
    at: usize,
    /// The block of words around it; none in a block of HTML.
    block: Option<&'a AstNode<'a>>,
}

/// The elements in raw HTML that would contain or change the rest of the text, as long as they have no end, by name.
#[derive(Default)]
struct Open<'a> {
    open: BTreeMap<String, Vec<Place<'a>>>,
    /// Links that end where the next one starts.
    endless: Vec<Place<'a>>,
}

impl<'a> Open<'a> {
    fn note(&mut self, tag: &Tag, starts: bool, place: Place<'a>) {
        if tag.name != "details" && !REPEATED.contains(&tag.name.as_str()) {
            return;
        }
        let open = self.open.entry(tag.name.clone()).or_default();
        if starts {
            if tag.name == "a" {
                self.endless.append(open);
            }
            open.push(place);
        } else {
            open.pop();
        }
    }

    /// Closes what is still open where its block ends, and opens a `<details>` for its readers.
    fn end(mut self, arena: &'a Arena<'a>) {
        self.open.entry("a".to_owned()).or_default().append(&mut self.endless);
        for (name, places) in self.open {
            let end = format!("</{name}>");
            for Place { node, at, block } in places.into_iter().rev() {
                if let Some(block) = block.filter(|_| name != "details") {
                    block.append(arena.alloc(NodeValue::HtmlInline(end.clone()).into()));
                    continue;
                }
                let mut data = node.data_mut();
                let Some(literal) = literal(&mut data.value) else { continue };
                if name != "details" {
                    literal.push_str(&end);
                } else if literal.is_char_boundary(at + "<details".len()) {
                    literal.insert_str(at + "<details".len(), " open");
                }
            }
        }
    }
}
