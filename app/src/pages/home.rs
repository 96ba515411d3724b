//! The home page: search and popular repositories for visitors, one's own repositories when signed in.

use leptos::children::ChildrenFn;
use leptos::prelude::*;
use leptos_meta::Title;
use model::account::Me;
use model::clock::Timestamp;
use model::page::{Page, PageRequest};
use model::repository::{Repository, RepositoryFilter, RepositorySort};

use super::{led_here, load};
use crate::components::command::command;
use crate::components::icon::{Glyph, icon};
use crate::components::list::{empty, figure, pager, rows, short_row};
use crate::components::person::ago;
use crate::components::rose::net;
use crate::pages::{asked, page_request};
use crate::place;
use crate::portal::{PortalHandle, PortalResult, portal, site};
use crate::texts::{rich, text};

/// The number of repositories in a list for visitors.
const FEW: u32 = 6;

/// The page.
pub(crate) fn page() -> AnyView {
    let cursor = asked("cursor");
    load(async move {
        let portal = portal()?;
        match portal.me().await? {
            Some(me) => own(&portal, &me, &cursor).await,
            None => public(&portal).await,
        }
    })
}

async fn few(portal: &PortalHandle, filter: RepositoryFilter) -> PortalResult<Page<Repository>> {
    portal.repositories(filter, PageRequest { limit: Some(FEW), cursor: None }).await
}

async fn public(portal: &PortalHandle) -> PortalResult<AnyView> {
    let by = |sort| RepositoryFilter { sort, ..RepositoryFilter::default() };
    let starred = few(portal, by(RepositorySort::Stars)).await?;
    let updated = few(portal, by(RepositorySort::Updated)).await?;
    let pulled = few(portal, by(RepositorySort::Pulls)).await?;
    let now = portal.now();
    let lists = if updated.items.is_empty() {
        empty(
            text!(home.no_public_title),
            text!(home.no_public_text),
            view! { <a class="button button-primary" href="/signup">{text!(home.create_account)}</a> },
        )
    } else {
        let unseen = |words: ChildrenFn| view! { <span class="unseen">{words()}</span> };
        let column =
            |title: &'static str, sort: &str, page: &Page<Repository>, side: &dyn Fn(&Repository) -> AnyView| {
                let items = page.items.iter().map(|item| short_row(item, side(item))).collect_view();
                view! {
                    <section>
                        <div class="section-head">
                            <h2>{title}</h2>
                            <a href=format!("/search{}", place::query(&[("sort", sort)]))>
                                {rich!(home.see_all, title = title, <hidden> = unseen)}
                            </a>
                        </div>
                        <ul class="rows">{items}</ul>
                    </section>
                }
            };
        view! {
            <div class="home-grid">
                {column(text!(home.most_starred), "stars", &starred, &|item| figure(Glyph::Star, text!(list.stars), item.stars))}
                {column(text!(home.recently_updated), "updated", &updated, &|item| changed(item, now))}
                {column(text!(home.most_pulled), "pulls", &pulled, &|item| figure(Glyph::Pull, text!(list.pulls), item.pulls))}
            </div>
        }
        .into_any()
    };
    let bold = |words: ChildrenFn| view! { <b>{words()}</b> };
    Ok(view! {
        <Title text=""/>
        <section class="hero">
            {net()}
            <h1>{text!(home.title)}</h1>
            <p>{rich!(home.intro, host = site().registry_host.clone(), <b> = bold)}</p>
            <form class="search search-large" role="search" aria-label=text!(home.search) action="/search">
                {icon(Glyph::Search)}
                <input
                    class="input"
                    type="search"
                    name="q"
                    placeholder=text!(home.search_placeholder)
                    aria-label=text!(home.search)
                    autocapitalize="none"
                    spellcheck="false"
                />
            </form>
        </section>
        <div class="wide">{lists}</div>
    }
    .into_any())
}

fn changed(repository: &Repository, now: Timestamp) -> AnyView {
    ago(repository.pushed_at.unwrap_or(repository.updated_at), now)
}

async fn own(portal: &PortalHandle, me: &Me, cursor: &str) -> PortalResult<AnyView> {
    let name = me.account.name.to_string();
    let mine = RepositoryFilter { mine: true, ..RepositoryFilter::default() };
    let mine = portal.repositories(mine, page_request(cursor)).await?;
    let starred =
        few(portal, RepositoryFilter { starred_by: Some(name.clone()), ..RepositoryFilter::default() }).await?;
    let newest = few(portal, RepositoryFilter::default()).await?;
    let said = led_here(portal).await?;
    let now = portal.now();
    let host = site().registry_host.clone();
    let list = if mine.items.is_empty() && cursor.is_empty() {
        empty(
            text!(home.no_own_title),
            text!(home.no_own_text),
            view! {
                {command(format!("docker login {host}"))}
                {command(format!("docker tag app {host}/{name}/app"))}
                {command(format!("docker push {host}/{name}/app"))}
                <a class="button" href="/new">{icon(Glyph::Plus)} {text!(home.new_repository)}</a>
            },
        )
    } else {
        rows(&mine.items, now)
    };
    let stars = if starred.items.is_empty() {
        view! { <p class="soft">{text!(home.no_starred)}</p> }.into_any()
    } else {
        let items = starred.items.iter().map(|item| short_row(item, changed(item, now))).collect_view();
        view! { <ul class="rows">{items}</ul> }.into_any()
    };
    let recent = newest.items.iter().map(|item| short_row(item, changed(item, now))).collect_view();
    let push = (!mine.items.is_empty()).then(|| {
        view! {
            <section class="side-block">
                <h2>{text!(home.push_title)}</h2>
                <div class="stack stack-tight">
                    {command(format!("docker tag app {host}/{name}/app"))}
                    {command(format!("docker push {host}/{name}/app"))}
                    <p class="help">{text!(home.push_help)}</p>
                </div>
            </section>
        }
    });
    Ok(view! {
        <Title text=""/>
        <div class="wide columns">
            <section>
                {said}
                <div class="section-head">
                    <h1>{text!(home.your_repositories)}</h1>
                    <a class="button button-small" href="/new">{icon(Glyph::Plus)} {text!(home.new_repository)}</a>
                </div>
                {list}
                {pager("/", &[], cursor, mine.next.as_deref())}
            </section>
            <aside>
                {push}
                <section class="side-block side-rows">
                    <h2>{text!(home.starred)}</h2>
                    {stars}
                </section>
                {(!newest.items.is_empty())
                    .then(|| {
                        view! {
                            <section class="side-block side-rows">
                                <h2>{text!(home.recently_updated)}</h2>
                                <ul class="rows">{recent}</ul>
                            </section>
                        }
                    })}
            </aside>
        </div>
    }
    .into_any())
}
