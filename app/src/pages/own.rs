//! One's own settings: profile and password, personal access tokens.

use leptos::prelude::*;
use leptos_meta::Title;
use model::clock::Timestamp;
use model::token::{SECRET_PREFIX, Token};

use super::{done, load, member};
use crate::actions::profile::{PASSWORD, UPDATE};
use crate::actions::tokens::{CREATE, REVOKE};
use crate::components::command::command;
use crate::components::icon::{Glyph, icon};
use crate::components::list::empty;
use crate::components::person::ago;
use crate::form::{Field, Filled, select};
use crate::portal::{portal, site};
use crate::words;

/// A page of one's own settings.
fn frame(title: &'static str, body: AnyView) -> AnyView {
    let links = [("Profile", "/settings/profile"), ("Access tokens", "/settings/tokens")]
        .into_iter()
        .map(|(name, href)| view! { <a href=href aria-current=(name == title).then_some("page")>{name}</a> })
        .collect_view();
    view! {
        <Title text=title/>
        <div class="wide columns columns-left">
            <nav class="sidenav" aria-label="Your settings">
                {links}
            </nav>
            <div class="narrow stack stack-loose">
                <h1>{title}</h1>
                {body}
            </div>
        </div>
    }
    .into_any()
}

/// The profile's page.
pub(crate) fn profile() -> AnyView {
    load(async move {
        let portal = portal()?;
        let me = member(&portal).await?;
        let flash = portal.take_flash().await?;
        let profile = Filled::from_flash(flash.as_ref(), UPDATE);
        let password = Filled::from_flash(flash.as_ref(), PASSWORD);
        let body = view! {
            {done(profile.notice().or(password.notice()))}
            {profile.summary()}
            <form class="form" method="post" action="/_actions/profile/update">
                <dl class="facts">
                    <dt>"Name"</dt>
                    <dd class="mono">{me.account.name.to_string()}</dd>
                    <dt>"E-mail"</dt>
                    <dd>{me.email.clone()}</dd>
                </dl>
                {Field {
                    name: "display_name",
                    label: "Display name",
                    help: "Shown beside your account's name.",
                    autocomplete: "name",
                    longest: Some(100),
                    ..Field::default()
                }
                    .show(&profile, &me.account.display_name)}
                {Field {
                    name: "bio",
                    label: "About you",
                    help: "Plain text, 500 characters at most. Everyone who sees your page can read it.",
                    longest: Some(500),
                    ..Field::default()
                }
                    .show_tall(&profile, &me.account.bio)}
                <div class="form-end">
                    <button class="button button-primary">"Save profile"</button>
                </div>
            </form>
            <form class="form" id="password-form" method="post" action="/_actions/profile/password">
                <h2>"Change password"</h2>
                {password.summary()}
                <input type="hidden" name="username" value=me.account.name.to_string() autocomplete="username"/>
                {Field {
                    name: "old_password",
                    label: "Present password",
                    kind: "password",
                    autocomplete: "current-password",
                    required: true,
                    ..Field::default()
                }
                    .show(&password, "")}
                {Field {
                    name: "password",
                    label: "New password",
                    help: "8 characters at least. Longer is better than stranger.",
                    kind: "password",
                    autocomplete: "new-password",
                    required: true,
                    ..Field::default()
                }
                    .show(&password, "")}
                <div class="form-end">
                    <button class="button">"Change password"</button>
                </div>
            </form>
        };
        Ok(frame("Profile", body.into_any()))
    })
}

/// The tokens' page.
pub(crate) fn tokens() -> AnyView {
    load(async move {
        let portal = portal()?;
        let me = member(&portal).await?;
        let tokens = portal.tokens().await?;
        let now = portal.now();
        let flash = portal.take_flash().await?;
        let made = Filled::from_flash(flash.as_ref(), CREATE);
        let ended = Filled::from_flash(flash.as_ref(), REVOKE);
        let secret = made.notice().filter(|secret| secret.starts_with(SECRET_PREFIX)).map(|secret| {
            let sign_in = format!("docker login -u {} {}", me.account.name, site().registry_host);
            view! {
                <div class="notice notice-ok" role="status">
                    {icon(Glyph::Key)}
                    <b>"Copy the token now: it is shown this once."</b>
                    {command(secret.to_owned())}
                    <p>"Use it as a password, here and for every client:"</p>
                    {command(sign_in)}
                </div>
            }
        });
        let list = if tokens.is_empty() {
            empty(
                "No tokens yet",
                "A token signs in docker, podman or a script in your place, and can be allowed less than you are. Make \
                 one below.",
                (),
            )
        } else {
            table(&tokens, now)
        };
        let lasts = [("30", "30 days"), ("90", "90 days"), ("365", "A year"), ("", "For ever")]
            .map(|(days, words)| (days.to_owned(), words.to_owned()));
        let body = view! {
            {secret}
            {done(ended.notice())}
            {ended.summary()}
            {list}
            <form class="form" method="post" action="/_actions/tokens/create">
                <h2>"New token"</h2>
                {made.summary()}
                {Field {
                    name: "label",
                    label: "Label",
                    help: "What it is for, so that you know it again.",
                    required: true,
                    autocomplete: "off",
                    longest: Some(100),
                    ..Field::default()
                }
                    .show(&made, "")}
                {Field {
                    name: "scopes",
                    label: "Scopes",
                    help: "One a line, as team/*:pull,push. The actions are pull, push, delete and manage; * stands for \
                           one part of a name, ** for any. None means all that you may.",
                    mono: true,
                    ..Field::default()
                }
                    .show_tall(&made, "")}
                {select("days", "Lasts", &lasts, &made.value("days", "90"))}
                <div class="form-end">
                    <button class="button button-primary">"Create token"</button>
                </div>
            </form>
        };
        Ok(frame("Access tokens", body.into_any()))
    })
}

fn table(tokens: &[Token], now: Timestamp) -> AnyView {
    let rows = tokens
        .iter()
        .map(|token| {
            let scopes = if token.scopes.is_empty() {
                view! { <span class="soft">"all that you may"</span> }.into_any()
            } else {
                token
                    .scopes
                    .iter()
                    .map(|scope| view! { <span class="chip chip-mono">{scope.to_string()}</span> " " })
                    .collect_view()
                    .into_any()
            };
            let used = token.last_used_at.map_or_else(|| "never".into_any(), |used| ago(used, now));
            let expires = token.expires_at.map_or_else(
                || "never".into_any(),
                |expires| {
                    view! {
                        <time datetime=expires.rfc3339() title=words::exact(expires)>
                            {words::ahead(expires, now)}
                        </time>
                    }
                    .into_any()
                },
            );
            view! {
                <tr>
                    <td class="whole">
                        <b>{token.label.clone()}</b>
                        <div class="scopes">{scopes}</div>
                    </td>
                    <td data-label="Used">{used}</td>
                    <td data-label="Expires">{expires}</td>
                    <td class="number act">
                        <form method="post" action="/_actions/tokens/revoke">
                            <input type="hidden" name="id" value=token.id.to_string()/>
                            <button
                                class="button button-danger button-small"
                                aria-label=format!("Revoke {}", token.label)
                            >
                                "Revoke"
                            </button>
                        </form>
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <table class="table table-folds">
            <thead>
                <tr>
                    <th scope="col">"Token"</th>
                    <th scope="col">"Used"</th>
                    <th scope="col">"Expires"</th>
                    <th scope="col"><span class="unseen">"Revoke"</span></th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}
