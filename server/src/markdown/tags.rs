//! Splits HTML into tags and text where a browser would. Linear in the length of the HTML.

/// A part of an HTML text.
pub(super) enum Piece<'a> {
    /// Text. A `<` in it belongs to no tag, or to one that never ends.
    Text(&'a str),
    /// A start tag.
    Start(Tag<'a>),
    /// An end tag.
    End(Tag<'a>),
    /// A comment that is closed.
    Comment,
    /// A declaration, an instruction or a section of character data, with its marks.
    Other(&'a str),
}

/// A start or end tag.
pub(super) struct Tag<'a> {
    /// All of the tag, from `<` to `>`.
    pub(super) raw: &'a str,
    /// The name of the element, in lower case.
    pub(super) name: String,
    /// What follows the name.
    rest: &'a str,
}

impl<'a> Tag<'a> {
    fn new(raw: &'a str) -> Self {
        let inner = raw.trim_start_matches(['<', '/']);
        let length =
            inner.find(|next: char| next.is_ascii_whitespace() || matches!(next, '/' | '>')).unwrap_or(inner.len());
        let (name, rest) = inner.split_at_checked(length).unwrap_or((inner, ""));
        Self { raw, name: name.to_ascii_lowercase(), rest }
    }

    /// The names and values of the attributes of a tag that the sanitiser wrote, values as written there.
    pub(super) fn attributes(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let mut rest = self.rest;
        std::iter::from_fn(move || {
            let (name, after) = rest.split_once("=\"")?;
            let (value, next) = after.split_once('"')?;
            rest = next;
            Some((name.trim_start(), value))
        })
    }

    /// The value of one attribute, without spaces around it.
    pub(super) fn value(&self, attribute: &str) -> Option<&'a str> {
        self.attributes().find(|(name, _)| *name == attribute).map(|(_, value)| value.trim())
    }
}

/// The marks of what is neither a tag nor text, and what ends each.
const OTHERS: [(&str, &str); 4] = [("<![CDATA[", "]]>"), ("<?", "?>"), ("<!", ">"), ("</", ">")];

/// Splits HTML.
pub(super) fn pieces(html: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut pieces = Pieces { rest: html, missing: Vec::new() };
    std::iter::from_fn(move || pieces.next())
}

struct Pieces<'a> {
    rest: &'a str,
    /// End marks that the rest does not contain, so that each is searched in vain only once.
    missing: Vec<&'static str>,
}

impl<'a> Pieces<'a> {
    fn next(&mut self) -> Option<Piece<'a>> {
        match self.rest.find('<') {
            None if self.rest.is_empty() => None,
            None => Some(Piece::Text(self.take(self.rest.len()))),
            Some(0) => Some(self.markup()),
            Some(start) => Some(Piece::Text(self.take(start))),
        }
    }

    fn markup(&mut self) -> Piece<'a> {
        let after = self.rest.get(1..).unwrap_or_default();
        let name = after.strip_prefix('/').unwrap_or(after);
        if name.starts_with(|first: char| first.is_ascii_alphabetic()) {
            let Some(length) = tag_length(self.rest) else { return Piece::Text(self.take(self.rest.len())) };
            let tag = Tag::new(self.take(length));
            return if after.starts_with('/') { Piece::End(tag) } else { Piece::Start(tag) };
        }
        if self.rest.starts_with("<!--") {
            // The marks may share their hyphens: `<!-->` is a comment.
            return self.until("-->", 2).map_or_else(|| Piece::Text(self.take(4)), |_| Piece::Comment);
        }
        let other = OTHERS.iter().find(|(mark, _)| self.rest.starts_with(mark));
        match other.and_then(|(mark, end)| self.until(end, mark.len())) {
            Some(raw) => Piece::Other(raw),
            None => Piece::Text(self.take(1)),
        }
    }

    /// Takes everything up to and including `end`, which is searched after the first `from` bytes.
    fn until(&mut self, end: &'static str, from: usize) -> Option<&'a str> {
        if self.missing.contains(&end) {
            return None;
        }
        let Some(length) = self.rest.get(from..).and_then(|rest| rest.find(end)) else {
            self.missing.push(end);
            return None;
        };
        Some(self.take(from + length + end.len()))
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }
}

/// Where in a tag a byte is.
#[derive(Clone, Copy)]
enum Place {
    ElementName,
    BetweenAttributes,
    AttributeName,
    AfterAttributeName,
    BeforeValue,
    Value,
    Quoted(u8),
}

/// The length of the tag that the HTML starts with, if it ends: a `>` within quotes does not end it.
fn tag_length(html: &str) -> Option<usize> {
    let name = if html.starts_with("</") { 2 } else { 1 };
    let mut place = Place::ElementName;
    for (at, byte) in html.bytes().enumerate().skip(name) {
        place = match (place, byte) {
            (Place::Quoted(quote), _) if byte == quote => Place::BetweenAttributes,
            (Place::Quoted(_), _) => place,
            (_, b'>') => return Some(at + 1),
            (Place::BeforeValue, b'"' | b'\'') => Place::Quoted(byte),
            (Place::BeforeValue, _) if byte.is_ascii_whitespace() => place,
            (Place::Value, _) if byte.is_ascii_whitespace() => Place::BetweenAttributes,
            (Place::BeforeValue | Place::Value, _) => Place::Value,
            (Place::AttributeName | Place::AfterAttributeName, b'=') => Place::BeforeValue,
            (_, b'/') => Place::BetweenAttributes,
            (Place::AttributeName | Place::AfterAttributeName, _) if byte.is_ascii_whitespace() => {
                Place::AfterAttributeName
            }
            (_, _) if byte.is_ascii_whitespace() => Place::BetweenAttributes,
            (Place::ElementName, _) => place,
            (_, _) => Place::AttributeName,
        };
    }
    None
}
