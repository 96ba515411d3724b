//! The head of a repository's pages: name, visibility, star and tabs.

use leptos::prelude::*;
use leptos_meta::Title;
use model::repository::RepositoryHead;

use super::copy::copy;
use super::icon::{Glyph, icon};
use super::list::{official, visibility};
use crate::islands::star::{StarButton, StarTexts};
use crate::place::{self, Settings};
use crate::portal::site;
use crate::texts::text;
use crate::words;

/// The tab of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tab {
    Overview,
    Tags,
    Comments,
    Settings,
}

/// The head, with the current tab and the page's title. Visitors who are not signed in have to sign in to star.
pub(crate) fn head(head: &RepositoryHead, open: Tab, title: &str, signed_in: bool) -> AnyView {
    let repository = &head.repository;
    let path = &repository.path;
    let tabs = [
        (Tab::Overview, Glyph::Book, text!(repository.overview), place::repository(path), None),
        (Tab::Tags, Glyph::Tag, text!(repository.tags), place::within(path, "tags"), Some(repository.tags)),
        (
            Tab::Comments,
            Glyph::Comment,
            text!(repository.comments),
            place::within(path, "comments"),
            Some(head.comment_count),
        ),
    ];
    let settings = head.abilities.manage.then(|| {
        (Tab::Settings, Glyph::Settings, text!(repository.settings), place::settings(path, Settings::General), None)
    });
    let tabs = tabs
        .into_iter()
        .chain(settings)
        .map(|(tab, glyph, name, href, count)| {
            view! {
                <a href=href aria-current=(tab == open).then_some("page")>
                    {icon(glyph)}
                    {name}
                    {count.map(|count| view! { <span class="count">{words::count(count)}</span> })}
                </a>
            }
        })
        .collect_view();
    let title = if title.is_empty() { path.to_string() } else { format!("{title} · {path}") };
    view! {
        <Title text=title/>
        <header class="repo-head">
            <h1>
                <a href=place::account(repository.namespace.as_str())>{repository.namespace.to_string()}</a>
                <span class="slash">"/"</span>
                <b>{repository.name.clone()}</b>
                {copy(format!("{}/{path}", site().registry_host), text!(copy.name))}
                {visibility(repository.visibility)}
                {repository.official.then(official)}
            </h1>
            <div class="line">{star(head, signed_in)}</div>
        </header>
        <nav class="tabs" aria-label=text!(repository.navigation)>
            {tabs}
        </nav>
    }
    .into_any()
}

fn star(head: &RepositoryHead, signed_in: bool) -> AnyView {
    let repository = &head.repository;
    if signed_in {
        return view! {
            <StarButton
                path=repository.path.to_string()
                starred=repository.starred
                stars=words::stars(repository.stars)
                texts=StarTexts {
                    star: text!(repository.star).to_owned(),
                    starred: text!(repository.starred).to_owned(),
                }
            />
        }
        .into_any();
    }
    let stars = words::stars(repository.stars);
    view! {
        <div class="star">
            <a class="button" href=place::sign_in(&place::repository(&repository.path))>
                {icon(Glyph::Star)}
                {text!(repository.star)}
            </a>
            <span class="star-count">
                <span>{stars.number}</span>
                <span class="unseen">" " {stars.unit}</span>
            </span>
        </div>
    }
    .into_any()
}
