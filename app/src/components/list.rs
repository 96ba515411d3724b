//! Lists: rows of repositories, empty states and links to the next page.

use leptos::prelude::*;
use model::clock::Timestamp;
use model::repository::Repository;
use model::role::Visibility;

use super::icon::{Glyph, icon};
use super::person::ago;
use super::rose::net;
use crate::texts::text;
use crate::{place, words};

/// A link to a repository, with the last part of its name emphasised.
pub(crate) fn name(repository: &Repository) -> AnyView {
    view! {
        <a class="name" href=place::repository(&repository.path)>
            {repository.namespace.to_string()}
            <span>"/"</span>
            <b>{repository.name.clone()}</b>
        </a>
    }
    .into_any()
}

/// The visibility as text with an icon.
pub(crate) fn visibility(visibility: Visibility) -> AnyView {
    let (glyph, word) = match visibility {
        Visibility::Public => (Glyph::Globe, text!(visibility.public)),
        Visibility::Internal => (Glyph::Internal, text!(visibility.internal)),
        Visibility::Private => (Glyph::Lock, text!(visibility.private)),
    };
    view! { <span class="chip">{icon(glyph)} {word}</span> }.into_any()
}

/// The badge of official repositories.
pub(crate) fn official() -> AnyView {
    view! { <span class="chip chip-sea">{icon(Glyph::Shield)} {text!(repository.official)}</span> }.into_any()
}

/// A number with an icon; the words are for screen readers and the tooltip.
pub(crate) fn figure(glyph: Glyph, words: &'static str, number: u64) -> AnyView {
    view! {
        <span class="figure" title=words::labelled(words, &words::grouped(number))>
            {icon(glyph)}
            <span class="unseen">{words} ": "</span>
            {words::count(number)}
        </span>
    }
    .into_any()
}

/// A repository as a row with name, description and numbers. `what` replaces the description.
pub(crate) fn row(repository: &Repository, what: Option<AnyView>, now: Timestamp) -> AnyView {
    let what = what.or_else(|| {
        (!repository.description.is_empty()).then(|| repository.description.clone().into_view().into_any())
    });
    view! {
        <li class="row">
            <div class="row-name">
                {name(repository)}
                {(repository.visibility != Visibility::Public).then(|| visibility(repository.visibility))}
                {repository.official.then(official)}
            </div>
            {what.map(|what| view! { <p class="row-what">{what}</p> })}
            <div class="row-side">
                {figure(Glyph::Star, text!(list.stars), repository.stars)}
                {figure(Glyph::Pull, text!(list.pulls), repository.pulls)}
                {ago(repository.pushed_at.unwrap_or(repository.updated_at), now)}
            </div>
        </li>
    }
    .into_any()
}

/// Rows of repositories.
pub(crate) fn rows(items: &[Repository], now: Timestamp) -> AnyView {
    view! { <ul class="rows">{items.iter().map(|item| row(item, None, now)).collect_view()}</ul> }.into_any()
}

/// A short row: name, one number, description.
pub(crate) fn short_row(repository: &Repository, side: AnyView) -> AnyView {
    view! {
        <li class="row">
            <div class="row-name">{name(repository)}</div>
            <div class="row-side">{side}</div>
            {(!repository.description.is_empty())
                .then(|| view! { <p class="row-what">{repository.description.clone()}</p> })}
        </li>
    }
    .into_any()
}

/// An empty state: title, reason and next step.
pub(crate) fn empty(title: &'static str, why: &'static str, next: impl IntoView + 'static) -> AnyView {
    view! {
        <div class="empty">
            {net()}
            <h2>{title}</h2>
            <p>{why}</p>
            {next.into_any()}
        </div>
    }
    .into_any()
}

/// Links to the next page of a list with cursors, and back to its start.
pub(crate) fn pager(at: &str, parameters: &[(&str, &str)], cursor: &str, next: Option<&str>) -> Option<AnyView> {
    if cursor.is_empty() && next.is_none() {
        return None;
    }
    let address = |cursor: &str| {
        let mut all = parameters.to_vec();
        all.push(("cursor", cursor));
        format!("{at}{}", place::query(&all))
    };
    let back = (!cursor.is_empty()).then(
        || view! { <a class="button button-small" href=address("")>{icon(Glyph::Left)} {text!(list.first_page)}</a> },
    );
    let on = next.map(|next| {
        view! { <a class="button button-small" rel="next" href=address(next)>{text!(list.next)} {icon(Glyph::Right)}</a> }
    });
    Some(
        view! {
            <nav class="pager" aria-label=text!(list.pages)>
                <span>{back}</span>
                <span>{on}</span>
            </nav>
        }
        .into_any(),
    )
}
