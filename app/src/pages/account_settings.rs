//! Settings of one's own account: profile, password, personal access tokens.

use leptos::prelude::*;
use leptos_meta::Title;
use model::clock::Timestamp;
use model::language::Language;
use model::token::{SECRET_PREFIX, Token};

use super::session::new_password;
use super::{done, load, member};
use crate::actions::profile::{PASSWORD, UPDATE};
use crate::actions::tokens::{CREATE, REVOKE};
use crate::components::command::command;
use crate::components::icon::{Glyph, icon};
use crate::components::list::empty;
use crate::components::person::ago;
use crate::form::{Field, FormState, select};
use crate::portal::{portal, site};
use crate::texts::text;
use crate::words;

/// The maximum length of a bio, in characters.
const BIO: usize = 500;

/// The layout of these settings.
fn frame(title: &'static str, body: AnyView) -> AnyView {
    let links = [(text!(profile.title), "/settings/profile"), (text!(tokens.title), "/settings/tokens")]
        .into_iter()
        .map(|(name, href)| view! { <a href=href aria-current=(name == title).then_some("page")>{name}</a> })
        .collect_view();
    view! {
        <Title text=title/>
        <div class="wide columns columns-left">
            <nav class="sidenav" aria-label=text!(profile.navigation)>
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

/// The languages to choose from; the first option follows the browser.
fn languages() -> Vec<(String, String)> {
    let named = Language::ALL.map(|language| (language.to_string(), language.name().to_owned()));
    std::iter::once((String::new(), text!(profile.language_auto).to_owned())).chain(named).collect()
}

/// The profile page.
pub(crate) fn profile() -> AnyView {
    load(async move {
        let portal = portal()?;
        let me = member(&portal).await?;
        let flash = portal.take_flash().await?;
        let profile = FormState::from_flash(flash.as_ref(), UPDATE);
        let password = FormState::from_flash(flash.as_ref(), PASSWORD);
        let language = me.language.map_or("", Language::as_str);
        let body = view! {
            {done(profile.notice().or(password.notice()))}
            {profile.summary()}
            <form class="form" method="post" action="/_actions/profile/update">
                <dl class="facts">
                    <dt>{text!(profile.username)}</dt>
                    <dd class="mono">{me.account.name.to_string()}</dd>
                    <dt>{text!(profile.email)}</dt>
                    <dd>
                        {me.email.clone()}
                        {(!me.email_confirmed)
                            .then(|| view! { <p class="soft">{text!(profile.email_unconfirmed)}</p> })}
                    </dd>
                </dl>
                {Field {
                    name: "display_name",
                    label: text!(profile.display_name),
                    help: text!(profile.display_name_help).into(),
                    autocomplete: "name",
                    longest: Some(100),
                    ..Field::default()
                }
                    .show(&profile, &me.account.display_name)}
                {Field {
                    name: "bio",
                    label: text!(profile.bio),
                    help: text!(profile.bio_help, max = BIO).into(),
                    longest: Some(BIO),
                    ..Field::default()
                }
                    .show_tall(&profile, &me.account.bio)}
                {select("language", text!(profile.language), &languages(), &profile.value("language", language))}
                <div class="form-end">
                    <button class="button button-primary">{text!(profile.save)}</button>
                </div>
            </form>
            <form class="form" id="password-form" method="post" action="/_actions/profile/password">
                <h2>{text!(profile.password_title)}</h2>
                {password.summary()}
                <input type="hidden" name="username" value=me.account.name.to_string() autocomplete="username"/>
                {Field {
                    name: "old_password",
                    label: text!(profile.current_password),
                    kind: "password",
                    autocomplete: "current-password",
                    required: true,
                    ..Field::default()
                }
                    .show(&password, "")}
                {Field { label: text!(profile.new_password), ..new_password() }.show(&password, "")}
                <div class="form-end">
                    <button class="button">{text!(profile.change_password)}</button>
                </div>
            </form>
        };
        Ok(frame(text!(profile.title), body.into_any()))
    })
}

/// The tokens page.
pub(crate) fn tokens() -> AnyView {
    load(async move {
        let portal = portal()?;
        let me = member(&portal).await?;
        let tokens = portal.tokens().await?;
        let now = portal.now();
        let flash = portal.take_flash().await?;
        let made = FormState::from_flash(flash.as_ref(), CREATE);
        let ended = FormState::from_flash(flash.as_ref(), REVOKE);
        let secret = made.notice().filter(|secret| secret.starts_with(SECRET_PREFIX)).map(|secret| {
            let sign_in = format!("docker login -u {} {}", me.account.name, site().registry_host);
            view! {
                <div class="notice notice-ok" role="status">
                    {icon(Glyph::Key)}
                    <b>{text!(tokens.created_title)}</b>
                    {command(secret.to_owned())}
                    <p>{text!(tokens.created_text)}</p>
                    {command(sign_in)}
                </div>
            }
        });
        let list = if tokens.is_empty() {
            empty(text!(tokens.empty_title), text!(tokens.empty_text), ())
        } else {
            table(&tokens, now)
        };
        let lasts = [
            ("30", text!(tokens.days, count = 30_u64)),
            ("90", text!(tokens.days, count = 90_u64)),
            ("365", text!(tokens.one_year).to_owned()),
            ("", text!(tokens.never_expires).to_owned()),
        ]
        .map(|(days, words)| (days.to_owned(), words));
        let body = view! {
            {secret}
            {done(ended.notice())}
            {ended.summary()}
            {list}
            <form class="form" method="post" action="/_actions/tokens/create">
                <h2>{text!(tokens.new_title)}</h2>
                {made.summary()}
                {Field {
                    name: "label",
                    label: text!(tokens.name),
                    help: text!(tokens.name_help).into(),
                    required: true,
                    autocomplete: "off",
                    longest: Some(100),
                    ..Field::default()
                }
                    .show(&made, "")}
                {Field {
                    name: "scopes",
                    label: text!(tokens.scopes),
                    help: text!(tokens.scopes_help).into(),
                    mono: true,
                    ..Field::default()
                }
                    .show_tall(&made, "")}
                {select("days", text!(tokens.expires), &lasts, &made.value("days", "90"))}
                <div class="form-end">
                    <button class="button button-primary">{text!(tokens.submit)}</button>
                </div>
            </form>
        };
        Ok(frame(text!(tokens.title), body.into_any()))
    })
}

fn table(tokens: &[Token], now: Timestamp) -> AnyView {
    let rows = tokens
        .iter()
        .map(|token| {
            let scopes = if token.scopes.is_empty() {
                view! { <span class="soft">{text!(tokens.all_permissions)}</span> }.into_any()
            } else {
                token
                    .scopes
                    .iter()
                    .map(|scope| view! { <span class="chip chip-mono">{scope.to_string()}</span> " " })
                    .collect_view()
                    .into_any()
            };
            let used = token.last_used_at.map_or_else(|| text!(format.never).into_any(), |used| ago(used, now));
            let expires = token.expires_at.map_or_else(
                || text!(tokens.never_expires).into_any(),
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
                    <td data-label=text!(tokens.last_used)>{used}</td>
                    <td data-label=text!(tokens.expires)>{expires}</td>
                    <td class="number act">
                        <form method="post" action="/_actions/tokens/revoke">
                            <input type="hidden" name="id" value=token.id.to_string()/>
                            <button
                                class="button button-danger button-small"
                                aria-label=text!(tokens.revoke_name, name = token.label.as_str())
                            >
                                {text!(tokens.revoke)}
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
                    <th scope="col">{text!(tokens.token)}</th>
                    <th scope="col">{text!(tokens.last_used)}</th>
                    <th scope="col">{text!(tokens.expires)}</th>
                    <th scope="col"><span class="unseen">{text!(tokens.revoke)}</span></th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}
