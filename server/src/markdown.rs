//! Converts Markdown to safe HTML: GitHub's dialect, then a sanitiser over the whole result. Pure functions.

mod finish;
mod ids;
mod mentions;
mod raw;
mod size;
mod tags;

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::LazyLock;

use ammonia::{UrlRelative, UrlRelativeEvaluate};
use comrak::adapters::{HeadingAdapter, HeadingMeta};
use comrak::nodes::Sourcepos;
use comrak::options::Plugins;
use comrak::{Anchorizer, Arena, Options};
use model::id::CommentId;
use model::repository::MAX_OVERVIEW;

use crate::pictures::{self, PictureLinks};

/// The elements that a rendered text may contain.
static KEPT: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let mut kept = ammonia::Builder::default().clone_tags();
    for tag in ["area", "img", "map", "nav", "article", "header", "footer", "aside"] {
        kept.remove(tag);
    }
    kept.extend(["section", "input"]);
    kept
});

/// Renders a README. Its anchors start with `readme-`. Without links to pictures it contains their words instead.
pub fn readme(source: &str, pictures: Option<&PictureLinks>) -> String {
    render(source, "readme-", pictures)
}

/// Renders a comment. Its anchors start with `c<id>-`, so that they are unique on a page.
pub fn comment(source: &str, id: CommentId, pictures: Option<&PictureLinks>) -> String {
    render(source, &format!("c{id}-"), pictures)
}

/// Renders a preview. Its anchors start with `preview-`.
pub fn preview(source: &str, pictures: Option<&PictureLinks>) -> String {
    render(source, "preview-", pictures)
}

/// Renders at most [`MAX_OVERVIEW`] bytes of `source`. All ids, and links to them, get the prefix.
///
/// The sanitiser runs twice: first so that the last changes meet only closed tags and known attributes, then over their
/// result.
fn render(source: &str, prefix: &str, pictures: Option<&PictureLinks>) -> String {
    let source = bounded(source);
    let options = options();
    let arena = Arena::new();
    let root = raw::parse(&arena, source, &options);
    raw::defuse(&arena, root);
    let mut plugins = Plugins::default();
    plugins.render.heading_adapter = Some(&HeadingIds);
    let mut html = String::new();
    // Writing to a string cannot fail; if it did, the partial result would still be sanitised.
    let _ = comrak::format_html_with_plugins(root, &options, &mut html, &plugins);
    if size::is_excessive(&html) {
        return format!("<pre>{}</pre>", ammonia::clean_text(source));
    }
    let html = sanitiser()
        .add_tags(["img"])
        .add_tag_attributes("a", ["name"])
        .url_relative(UrlRelative::PassThrough)
        .link_rel(None)
        .clean(&html)
        .to_string();
    let html = finish::finish(&html, prefix, pictures);
    let mut last = sanitiser();
    if pictures.is_some() {
        last.add_tags(["img"])
            .add_tag_attributes("img", ["loading"])
            .attribute_filter(|element, name, value| is_of_picture(element, name, value).then_some(value.into()));
    }
    last.url_relative(UrlRelative::Custom(Box::new(WithinSite { prefix })))
        .link_rel(Some("ugc nofollow noopener"))
        .id_prefix(Some(prefix))
        .clean(&html)
        .to_string()
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

/// Whether the tags of an element in raw HTML are kept. A picture becomes something else later.
fn is_kept(element: &str) -> bool {
    KEPT.contains(element) || matches!(element, "img" | "image")
}

/// Escapes a piece of HTML so that it is shown as it was written.
fn escaped(html: &str) -> String {
    html.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Whether an attribute may be kept, if it is a picture's: its address is one of ours, and its size a number of pixels or
/// a percentage.
fn is_of_picture(element: &str, name: &str, value: &str) -> bool {
    match (element, name) {
        ("img", "src") => value.starts_with(pictures::PREFIX),
        ("img", "width" | "height") => {
            let number = value.strip_suffix("px").or_else(|| value.strip_suffix('%')).unwrap_or(value);
            !number.is_empty() && number.len() <= 4 && number.bytes().all(|digit| digit.is_ascii_digit())
        }
        _ => true,
    }
}

/// Gives each heading an id made from its words. It becomes unique, and gets the prefix, at the end.
struct HeadingIds;

impl HeadingAdapter for HeadingIds {
    fn enter(&self, output: &mut dyn fmt::Write, heading: &HeadingMeta, _: Option<Sourcepos>) -> fmt::Result {
        let id = Anchorizer::new().anchorize(&heading.content);
        write!(output, "<h{} id=\"{}\">", heading.level, ammonia::clean_text(&id))
    }

    fn exit(&self, output: &mut dyn fmt::Write, heading: &HeadingMeta) -> fmt::Result {
        writeln!(output, "</h{}>", heading.level)
    }
}

/// Keeps text, tables, lists and links; checkboxes are disabled.
fn sanitiser<'a>() -> ammonia::Builder<'a> {
    let mut builder = ammonia::Builder::default();
    for block in ["div", "p", "h1", "h2", "h3", "h4", "h5", "h6"] {
        builder.add_tag_attributes(block, ["align"]);
    }
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
        .url_schemes(HashSet::from(["http", "https", "mailto"]));
    builder
}

/// Keeps links within this site: to anchors in the same text, or from the site's root.
struct WithinSite<'a> {
    prefix: &'a str,
}

impl<'a> UrlRelativeEvaluate<'a> for WithinSite<'a> {
    fn evaluate<'url>(&self, url: &'url str) -> Option<Cow<'url, str>> {
        let anchored = url.strip_prefix('#').is_some_and(|anchor| anchor.starts_with(self.prefix));
        (anchored || is_rooted(url)).then_some(Cow::Borrowed(url))
    }
}

/// Whether an address starts at the root of this site. Browsers ignore some control characters, so none is allowed.
fn is_rooted(url: &str) -> bool {
    url.starts_with('/') && !url.starts_with("//") && !url.starts_with("/\\") && !url.contains(char::is_control)
}

#[cfg(test)]
mod picture_tests;
#[cfg(test)]
mod tests;
