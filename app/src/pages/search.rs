//! What a search found: results with the matched words marked, and facets that narrow it. The query's grammar is the
//! index's affair; here a facet is only a word added to the query or taken out.

use leptos::prelude::*;
use leptos_meta::Title;
use model::search::{Facet, Fragment, SearchRequest, SearchResults, SearchSort};

use super::{asked, load};
use crate::components::icon::{Glyph, icon};
use crate::components::list::{empty, row};
use crate::portal::portal;
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
            words::plural(found.total, "image", "images")
        } else {
            format!("{} for “{q}”", words::plural(found.total, "image", "images"))
        };
        let list = if found.hits.is_empty() {
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
                        {order(&q, sort)}
                    </div>
                    {terms(&q, sort)}
                    {list}
                    {pages(&q, sort, &found)}
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
            "No images yet",
            "Images that you may see appear here as soon as somebody pushes one.",
            view! { <a class="button" href="/">"Home"</a> },
        );
    }
    empty(
        "Nothing found",
        "No image that you may see matches all of it. Take a word out, or look for part of a name; a word may be off by \
         one letter. These narrow a search: ns: tag: label: arch: os: is:starred is:official is:private.",
        view! { <a class="button" href="/search">"Show all images"</a> },
    )
}

/// The query's qualifiers as chips that take themselves out.
fn terms(q: &str, sort: SearchSort) -> Option<AnyView> {
    let qualifiers: Vec<&str> = q.split_whitespace().filter(|term| is_qualifier(term)).collect();
    if qualifiers.is_empty() {
        return None;
    }
    let chips = qualifiers
        .into_iter()
        .map(|term| {
            view! {
                <a class="chip" href=address(&without(q, term), sort, 1) aria-label=format!("Without {term}")>
                    {term.to_owned()}
                    {icon(Glyph::Close)}
                </a>
            }
        })
        .collect_view();
    Some(view! { <p class="line terms">{chips}</p> }.into_any())
}

fn is_qualifier(term: &str) -> bool {
    term.split_once(':')
        .is_some_and(|(name, value)| matches!(name, "ns" | "tag" | "label" | "arch" | "os" | "is") && !value.is_empty())
}

fn with(q: &str, term: &str) -> String {
    if q.is_empty() { term.to_owned() } else { format!("{q} {term}") }
}

fn without(q: &str, term: &str) -> String {
    q.split_whitespace().filter(|word| *word != term).collect::<Vec<_>>().join(" ")
}

fn filters(q: &str, sort: SearchSort, facets: &[Facet], signed_in: bool) -> AnyView {
    let one = |term: String, words: String, count: Option<u64>| {
        let on = q.split_whitespace().any(|word| word == term);
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
            .map(|value| one(format!("{}:{}", facet.qualifier, value.value), value.value.clone(), Some(value.count)))
            .collect();
        group(heading(&facet.qualifier), links)
    };
    let (known, mut others): (Vec<&Facet>, Vec<&Facet>) = facets.iter().partition(|facet| facet.qualifier == "is");
    others.sort_by_key(|facet| order_of(&facet.qualifier));
    let kinds = KINDS
        .iter()
        .filter(|(_, _, for_member)| signed_in || !for_member)
        .map(|(kind, words, _)| {
            let value = known.iter().flat_map(|facet| &facet.values).find(|value| value.value == *kind);
            one(format!("is:{kind}"), (*words).to_owned(), value.map(|value| value.count))
        })
        .collect();
    view! {
        <details class="filters">
            <summary class="button">{icon(Glyph::Filter)} "Filters"</summary>
            {others.into_iter().map(of_facet).collect_view()}
            {group("Kind", kinds)}
        </details>
    }
    .into_any()
}

/// What `is:` may say, in words, and whether it means something only to who is signed in.
const KINDS: [(&str, &str, bool); 5] = [
    ("official", "Official", false),
    ("starred", "Starred by you", true),
    ("public", "Public", true),
    ("internal", "Internal", true),
    ("private", "Private", true),
];

/// Where a facet stands among the others: the most used first.
fn order_of(qualifier: &str) -> usize {
    ["ns", "arch", "os", "tag"].iter().position(|known| *known == qualifier).unwrap_or(usize::MAX)
}

fn heading(qualifier: &str) -> &'static str {
    match qualifier {
        "ns" => "Namespace",
        "arch" => "Architecture",
        "os" => "Operating system",
        "tag" => "Tag",
        _ => "Label",
    }
}

fn order(q: &str, chosen: SearchSort) -> AnyView {
    let orders = SearchSort::ALL
        .into_iter()
        .map(|sort| {
            let words = match sort {
                SearchSort::Best => "Best match",
                SearchSort::Stars => "Stars",
                SearchSort::Pulls => "Pulls",
                SearchSort::Updated => "Updated",
            };
            view! {
                <a href=address(q, sort, 1) aria-current=(sort == chosen).then_some("true")>
                    {words}
                </a>
            }
        })
        .collect_view();
    view! { <nav class="orders" aria-label="Order">{orders}</nav> }.into_any()
}

fn pages(q: &str, sort: SearchSort, found: &SearchResults) -> Option<AnyView> {
    if found.pages <= 1 {
        return None;
    }
    let link = |page: u32, words: AnyView, rel: &'static str| {
        view! { <a class="button button-small" rel=rel href=address(q, sort, page)>{words}</a> }
    };
    let back =
        (found.page > 1).then(|| link(found.page - 1, view! { {icon(Glyph::Left)} "Previous" }.into_any(), "prev"));
    let on = (found.page < found.pages)
        .then(|| link(found.page + 1, view! { "Next" {icon(Glyph::Right)} }.into_any(), "next"));
    Some(
        view! {
            <nav class="pager" aria-label="Pages">
                <span>{back}</span>
                <span>{format!("Page {} of {}", found.page, found.pages)}</span>
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
    fn the_first_page_in_the_usual_order_has_the_plainest_address() {
        assert_eq!(address("a b", SearchSort::Best, 1), "/search?q=a%20b");
        assert_eq!(address("", SearchSort::Stars, 2), "/search?sort=stars&page=2");
    }
}
