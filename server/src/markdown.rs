//! Converts Markdown to safe HTML: GitHub's dialect, then a sanitiser over the whole result. Pure functions.

mod raw;
mod size;
mod tags;

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::{LazyLock, Mutex, PoisonError};

use ammonia::{UrlRelative, UrlRelativeEvaluate};
use comrak::adapters::{HeadingAdapter, HeadingMeta};
use comrak::nodes::{AstNode, NodeLink, NodeValue, Sourcepos};
use comrak::options::Plugins;
use comrak::{Anchorizer, Arena, Options};
use model::account::AccountName;
use model::id::CommentId;
use model::repository::MAX_OVERVIEW;

/// The elements that a rendered text may contain.
static KEPT: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let mut kept = ammonia::Builder::default().clone_tags();
    for tag in ["area", "img", "map", "nav", "article", "header", "footer", "aside"] {
        kept.remove(tag);
    }
    kept.extend(["section", "input"]);
    kept
});

/// Renders a README. Its anchors start with `readme-`.
pub fn readme(source: &str) -> String {
    render(source, "readme-")
}

/// Renders a comment. Its anchors start with `c<id>-`, so that they are unique on a page.
pub fn comment(source: &str, id: CommentId) -> String {
    render(source, &format!("c{id}-"))
}

/// Renders a preview. Its anchors start with `preview-`.
pub fn preview(source: &str) -> String {
    render(source, "preview-")
}

/// Renders at most [`MAX_OVERVIEW`] bytes of `source`. All ids, and links to them, get the prefix.
///
/// The parser keeps raw HTML because the sanitiser checks the whole result. Images become links: loading one from
/// another host would reveal the reader to that host.
fn render(source: &str, prefix: &str) -> String {
    let source = bounded(source);
    let options = options();
    let arena = Arena::new();
    let root = raw::parse(&arena, source, &options);
    raw::defuse(&arena, root);
    for node in root.descendants().collect::<Vec<_>>() {
        picture_to_link(&arena, node);
    }
    for node in root.descendants().collect::<Vec<_>>() {
        link_mentions(&arena, node);
    }
    let headings = HeadingIds::default();
    let mut plugins = Plugins::default();
    plugins.render.heading_adapter = Some(&headings);
    let mut html = String::new();
    // Writing to a string cannot fail; if it did, the partial result would still be sanitised.
    let _ = comrak::format_html_with_plugins(root, &options, &mut html, &plugins);
    if size::is_excessive(&html) {
        return format!("<pre>{}</pre>", ammonia::clean_text(source));
    }
    sanitise(&html, prefix)
}

fn bounded(source: &str) -> &str {
    source.get(..source.floor_char_boundary(MAX_OVERVIEW)).unwrap_or(source)
}

fn options() -> Options<'static> {
    let mut options = Options::default();
    options.extension.strikethrough = true;
    options.extension.table = true;
    options.extension.autolink = true;
    options.extension.tasklist = true;
    options.extension.footnotes = true;
    options.render.r#unsafe = true;
    options
}

/// Whether the tags of an element in raw HTML are kept.
fn is_kept(element: &str) -> bool {
    KEPT.contains(element)
}

/// Escapes a piece of HTML so that it is shown as it was written.
fn escaped(html: &str) -> String {
    html.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Converts `![alt](url)` to `[alt](url)`, or to its text within a link, which cannot contain another.
fn picture_to_link<'a>(arena: &'a Arena<'a>, node: &'a AstNode<'a>) {
    let NodeValue::Image(link) = &node.data().value else { return };
    let link = NodeLink { url: link.url.clone(), title: link.title.clone() };
    let children: Vec<_> = node.children().collect();
    let words: &'a AstNode<'a> = if children.is_empty() { text(arena, link.url.clone()) } else { node };
    if within_link(node) {
        if children.is_empty() {
            node.insert_before(words);
        }
        for child in children {
            node.insert_before(child);
        }
    } else {
        let replacement: &'a AstNode<'a> = arena.alloc(NodeValue::Link(Box::new(link)).into());
        node.insert_before(replacement);
        if children.is_empty() {
            replacement.append(words);
        }
        for child in children {
            replacement.append(child);
        }
    }
    node.detach();
}

fn text<'a>(arena: &'a Arena<'a>, words: String) -> &'a AstNode<'a> {
    arena.alloc(NodeValue::Text(Cow::Owned(words)).into())
}

fn within_link<'a>(node: &'a AstNode<'a>) -> bool {
    node.ancestors().skip(1).any(|above| matches!(above.data().value, NodeValue::Link(_)))
}

/// Converts `@name` in text to a link to `/u/name`.
fn link_mentions<'a>(arena: &'a Arena<'a>, node: &'a AstNode<'a>) {
    let words = match &node.data().value {
        NodeValue::Text(words) if words.contains('@') => words.to_string(),
        _ => return,
    };
    if within_link(node) {
        return;
    }
    let mut rest = 0;
    for mention in mentions(&words) {
        let Some(before) = words.get(rest..mention.start) else { break };
        node.insert_before(text(arena, before.to_owned()));
        let link = NodeLink { url: format!("/u/{}", mention.name), title: String::new() };
        let linked: &'a AstNode<'a> = arena.alloc(NodeValue::Link(Box::new(link)).into());
        linked.append(text(arena, format!("@{}", mention.name)));
        node.insert_before(linked);
        rest = mention.end;
    }
    if rest > 0 {
        node.insert_before(text(arena, words.get(rest..).unwrap_or_default().to_owned()));
        node.detach();
    }
}

/// An account's name in text, and its position including the `@`.
struct Mention {
    start: usize,
    end: usize,
    name: AccountName,
}

/// Finds every `@name` that is not part of a word; a full stop after it does not belong to the name.
fn mentions(words: &str) -> impl Iterator<Item = Mention> + '_ {
    words.match_indices('@').filter_map(|(start, _)| {
        let inside_word =
            words.get(..start)?.chars().next_back().is_some_and(|before| before.is_alphanumeric() || before == '/');
        if inside_word {
            return None;
        }
        let after = words.get(start + 1..)?;
        let long =
            after.find(|next: char| !(next.is_ascii_alphanumeric() || "-._".contains(next))).unwrap_or(after.len());
        let candidate = after.get(..long)?.trim_end_matches(['.', '-', '_']);
        let name = AccountName::parse(candidate).ok()?;
        Some(Mention { start, end: start + 1 + candidate.len(), name })
    })
}

/// Gives each heading an id made from its words; the sanitiser adds the prefix.
#[derive(Default)]
struct HeadingIds(Mutex<Anchorizer>);

impl HeadingAdapter for HeadingIds {
    fn enter(&self, output: &mut dyn fmt::Write, heading: &HeadingMeta, _: Option<Sourcepos>) -> fmt::Result {
        let id = self.0.lock().unwrap_or_else(PoisonError::into_inner).anchorize(&heading.content);
        write!(output, "<h{} id=\"{}\">", heading.level, ammonia::clean_text(&id))
    }

    fn exit(&self, output: &mut dyn fmt::Write, heading: &HeadingMeta) -> fmt::Result {
        writeln!(output, "</h{}>", heading.level)
    }
}

/// Keeps text, tables, lists and links; checkboxes are disabled.
fn sanitise(html: &str, prefix: &str) -> String {
    let mut builder = ammonia::Builder::default();
    builder
        .tags(KEPT.clone())
        .add_generic_attributes(["id"])
        .add_tag_attributes("a", ["aria-label"])
        .add_tag_attributes("input", ["checked"])
        .set_tag_attribute_value("input", "type", "checkbox")
        .set_tag_attribute_value("input", "disabled", "")
        .set_tag_attribute_value("input", "aria-label", "Task")
        .add_tag_attributes("details", ["open"])
        .add_allowed_classes("section", ["footnotes"])
        .add_allowed_classes("sup", ["footnote-ref"])
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(UrlRelative::Custom(Box::new(WithinSite { prefix })))
        .link_rel(Some("ugc nofollow noopener"))
        .id_prefix(Some(prefix));
    builder.clean(html).to_string()
}

/// Keeps links within this site: to anchors in the same text, or from the site's root. Relative files do not exist
/// here.
struct WithinSite<'a> {
    prefix: &'a str,
}

impl<'a> UrlRelativeEvaluate<'a> for WithinSite<'a> {
    fn evaluate<'url>(&self, url: &'url str) -> Option<Cow<'url, str>> {
        if let Some(anchor) = url.strip_prefix('#') {
            let known = anchor.starts_with(self.prefix);
            return Some(if known { Cow::Borrowed(url) } else { Cow::Owned(format!("#{}{anchor}", self.prefix)) });
        }
        let rooted = url.starts_with('/') && !url.starts_with("//") && !url.starts_with("/\\");
        rooted.then_some(Cow::Borrowed(url))
    }
}

#[cfg(test)]
mod tests;
