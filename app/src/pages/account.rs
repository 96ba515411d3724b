//! An account or organisation: profile, repositories and stars.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use model::account::AccountKind;
use model::repository::RepositoryFilter;

use super::{asked, done, load, page_request};
use crate::actions::repositories::DELETE;
use crate::components::icon::{Glyph, icon};
use crate::components::list::{empty, pager, rows};
use crate::components::person::ago_in_text;
use crate::components::rose::rose;
use crate::form::FormState;
use crate::place;
use crate::portal::portal;
use crate::texts::{rich, text};

/// The page.
pub(crate) fn page() -> AnyView {
    let name = use_params_map().with_untracked(|params| params.get_str("name").unwrap_or_default().to_owned());
    let starred = asked("tab") == "starred";
    let cursor = asked("cursor");
    load(async move {
        let portal = portal()?;
        let account = portal.account(&name).await?;
        let name = account.name.to_string();
        let filter = if starred {
            RepositoryFilter { starred_by: Some(name.clone()), ..RepositoryFilter::default() }
        } else {
            RepositoryFilter { namespace: Some(name.clone()), ..RepositoryFilter::default() }
        };
        let page = portal.repositories(filter, page_request(&cursor)).await?;
        let me = portal.me().await?;
        let flash = if me.is_some() { portal.take_flash().await? } else { None };
        let deleted = FormState::from_flash(flash.as_ref(), DELETE);
        let mine = me.is_some_and(|me| me.account.name == account.name);
        let here = place::account(&name);
        let list = match (page.items.is_empty(), starred) {
            (false, _) => rows(&page.items, portal.now()),
            (true, true) => empty(
                text!(account.no_starred_title),
                text!(account.no_starred_text),
                view! { <a class="button" href="/search">{text!(account.search)}</a> },
            ),
            (true, false) => empty(
                text!(account.no_repositories_title),
                text!(account.no_repositories_text),
                mine.then(
                    || view! { <a class="button" href="/new">{icon(Glyph::Plus)} {text!(account.new_repository)}</a> },
                ),
            ),
        };
        let kind = match account.kind {
            AccountKind::Person => None,
            AccountKind::Organisation => Some(text!(account.organisation)),
            AccountKind::Robot => Some(text!(account.robot)),
        };
        let (created, now) = (account.created_at, portal.now());
        let joined = rich!(account.joined, <time/> = ago_in_text(created, now));
        let shown = if account.display_name.is_empty() { name.clone() } else { account.display_name.clone() };
        Ok(view! {
            <Title text=name.clone()/>
            <div class="wide">
                <header class="profile">
                    {rose(&name, "avatar avatar-l")}
                    <div>
                        <h1>{shown}</h1>
                        <p class="line faint">
                            <span class="mono">{name.clone()}</span>
                            {kind.map(|kind| view! { <span class="chip">{kind}</span> })}
                            <span>{joined}</span>
                        </p>
                        {(!account.bio.is_empty()).then(|| view! { <p class="bio">{account.bio.clone()}</p> })}
                    </div>
                    {mine.then(|| view! { <a class="button" href="/settings/profile">{icon(Glyph::Edit)} {text!(account.edit_profile)}</a> })}
                </header>
                <nav class="tabs" aria-label=text!(account.navigation)>
                    <a href=here.clone() aria-current=(!starred).then_some("page")>
                        {icon(Glyph::Box)}
                        {text!(account.repositories)}
                    </a>
                    <a href=format!("{here}?tab=starred") aria-current=starred.then_some("page")>
                        {icon(Glyph::Star)}
                        {text!(account.starred)}
                    </a>
                </nav>
                <div class="repo-body">
                    {done(deleted.notice())}
                    {list}
                    {pager(&here, &[("tab", if starred { "starred" } else { "" })], &cursor, page.next.as_deref())}
                </div>
            </div>
        }
        .into_any())
    })
}
