//! A repository's main page: README, pull command and numbers.

use leptos::prelude::*;
use model::oci::{Reference, RepositoryName};
use model::repository::Overview;

use crate::components::artifact::Artifact;
use crate::components::command::{command, pull};
use crate::components::icon::{Glyph, icon};
use crate::components::list::empty;
use crate::components::person::{ago, person};
use crate::components::repository::{Tab, head};
use crate::portal::{PortalHandle, site};
use crate::texts::text;
use crate::{place, words};

/// The number of platforms shown; an index may have thousands.
const PLATFORMS: usize = 50;

/// The page.
pub(crate) fn page(portal: &PortalHandle, signed_in: bool, overview: &Overview) -> AnyView {
    let now = portal.now();
    let repository = &overview.head.repository;
    let path = &repository.path;
    let host = site().registry_host.clone();
    let latest = overview.latest.as_ref().map(|tag| {
        view! {
            <dt>{text!(overview.newest_tag)}</dt>
            <dd><a class="mono" href=place::tag(path, tag.name.as_str())>{tag.name.to_string()}</a></dd>
            <dt>{text!(overview.image_size)}</dt>
            <dd>{words::bytes(tag.size)}</dd>
        }
    });
    let platforms = (!overview.platforms.is_empty()).then(|| {
        let chips = overview
            .platforms
            .iter()
            .take(PLATFORMS)
            .map(|platform| view! { <span class="chip chip-mono">{platform.clone()}</span> " " })
            .collect_view();
        view! {
            <dt>{text!(overview.platforms)}</dt>
            <dd>
                {chips}
                {words::more(overview.platforms.len(), PLATFORMS)
                    .map(|more| view! { <span class="faint small">{more}</span> })}
            </dd>
        }
    });
    let pushed = repository.pushed_at.map(|pushed| {
        view! {
            <dt>{text!(overview.last_pushed)}</dt>
            <dd>{ago(pushed, now)}</dd>
        }
    });
    let topics = (!repository.topics.is_empty()).then(|| {
        let chips = repository
            .topics
            .iter()
            .map(|topic| {
                let href = format!("/search{}", place::query(&[("q", topic.as_str())]));
                view! { <a class="chip" href=href>{topic.clone()}</a> }
            })
            .collect_view();
        view! {
            <section class="side-block">
                <h2>{text!(overview.topics)}</h2>
                <p class="line">{chips}</p>
            </section>
        }
    });
    let pull_block = overview.latest.as_ref().map(|tag| {
        let artifact = tag.artifact_type.as_deref().and_then(Artifact::of);
        view! {
            <section class="side-block">
                <h2>{text!(overview.pull)}</h2>
                {pull(&format!("{host}/{path}"), &Reference::Tag(tag.name.clone()), artifact, None)}
            </section>
        }
    });
    let push_block = (is_unused(overview) && overview.head.abilities.push && !overview.html.is_empty()).then(|| {
        view! {
            <section class="side-block">
                <h2>{text!(overview.first_push)}</h2>
                <div class="stack stack-tight">{first_push(path, &host)}</div>
            </section>
        }
    });
    view! {
        <div class="wide">
            {head(&overview.head, Tab::Overview, "", signed_in)}
            <div class="columns repo-body">
                <article>
                    {(!repository.description.is_empty())
                        .then(|| view! { <p class="repo-what">{repository.description.clone()}</p> })}
                    {readme(overview, &host)}
                </article>
                <aside>
                    {pull_block}
                    {push_block}
                    <section class="side-block">
                        <h2>{text!(overview.about)}</h2>
                        <dl class="facts">
                            {latest}
                            {platforms}
                            {pushed}
                            <dt>{text!(overview.pulls)}</dt>
                            <dd title=words::grouped(repository.pulls)>{words::count(repository.pulls)}</dd>
                            <dt>{text!(overview.total_size)}</dt>
                            <dd>{words::bytes(repository.size)}</dd>
                            <dt>{text!(overview.created)}</dt>
                            <dd>{ago(repository.created_at, now)}</dd>
                        </dl>
                    </section>
                    {topics}
                    <section class="side-block">
                        <h2>{text!(overview.owner)}</h2>
                        {person(overview.head.owner.name.as_str())}
                    </section>
                </aside>
            </div>
        </div>
    }
    .into_any()
}

fn readme(overview: &Overview, host: &str) -> AnyView {
    let path = &overview.head.repository.path;
    let may_edit = overview.head.abilities.manage;
    let edit = |words: &'static str, class: &'static str| {
        view! { <a class=class href=place::within(path, "edit")>{icon(Glyph::Edit)} {words}</a> }
    };
    if !overview.html.is_empty() {
        return view! {
            <div class="readme">
                {may_edit.then(|| edit(text!(overview.edit_readme), "button button-bare button-small readme-edit"))}
                <div class="prose" inner_html=overview.html.clone()></div>
            </div>
        }
        .into_any();
    }
    if is_unused(overview) && overview.head.abilities.push {
        return empty(
            text!(overview.nothing_pushed_title),
            text!(overview.nothing_pushed_text),
            view! {
                {first_push(path, host)}
                {may_edit.then(|| edit(text!(overview.write_readme), "button"))}
            },
        );
    }
    let why = if may_edit {
        text!(overview.no_readme_write)
    } else if overview.latest.is_none() {
        text!(overview.no_readme_no_tags)
    } else {
        text!(overview.no_readme_tags)
    };
    empty(
        text!(overview.no_readme_title),
        why,
        may_edit.then(|| edit(text!(overview.write_readme), "button button-primary")),
    )
}

/// Whether nothing was pushed yet.
fn is_unused(overview: &Overview) -> bool {
    overview.latest.is_none() && overview.head.repository.pushed_at.is_none()
}

/// The commands from signing in to the first image.
fn first_push(path: &RepositoryName, host: &str) -> AnyView {
    view! {
        {command(format!("docker login {host}"))}
        {command(format!("docker tag app {host}/{path}:latest"))}
        {command(format!("docker push {host}/{path}:latest"))}
    }
    .into_any()
}
