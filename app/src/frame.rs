//! The parts around every page: top bar and footer.

use leptos::prelude::*;
use model::account::Me;
use model::language::Language;

use crate::actions::invitations::PAGE as INVITATIONS;
use crate::components::icon::{Glyph, icon};
use crate::components::rose::{mark, rose};
use crate::islands::search::SearchBox;
use crate::islands::theme::ThemeSwitch;
use crate::place;
use crate::portal::{portal, site};
use crate::texts::text;

/// The top bar.
pub(crate) fn top_bar(typed: String) -> AnyView {
    let account = Suspend::new(async move {
        match portal() {
            Ok(portal) => portal.me().await.ok().flatten().map_or_else(visitor, |me| member(&me)),
            Err(_) => visitor(),
        }
    });
    view! {
        <a class="skip" href="#main">{text!(shell.skip)}</a>
        <header class="topbar">
            <div class="wide">
                <a class="brand" href="/">
                    {mark("")}
                    <span>"Portolan"</span>
                </a>
                <SearchBox
                    typed=typed
                    label=text!(shell.search).to_owned()
                    suggestions=text!(shell.suggestions).to_owned()
                />
                <nav aria-label=text!(shell.account)>{account}</nav>
            </div>
        </header>
    }
    .into_any()
}

fn visitor() -> AnyView {
    view! {
        <a class="button button-bare" href="/signin">{text!(shell.sign_in)}</a>
        <a class="button button-primary" href="/signup">{text!(shell.sign_up)}</a>
    }
    .into_any()
}

fn member(me: &Me) -> AnyView {
    let name = me.account.name.to_string();
    view! {
        <a class="button button-bare" href="/new">{icon(Glyph::Plus)} {text!(shell.create)}</a>
        <details class="menu">
            <summary class="button button-bare" aria-label=text!(shell.account_menu, name = name.clone())>
                {rose(&name, "avatar")}
                <span>{name.clone()}</span>
                {icon(Glyph::Down)}
            </summary>
            <div class="menu-body">
                <a class="menu-item" href=place::account(&name)>{icon(Glyph::User)} {text!(shell.your_profile)}</a>
                <a class="menu-item" href="/settings/profile">{icon(Glyph::Settings)} {text!(shell.settings)}</a>
                <a class="menu-item" href="/settings/tokens">{icon(Glyph::Key)} {text!(shell.access_tokens)}</a>
                {me.admin
                    .then(|| {
                        view! {
                            <a class="menu-item" href=INVITATIONS>{icon(Glyph::Users)} {text!(shell.invitations)}</a>
                        }
                    })}
                <hr/>
                <form method="post" action="/_actions/session/signout">
                    <button class="menu-item">{icon(Glyph::Leave)} {text!(shell.sign_out)}</button>
                </form>
            </div>
        </details>
    }
    .into_any()
}

/// The footer.
pub(crate) fn footer() -> AnyView {
    let theme = portal().map_or("auto", |portal| portal.theme());
    view! {
        <footer class="footer">
            <div class="wide">
                <span>"Portolan " {site().version.clone()}</span>
                <a href="/api/v1/docs">{text!(shell.api)}</a>
                <span class="push"></span>
                {languages()}
                <ThemeSwitch
                    theme=theme.to_owned()
                    label=text!(shell.theme).to_owned()
                    names=[text!(shell.theme_light), text!(shell.theme_auto), text!(shell.theme_dark)]
                        .map(str::to_owned)
                        .to_vec()
                />
            </div>
        </footer>
    }
    .into_any()
}

/// A button for each language, with the current one pressed.
fn languages() -> AnyView {
    let chosen = portal().map_or_else(|_| Language::default(), |portal| portal.language());
    let buttons = Language::ALL
        .into_iter()
        .map(|language| {
            view! {
                <button
                    class="button button-bare button-small"
                    name="language"
                    value=language.as_str()
                    lang=language.as_str()
                    aria-pressed=if language == chosen { "true" } else { "false" }
                >
                    {language.name()}
                </button>
            }
        })
        .collect_view();
    view! {
        <form class="line languages" method="post" action="/_actions/language/set" aria-label=text!(shell.language)>
            {buttons}
        </form>
    }
    .into_any()
}
