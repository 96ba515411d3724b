//! Search results with highlighted matches, and facets to filter them. Choosing a facet adds a qualifier to the query
//! or removes one.

use leptos::prelude::*;
use leptos_meta::Title;
use model::search::{Facet, Fragment, SearchRequest, SearchResults, SearchSort};

use super::{asked, load};
use crate::components::icon::{Glyph, icon};
use crate::components::list::{empty, row};
use crate::portal::portal;
use crate::texts::text;
use crate::{place, words};

/// The page.
pub(crate) fn page() -> AnyView {
    let q = asked("q").trim().to_owned();
    let sort = asked("sort").parse().unwrap_or_default();
    let number = asked("page").parse().unwrap_or(1);
    load(async move {
        let portal = portal()?;
        let signed_in = portal.me().await?.is_some();
        let found = portal.search(SearchRequest { q: q.clone(), sort, page: number, limit: 0 }).await?;
        let now = portal.now();
        let title = if q.is_empty() {
            text!(search.all, count = found.total, number = words::grouped(found.total))
        } else {
            text!(search.results, count = found.total, number = words::grouped(found.total), query = q.as_str())
        };
        let past = found.hits.is_empty() && found.page > found.pages && found.pages > 0;
        let list = if past {
            empty(
                text!(search.past_title),
                text!(search.past_text),
                view! { <a class="button" href=address(&q, sort, found.pages)>{text!(search.last_page)}</a> },
            )
        } else if found.hits.is_empty() {
            nothing(&q)
        } else {
            let rows = found.hits.iter().map(|hit| row(&hit.repository, excerpt(&hit.excerpt), now)).collect_view();
            view! { <ul class="rows">{rows}</ul> }.into_any()
        };
        Ok(view! {
            <Title text=title.clone()/>
            <div class="wide columns columns-left">
                <aside>{filters(&q, sort, &found.facets, signed_in)}</aside>
                <section>
                    <div class="section-head">
                        <h1>{title}</h1>
                        {(found.total > 0).then(|| order(&q, sort))}
                    </div>
                    {terms(&q, sort)}
                    {list}
                    {(!past).then(|| pages(&q, sort, &found))}
                </section>
            </div>
        }
        .into_any())
    })
}

fn address(q: &str, sort: SearchSort, page: u32) -> String {
    let sort = if sort == SearchSort::default() { "" } else { sort.as_str() };
    let page = if page > 1 { page.to_string() } else { String::new() };
    format!("/search{}", place::query(&[("q", q), ("sort", sort), ("page", &page)]))
}

fn excerpt(fragments: &[Fragment]) -> Option<AnyView> {
    if fragments.iter().all(|fragment| fragment.text.is_empty()) {
        return None;
    }
    let parts = fragments
        .iter()
        .map(|fragment| {
            let text = fragment.text.clone();
            if fragment.marked { view! { <mark>{text}</mark> }.into_any() } else { text.into_any() }
        })
        .collect_view();
    Some(parts.into_any())
}

fn nothing(q: &str) -> AnyView {
    if q.is_empty() {
        return empty(
            text!(search.empty_title),
            text!(search.empty_text),
            view! { <a class="button" href="/">{text!(search.home)}</a> },
        );
    }
    empty(
        text!(search.nothing_title),
        text!(search.nothing_text),
        view! { <a class="button" href="/search">{text!(search.show_all)}</a> },
    )
}

/// The qualifiers of the query as chips that remove them.
fn terms(q: &str, sort: SearchSort) -> Option<AnyView> {
    let qualifiers: Vec<&str> = pieces(q).into_iter().filter(|term| is_qualifier(term)).collect();
    if qualifiers.is_empty() {
        return None;
    }
    let chips = qualifiers
        .into_iter()
        .map(|term| {
            view! {
                <a class="chip" href=address(&without(q, term), sort, 1) aria-label=text!(search.remove_filter, filter = term)>
                    {term.to_owned()}
                    {icon(Glyph::Close)}
                </a>
            }
        })
        .collect_view();
    Some(view! { <p class="line terms">{chips}</p> }.into_any())
}

/// The names of qualifiers.
const QUALIFIERS: [&str; 11] =
    ["ns", "namespace", "tag", "topic", "label", "arch", "os", "is", "stars", "pulls", "updated"];

fn is_qualifier(term: &str) -> bool {
    term.strip_prefix('-').unwrap_or(term).split_once(':').is_some_and(|(name, value)| {
        QUALIFIERS.iter().any(|known| known.eq_ignore_ascii_case(name)) && !value.trim_matches('"').is_empty()
    })
}

/// Splits a query into words, phrases and qualifiers as typed, at spaces outside of quotes. Quotes start at the
/// beginning of a word or value; an unclosed quote extends to the end.
fn pieces(q: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = q.trim_start();
    while !rest.is_empty() {
        let bare = rest.strip_prefix('-').unwrap_or(rest);
        let value = bare
            .split_once(':')
            .filter(|(name, _)| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic()))
            .map_or(bare, |(_, value)| value);
        let before = rest.len() - value.len();
        let length = match value.strip_prefix('"') {
            Some(inside) => before + inside.find('"').map_or(value.len(), |end| end + 2),
            None => before + value.find(char::is_whitespace).unwrap_or(value.len()),
        };
        let (piece, tail) = rest.split_at_checked(length).unwrap_or((rest, ""));
        pieces.push(piece);
        rest = tail.trim_start();
    }
    pieces
}

/// A qualifier with its value, quoted if necessary.
fn qualified(name: &str, value: &str) -> String {
    if value.contains(char::is_whitespace) { format!("{name}:\"{value}\"") } else { format!("{name}:{value}") }
}

fn with(q: &str, term: &str) -> String {
    if q.is_empty() { term.to_owned() } else { format!("{q} {term}") }
}

fn without(q: &str, term: &str) -> String {
    pieces(q).into_iter().filter(|word| !word.eq_ignore_ascii_case(term)).collect::<Vec<_>>().join(" ")
}

fn filters(q: &str, sort: SearchSort, facets: &[Facet], signed_in: bool) -> AnyView {
    let one = |term: String, words: String, count: Option<u64>| {
        let on = pieces(q).into_iter().any(|word| word.eq_ignore_ascii_case(&term));
        let href = address(&if on { without(q, &term) } else { with(q, &term) }, sort, 1);
        view! {
            <a class="facet" href=href aria-current=on.then_some("true")>
                {icon(Glyph::Check)}
                <span>{words}</span>
                {count.map(|count| view! { <span class="count">{words::count(count)}</span> })}
            </a>
        }
        .into_any()
    };
    let group = |title: &'static str, links: Vec<AnyView>| {
        (!links.is_empty()).then(|| {
            view! {
                <section>
                    <h2>{title}</h2>
                    <div>{links}</div>
                </section>
            }
            .into_any()
        })
    };
    let of_facet = |facet: &Facet| {
        let links = facet
            .values
            .iter()
            .map(|value| one(qualified(&facet.qualifier, &value.value), value.value.clone(), Some(value.count)))
            .collect();
        group(heading(&facet.qualifier), links)
    };
    let (known, mut others): (Vec<&Facet>, Vec<&Facet>) = facets.iter().partition(|facet| facet.qualifier == "is");
    others.sort_by_key(|facet| order_of(&facet.qualifier));
    let kinds = kinds()
        .into_iter()
        .filter(|(_, _, for_member)| signed_in || !for_member)
        .map(|(kind, words, _)| {
            let value = known.iter().flat_map(|facet| &facet.values).find(|value| value.value == kind);
            one(format!("is:{kind}"), words.to_owned(), value.map(|value| value.count))
        })
        .collect();
    view! {
        <details class="filters">
            <summary class="button">{icon(Glyph::Filter)} {text!(search.filters)}</summary>
            {others.into_iter().map(of_facet).collect_view()}
            {group(text!(search.kind), kinds)}
        </details>
    }
    .into_any()
}

/// The labels of `is:` values, and whether each requires signing in.
fn kinds() -> [(&'static str, &'static str, bool); 5] {
    [
        ("official", text!(search.official), false),
        ("starred", text!(search.starred), true),
        ("public", text!(visibility.public), true),
        ("internal", text!(visibility.internal), true),
        ("private", text!(visibility.private), true),
    ]
}

/// The position of a facet on the page.
fn order_of(qualifier: &str) -> usize {
    ["ns", "arch", "os", "tag"].iter().position(|known| *known == qualifier).unwrap_or(usize::MAX)
}

fn heading(qualifier: &str) -> &'static str {
    match qualifier {
        "ns" => text!(search.namespace),
        "arch" => text!(search.architecture),
        "os" => text!(search.os),
        "tag" => text!(search.tag),
        _ => text!(search.label),
    }
}

fn order(q: &str, chosen: SearchSort) -> AnyView {
    let orders = SearchSort::ALL
        .into_iter()
        .map(|sort| {
            let words = match sort {
                SearchSort::Best => text!(search.sort_best),
                SearchSort::Stars => text!(search.sort_stars),
                SearchSort::Pulls => text!(search.sort_pulls),
                SearchSort::Updated => text!(search.sort_updated),
            };
            view! {
                <a href=address(q, sort, 1) aria-current=(sort == chosen).then_some("true")>
                    {words}
                </a>
            }
        })
        .collect_view();
    view! { <nav class="orders" aria-label=text!(list.sort_by)>{orders}</nav> }.into_any()
}

fn pages(q: &str, sort: SearchSort, found: &SearchResults) -> Option<AnyView> {
    if found.pages <= 1 {
        return None;
    }
    let link = |page: u32, words: AnyView, rel: &'static str| {
        view! { <a class="button button-small" rel=rel href=address(q, sort, page)>{words}</a> }
    };
    let back = (found.page > 1)
        .then(|| link(found.page - 1, view! { {icon(Glyph::Left)} {text!(list.previous)} }.into_any(), "prev"));
    let on = (found.page < found.pages)
        .then(|| link(found.page + 1, view! { {text!(list.next)} {icon(Glyph::Right)} }.into_any(), "next"));
    Some(
        view! {
            <nav class="pager" aria-label=text!(list.pages)>
                <span>{back}</span>
                <span>{text!(list.page_of, page = found.page, pages = found.pages)}</span>
                <span>{on}</span>
            </nav>
        }
        .into_any(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_facet_is_a_word_put_in_and_taken_out() {
        assert_eq!(with("", "ns:a"), "ns:a");
        assert_eq!(without(&with("tide chart", "ns:a"), "ns:a"), "tide chart");
    }

    #[test]
    fn quotes_hold_a_piece_of_a_query_together() {
        let q = r#"tide  label:"a=b c" -"old chart" stars:>10 x:y "unclosed to the end"#;
        let all = ["tide", r#"label:"a=b c""#, r#"-"old chart""#, "stars:>10", "x:y", r#""unclosed to the end"#];
        assert_eq!(pieces(q), all);
        let qualifiers: Vec<&str> = pieces(q).into_iter().filter(|piece| is_qualifier(piece)).collect();
        assert_eq!(qualifiers, [r#"label:"a=b c""#, "stars:>10"]);
        assert_eq!(without(r#"tide label:"a=b c" arch:arm64"#, r#"label:"a=b c""#), "tide arch:arm64");
        assert_eq!(pieces(&with("tide", &qualified("label", "a=b c"))), ["tide", r#"label:"a=b c""#]);
        for odd in ["", " ", "-", "\"", "a:\"", ":", "-:", "é:\"x\"y"] {
            assert_eq!(pieces(odd).concat(), odd.trim(), "{odd}");
        }
    }

    #[test]
    fn every_qualifier_is_a_chip_that_takes_itself_out() {
        for term in ["ns:a", "topic:b", "pulls:1..9", "updated:>2026-01-01", "-is:private", "TAG:x", "namespace:a"] {
            assert!(is_qualifier(term), "{term}");
        }
        for word in ["nginx:latest", "tag:", "label:\"\"", "http://x", "arch"] {
            assert!(!is_qualifier(word), "{word}");
        }
    }

    #[test]
    fn the_first_page_in_the_usual_order_has_the_plainest_address() {
        assert_eq!(address("a b", SearchSort::Best, 1), "/search?q=a%20b");
        assert_eq!(address("", SearchSort::Stars, 2), "/search?sort=stars&page=2");
    }
}
