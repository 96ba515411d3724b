//! The ids of elements: each is unique on its page.

use std::collections::{HashMap, HashSet, VecDeque};

use super::tags::{Piece, Tag, pieces};

/// The ids of sanitised HTML, without the prefix of the page.
pub(super) struct Ids {
    taken: HashSet<String>,
    /// What each id that the HTML asks for becomes, in order.
    given: VecDeque<Option<String>>,
}

impl Ids {
    /// Decides about all ids. The first element to ask for an id gets it, but footnotes come before all others. Another
    /// heading gets a number; other elements get none.
    pub(super) fn of(html: &str) -> Self {
        let mut footnotes: HashSet<String> =
            tags_of(html).filter(is_of_footnote).filter_map(|tag| Some(tag.value("id")?.to_owned())).collect();
        let mut taken = footnotes.clone();
        let mut numbers = HashMap::new();
        let mut given = VecDeque::new();
        for tag in tags_of(html) {
            for id in asked(&tag) {
                let free = if is_of_footnote(&tag) { footnotes.remove(id) } else { !taken.contains(id) };
                let id = if free {
                    Some(id.to_owned())
                } else if is_heading(&tag) {
                    Some(numbered(id, &taken, &mut numbers))
                } else {
                    None
                };
                taken.extend(id.clone());
                given.push_back(id);
            }
        }
        Self { taken, given }
    }

    /// The ids of the next tag. Every tag has to be asked for, in order.
    pub(super) fn next_of(&mut self, tag: &Tag) -> impl Iterator<Item = String> + use<> {
        let ids: Vec<_> = asked(tag).filter_map(|_| self.given.pop_front().flatten()).collect();
        ids.into_iter()
    }

    pub(super) fn contains(&self, id: &str) -> bool {
        self.taken.contains(id)
    }
}

fn tags_of(html: &str) -> impl Iterator<Item = Tag<'_>> {
    pieces(html).filter_map(|piece| match piece {
        Piece::Start(tag) => Some(tag),
        _ => None,
    })
}

/// The ids that an element asks for: `name` is the old way to write the id of an `<a>`.
fn asked<'a>(tag: &Tag<'a>) -> impl Iterator<Item = &'a str> + use<'a> {
    let id = tag.value("id");
    let name = tag.value("name").filter(|name| Some(*name) != id);
    id.into_iter().chain(name).filter(|id| !id.is_empty())
}

/// Whether the element is a footnote or a reference to one: its number links to it.
fn is_of_footnote(tag: &Tag) -> bool {
    let begins = |attribute: &str, with: &str| tag.value(attribute).is_some_and(|value| value.starts_with(with));
    match tag.name.as_str() {
        "li" => begins("id", "fn-"),
        "a" => begins("id", "fnref-") && begins("href", "#fn-"),
        _ => false,
    }
}

fn is_heading(tag: &Tag) -> bool {
    matches!(tag.name.as_str(), "h1" | "h2" | "h3" | "h4" | "h5" | "h6")
}

/// Adds the first number that makes an id unique. Numbers only increase, so that many equal headings stay fast.
fn numbered(id: &str, taken: &HashSet<String>, numbers: &mut HashMap<String, usize>) -> String {
    let number = numbers.entry(id.to_owned()).or_default();
    loop {
        *number += 1;
        let candidate = format!("{id}-{number}");
        if !taken.contains(&candidate) {
            return candidate;
        }
    }
}
