//! Renders every page in each language and checks that no text of the other language is left.

use std::collections::BTreeMap;

use app::portal::Flash;
use model::account::Registration;
use model::fault::{Fault, FaultCode};
use model::language::Language;
use model::reason::Reason;

use crate::world::{Visitor, World};
use crate::{PAGES, keep_for_looking, render};

/// Texts that people wrote: names, descriptions, labels. [`texts`] has already removed Markdown and code.
const WRITTEN: [&str; 2] = [include_str!("sample.rs"), include_str!("world.rs")];

/// Texts that are the same in every language: names of products, formats and languages.
const NAMES: [&str; 15] = [
    "API",
    "English",
    "GitHub",
    "Kubernetes",
    "Portolan",
    "Portolan 0.1.0",
    "README",
    "SBOM",
    "cosign",
    "docker",
    "helm",
    "oras",
    "podman",
    "skopeo",
    "简体中文",
];

/// The part of a search query that a page shows.
const TYPED: &str = "ns:mara";

/// Elements whose text is code or was written by people.
const APART: [&str; 6] = ["code", "pre", "script", "style", "svg", "textarea"];

/// Classes of elements that contain code.
const CODE: [&str; 5] = ["layer-command\"", "layer-command fold\"", "dd class=\"mono\"", "facts-tall", "chip-mono"];

/// The attributes that people read or hear.
const SAID: [&str; 4] = ["aria-label=\"", "data-label=\"", "placeholder=\"", "title=\""];

/// Whether the text is in Chinese, at least in part.
fn is_chinese(text: &str) -> bool {
    text.chars()
        .any(|letter| matches!(letter, '\u{3000}'..='\u{303f}' | '\u{4e00}'..='\u{9fff}' | '\u{ff00}'..='\u{ffef}'))
}

/// The texts of a page, attributes included, without code and Markdown.
fn texts(html: &str) -> Vec<String> {
    let mut texts = Vec::new();
    // Leptos renders an empty view as an HTML comment.
    let html = html.replace("<!--<() />-->", "");
    let mut rest = html.as_str();
    while let Some((text, tail)) = rest.split_once('<') {
        texts.push(text.to_owned());
        let (tag, after) = tail.split_once('>').unwrap_or((tail, ""));
        for attribute in SAID {
            let value = tag.split_once(&format!(" {attribute}")).and_then(|(_, value)| value.split('"').next());
            texts.extend(value.map(str::to_owned));
        }
        let name = tag.split([' ', '/']).next().unwrap_or_default();
        let end = if tag.contains("class=\"prose") { Some("</div>".to_owned()) } else { None };
        let end = end.or_else(|| {
            (APART.contains(&name) || CODE.iter().any(|class| tag.contains(class))).then(|| format!("</{name}>"))
        });
        rest = end.and_then(|end| after.split_once(&end)).map_or(after, |(_, after)| after);
    }
    texts.iter().map(|text| text.replace("&amp;", "&").trim().to_owned()).filter(|text| !text.is_empty()).collect()
}

/// Whether the text is the same in every language: numbers, sizes, addresses, names and what people wrote.
fn is_neutral(text: &str) -> bool {
    let figures = |word: &str| {
        let word = word.trim_matches([',', '.', '+', '·', '/', '(', ')', ':']);
        word.is_empty()
            || word.starts_with(|first: char| first.is_ascii_digit())
            || word.ends_with("iB")
            || word.starts_with("sha256:")
            || word.ends_with("@hub.example")
    };
    let known = |part: &str| {
        NAMES.contains(&part)
            || part == TYPED
            || WRITTEN.iter().any(|text| text.contains(part))
            || part.split_whitespace().all(figures)
    };
    known(text) || text.split(" · ").all(known)
}

fn worlds() -> Vec<(String, World)> {
    let mut worlds = Vec::new();
    for (visitor, path, _) in PAGES {
        for bare in [false, true] {
            let mut world = World::new(*visitor, path);
            world.bare = bare;
            worlds.push((format!("{visitor:?} {path} bare: {bare}"), world));
        }
    }
    for registration in [Registration::Closed, Registration::Invitation] {
        let mut world = World::new(Visitor::Nobody, "/signup");
        world.registration = registration;
        worlds.push((format!("{registration:?}"), world));
    }
    let others = [
        (Visitor::Nobody, "/no/such/page"),
        (Visitor::Nobody, "/setup?token=old"),
        (Visitor::Nobody, "/signout"),
        (Visitor::Nobody, "/u/mara?cursor=x"),
        (Visitor::Owner, "/search?q=tide&page=9"),
        (Visitor::Owner, "/r/harbour/tide-api/-/tags?contains=x&sort=size"),
        (Visitor::Stranger, "/r/harbour/tide-api/-/settings/general"),
        (Visitor::Stranger, "/r/harbour/tide-api/-/tags"),
        (Visitor::Stranger, "/r/harbour/tide-api/-/comments"),
    ];
    worlds.extend(others.map(|(visitor, path)| (path.to_owned(), World::new(visitor, path))));
    let refused = World::new(Visitor::Owner, "/new");
    let fault = Some(Fault::new(FaultCode::Invalid, Reason::IncompleteRequest));
    let fields = BTreeMap::new();
    *refused.flash.lock().unwrap() = Some(Flash { form: "repositories/create".into(), fault, notice: None, fields });
    worlds.push(("a refused form".to_owned(), refused));
    worlds
}

#[test]
fn no_page_in_chinese_has_english_left_on_it() {
    for (name, mut world) in worlds() {
        world.language = Language::Chinese;
        let html = render(world).html;
        assert!(html.contains("<html lang=\"zh-CN\""), "{name}");
        keep_for_looking(&format!("zh-{name}"), &html);
        let left: Vec<String> =
            texts(&html).into_iter().filter(|text| !is_chinese(text) && !is_neutral(text)).collect();
        assert_eq!(left, Vec::<String>::new(), "{name}");
    }
}

#[test]
fn no_page_in_english_has_chinese_on_it() {
    for (name, world) in worlds() {
        let html = render(world).html;
        assert!(html.contains("<html lang=\"en\""), "{name}");
        let left: Vec<String> =
            texts(&html).into_iter().filter(|text| is_chinese(text) && *text != Language::Chinese.name()).collect();
        assert_eq!(left, Vec::<String>::new(), "{name}");
    }
}

#[test]
fn each_page_offers_the_other_language() {
    let html = render(World::new(Visitor::Nobody, "/")).html;
    assert!(html.contains("action=\"/_actions/language/set\""), "{html}");
    assert!(html.contains("value=\"zh-CN\"") && html.contains("简体中文"), "{html}");
}
