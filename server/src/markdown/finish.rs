//! The last changes to sanitised HTML: unique ids, links, pictures and mentions.
//!
//! The sanitiser wrote the HTML, so every tag is closed and every value is escaped and within double quotes.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;

use percent_encoding::percent_decode_str;
use url::Url;

use super::ids::Ids;
use super::is_rooted;
use super::mentions::push_linked;
use super::tags::{Piece, Tag, pieces};
use crate::pictures::PictureLinks;

/// Elements whose text does not mention anyone.
const CODE: [&str; 5] = ["code", "kbd", "pre", "samp", "tt"];

/// The attributes of a picture that stay as they are.
const SHOWN: [&str; 4] = ["title", "width", "height", "align"];

/// Finishes sanitised HTML. All ids, and links to them, get the prefix. The sanitiser has to check the result again.
pub(super) fn finish(html: &str, prefix: &str, pictures: Option<&PictureLinks>) -> String {
    let ids = Ids::of(html);
    let out = String::with_capacity(html.len());
    let mut page = Page { prefix, pictures, ids, out, anchors: Vec::new(), links: 0, last: None, code: 0 };
    for piece in pieces(html) {
        match piece {
            Piece::Text(words) => page.text(words),
            Piece::Start(tag) => page.start(&tag),
            Piece::End(tag) => page.end(&tag),
            Piece::Comment | Piece::Other(_) => {}
        }
    }
    page.out
}

struct Page<'a> {
    prefix: &'a str,
    pictures: Option<&'a PictureLinks>,
    ids: Ids,
    out: String,
    /// The `<a>` elements that are open.
    anchors: Vec<Anchor>,
    /// How many of them are links.
    links: usize,
    /// The last link that is closed and not within another.
    last: Option<Last>,
    /// How many elements of [`CODE`] are open.
    code: usize,
}

/// An `<a>` element that is open.
struct Anchor {
    becomes: Becomes,
    /// Whether it contains something to read.
    named: bool,
    /// The position of the words of its first picture.
    picture: Option<usize>,
}

/// What an `<a>` element becomes.
enum Becomes {
    /// A link.
    Link(Link),
    /// A `<span>` for an id.
    Span,
    /// Only its content.
    Nothing,
}

/// A link, and what is needed to remove it.
struct Link {
    /// Its tag before the changes.
    raw: String,
    /// The position of its tag.
    tag: Range<usize>,
    address: String,
    /// What replaces its tag: nothing, or a `<span>` for its id.
    plain: String,
}

/// A link that is closed.
struct Last {
    link: Link,
    /// The position of its address and end tag, if it had no words.
    added: Option<Range<usize>>,
}

impl Page<'_> {
    fn text(&mut self, words: &str) {
        if self.links > 0 {
            self.name_link(words);
            self.out.push_str(words);
        } else if self.code > 0 {
            self.out.push_str(words);
        } else {
            push_linked(words, &mut self.out);
        }
    }

    fn start(&mut self, tag: &Tag) {
        match tag.name.as_str() {
            "a" => self.start_anchor(tag),
            "img" => self.picture(tag),
            name => {
                self.code += usize::from(CODE.contains(&name));
                if tag.value("id").is_some() {
                    let id = self.next_ids(tag).concat();
                    let _ = write!(self.out, "<{name}{id}{}>", rest_of(tag));
                } else {
                    self.out.push_str(tag.raw);
                }
            }
        }
    }

    fn end(&mut self, tag: &Tag) {
        if tag.name == "a" {
            return self.end_anchor();
        }
        self.code = self.code.saturating_sub(usize::from(CODE.contains(&tag.name.as_str())));
        self.out.push_str(tag.raw);
    }

    fn start_anchor(&mut self, tag: &Tag) {
        let mut ids = self.next_ids(tag);
        if let Some(other) = ids.get(1) {
            let _ = write!(self.out, "<span{other}></span>");
        }
        ids.truncate(1);
        let id = ids.concat();
        let plain = if id.is_empty() { String::new() } else { format!("<span{id}>") };
        let becomes = if let Some(address) = tag.value("href").and_then(|href| self.address(href)) {
            self.remove_empty_copy(tag);
            let start = self.out.len();
            let _ = write!(self.out, "<a href=\"{address}\"{id}{}>", rest_of(tag));
            self.links += 1;
            let (raw, tag, address) = (tag.raw.to_owned(), start..self.out.len(), address.into_owned());
            Becomes::Link(Link { raw, tag, address, plain })
        } else {
            self.out.push_str(&plain);
            if plain.is_empty() { Becomes::Nothing } else { Becomes::Span }
        };
        self.anchors.push(Anchor { becomes, named: false, picture: None });
    }

    fn end_anchor(&mut self) {
        let Some(Anchor { becomes, named, picture }) = self.anchors.pop() else { return };
        let shows = match becomes {
            Becomes::Nothing => named,
            Becomes::Span => {
                self.out.push_str("</span>");
                named
            }
            Becomes::Link(link) => {
                self.links -= 1;
                // A picture without words has those of the link: its address.
                if let Some(words) = picture.filter(|_| !named) {
                    self.out.insert_str(words, &words_of(&link.address));
                }
                self.end_link(link, named || picture.is_some())
            }
        };
        if let Some(around) = self.anchors.last_mut() {
            around.named |= shows;
            around.picture = around.picture.or(picture);
        }
    }

    /// Ends a link, and returns whether it has words. Without any it shows its address, but is removed if it leads to
    /// this page or repeats the link before it.
    fn end_link(&mut self, link: Link, named: bool) -> bool {
        let repeats = self.last.as_ref().is_some_and(|last| last.added.is_none() && last.link.raw == link.raw);
        if !named && (repeats || link.address.starts_with('#')) {
            self.out.replace_range(link.tag, &link.plain);
            self.out.push_str(end_of(&link.plain));
            return false;
        }
        let words = if named { String::new() } else { words_of(&link.address) };
        let start = self.out.len();
        self.out.push_str(&words);
        self.out.push_str("</a>");
        if self.anchors.is_empty() {
            let added = (!named).then_some(start..self.out.len());
            self.last = Some(Last { link, added });
        }
        true
    }

    /// Removes the last link if it has no words and the next one is the same: the parser divides a link that contains
    /// blocks.
    fn remove_empty_copy(&mut self, next: &Tag) {
        if self.anchors.is_empty()
            && let Some(Last { link, added: Some(added) }) =
                self.last.take_if(|last| last.added.is_some() && last.link.raw == next.raw)
        {
            self.out.replace_range(added, end_of(&link.plain));
            self.out.replace_range(link.tag, &link.plain);
        }
    }

    /// What a picture becomes: the same, but fetched by the hub, because loading it from another host would reveal the
    /// reader to that host. If the hub does not fetch it, a link to it. Within a link, which cannot contain another, and
    /// without an address, only its words are left.
    fn picture(&mut self, tag: &Tag) {
        for id in self.next_ids(tag) {
            let _ = write!(self.out, "<span{id}></span>");
        }
        let source = tag.value("src").unwrap_or_default();
        if let Some(path) = self.pictures.and_then(|pictures| pictures.path(&unescaped(source))) {
            return self.show(tag, &path);
        }
        let alternative = tag.value("alt").filter(|words| is_visible(words));
        let words = words_of(alternative.unwrap_or(source));
        match self.address(source) {
            Some(address) if self.links == 0 => {
                let title = tag.value("title").map(|title| format!(" title=\"{title}\"")).unwrap_or_default();
                let _ = write!(self.out, "<a href=\"{address}\"{title}>{words}</a>");
            }
            _ => {
                self.name_link(&words);
                self.out.push_str(&words);
            }
        }
    }

    /// Shows the picture at a path.
    fn show(&mut self, tag: &Tag, path: &str) {
        let given = ["alt", "title"].into_iter().find_map(|name| tag.value(name).filter(|words| is_visible(words)));
        let words = given.unwrap_or_default();
        self.name_link(words);
        let _ = write!(self.out, "<img src=\"{path}\" alt=\"");
        if let Some(around) = self.anchors.last_mut() {
            around.picture.get_or_insert(self.out.len());
        }
        let _ = write!(self.out, "{words}\" loading=\"lazy\"");
        for (name, value) in tag.attributes().filter(|(name, _)| SHOWN.contains(name)) {
            let _ = write!(self.out, " {name}=\"{value}\"");
        }
        self.out.push('>');
    }

    fn name_link(&mut self, words: &str) {
        if let Some(around) = self.anchors.last_mut() {
            around.named = around.named || is_visible(words);
        }
    }

    /// The `id` attributes for the ids of a tag.
    fn next_ids(&mut self, tag: &Tag) -> Vec<String> {
        let prefix = self.prefix;
        self.ids.next_of(tag).map(|id| format!(" id=\"{prefix}{id}\"")).collect()
    }

    /// The address of a link, unless it is relative: relative files do not exist here.
    fn address<'url>(&self, url: &'url str) -> Option<Cow<'url, str>> {
        if let Some(anchor) = url.strip_prefix('#') {
            // Addresses of anchors on this page, copied from the browser, have the prefix.
            let known = !self.has(anchor) && anchor.starts_with(self.prefix);
            return Some(if known { Cow::Borrowed(url) } else { Cow::Owned(format!("#{}{anchor}", self.prefix)) });
        }
        (is_rooted(url) || Url::parse(url).is_ok()).then_some(Cow::Borrowed(url))
    }

    fn has(&self, anchor: &str) -> bool {
        self.ids.contains(anchor) || percent_decode_str(anchor).decode_utf8().is_ok_and(|id| self.ids.contains(&id))
    }
}

/// The end tag of what replaces a link.
fn end_of(plain: &str) -> &'static str {
    if plain.is_empty() { "" } else { "</span>" }
}

/// The value of an attribute as text.
fn words_of(value: &str) -> String {
    value.replace('<', "&lt;").replace('>', "&gt;")
}

/// The text of an escaped value.
fn unescaped(value: &str) -> String {
    let value = value.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&nbsp;", "\u{a0}");
    value.replace("&amp;", "&")
}

/// The attributes that stay as they are.
fn rest_of(tag: &Tag) -> String {
    let mut rest = String::new();
    for (name, value) in tag.attributes().filter(|(name, _)| !matches!(*name, "id" | "name" | "href")) {
        let _ = write!(rest, " {name}=\"{value}\"");
    }
    rest
}

/// Whether escaped text contains more than spaces and characters without a shape.
fn is_visible(words: &str) -> bool {
    let shapeless = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{180b}'..='\u{180f}')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}')
            || matches!(c, '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
    };
    words.split("&nbsp;").flat_map(str::chars).any(|c| !shapeless(c))
}
