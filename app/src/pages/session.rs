//! Sign-in, sign-up, sign-out, invitations, and the setup of the first administrator.

use leptos::children::ChildrenFn;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use model::account::{MIN_PASSWORD, Registration};
use model::fault::{Fault, FaultCode};

use super::{asked, load};
use crate::actions::session::{SET_UP, SIGN_IN, SIGN_UP};
use crate::components::icon::{Glyph, icon};
use crate::components::rose::mark;
use crate::form::{Field, FormState};
use crate::place;
use crate::portal::{PortalHandle, PortalResult, portal};
use crate::reason::sentence;
use crate::texts::{rich, text};

fn frame(title: &'static str, body: AnyView) -> AnyView {
    view! {
        <Title text=title/>
        <div class="wide">
            <div class="door">
                {mark("rose")}
                <h1>{title}</h1>
                {body}
            </div>
        </div>
    }
    .into_any()
}

/// The page to continue with: from the URL or the rejected form, otherwise the previous page.
fn next(portal: &PortalHandle, filled: &FormState, asked: &str) -> String {
    let asked = if asked.is_empty() { portal.came_from() } else { asked.to_owned() };
    place::next_or_home(&filled.value("next", &asked))
}

fn name() -> Field {
    Field {
        name: "name",
        label: text!(sign_up.username),
        help: text!(sign_up.username_help).into(),
        autocomplete: "username",
        required: true,
        mono: true,
        longest: Some(39),
        ..Field::default()
    }
}

fn email() -> Field {
    Field {
        name: "email",
        label: text!(sign_up.email),
        kind: "email",
        autocomplete: "email",
        required: true,
        ..Field::default()
    }
}

pub(super) fn new_password() -> Field {
    Field {
        name: "password",
        label: text!(sign_up.password),
        help: text!(sign_up.password_help, min = MIN_PASSWORD).into(),
        kind: "password",
        autocomplete: "new-password",
        required: true,
        ..Field::default()
    }
}

/// The sign-in page.
pub(crate) fn sign_in() -> AnyView {
    let asked = asked("next");
    load(async move {
        let portal = portal()?;
        let flash = portal.take_flash().await?;
        let filled = FormState::from_flash(flash.as_ref(), SIGN_IN);
        let next = next(&portal, &filled, &asked);
        // Actions that require signing in show their message here: their own form is on another page.
        let asked_to =
            flash.as_ref().filter(|flash| flash.form != SIGN_IN).and_then(|flash| flash.fault.as_ref()).map(|fault| {
                view! {
                    <div class="notice" role="status">
                        {icon(Glyph::Info)}
                        <p>{sentence(&fault.reason)}</p>
                    </div>
                }
            });
        let registration = portal.registration().await?;
        let sign_up = (registration != Registration::Closed).then(|| {
            let href = format!("/signup{}", place::query(&[("next", &next)]));
            let link = move |words: ChildrenFn| view! { <a href=href.clone()>{words()}</a> };
            view! { <p>{rich!(sign_in.no_account, <link> = link)}</p> }
        });
        let body = view! {
            {asked_to}
            {filled.summary()}
            <form class="form" method="post" action="/_actions/session/signin">
                <input type="hidden" name="next" value=next.clone()/>
                {Field {
                    name: "name",
                    label: text!(sign_in.name_or_email),
                    autocomplete: "username",
                    required: true,
                    mono: true,
                    ..Field::default()
                }
                    .show(&filled, "")}
                {Field {
                    name: "password",
                    label: text!(sign_in.password),
                    kind: "password",
                    autocomplete: "current-password",
                    required: true,
                    ..Field::default()
                }
                    .show(&filled, "")}
                <button class="button button-primary button-wide">{text!(sign_in.submit)}</button>
            </form>
            {sign_up}
        };
        Ok(frame(text!(sign_in.title), body.into_any()))
    })
}

/// The sign-up form. `invitation` is the secret of an invitation and `address` the address that it is for, or empty.
fn sign_up_form(filled: &FormState, invitation: String, address: &str, next: String) -> AnyView {
    let on = next.clone();
    view! {
        {filled.summary()}
        <form class="form" method="post" action="/_actions/session/signup">
            <input type="hidden" name="invitation" value=invitation/>
            <input type="hidden" name="next" value=next/>
            {name().show(filled, "")}
            {email().show(filled, address)}
            {new_password().show(filled, "")}
            <button class="button button-primary button-wide">{text!(sign_up.submit)}</button>
        </form>
        {have_account(&on)}
    }
    .into_any()
}

fn have_account(next: &str) -> AnyView {
    let href = place::sign_in(next);
    let link = move |words: ChildrenFn| view! { <a href=href.clone()>{words()}</a> };
    view! { <p>{rich!(sign_in.have_account, <link> = link)}</p> }.into_any()
}

fn shut(words: &'static str, next: &str) -> AnyView {
    view! {
        <div class="notice">
            {icon(Glyph::Lock)}
            <p>{words}</p>
        </div>
        {have_account(next)}
    }
    .into_any()
}

/// The page of a link that is invalid or expired. Other errors have their own page.
fn spent(portal: &PortalHandle, fault: Fault) -> PortalResult<AnyView> {
    if fault.code != FaultCode::Forbidden {
        return Err(fault);
    }
    portal.status(fault.code.status());
    let body = view! {
        <p>{sentence(&fault.reason)}</p>
        <a class="button button-primary button-wide" href="/signin">{text!(sign_out.sign_in)}</a>
    };
    Ok(frame(text!(sign_up.bad_link), body.into_any()))
}

/// The sign-up page.
pub(crate) fn sign_up() -> AnyView {
    let asked = asked("next");
    load(async move {
        let portal = portal()?;
        let flash = portal.take_flash().await?;
        let filled = FormState::from_flash(flash.as_ref(), SIGN_UP);
        let next = next(&portal, &filled, &asked);
        let body = match portal.registration().await? {
            Registration::Open => sign_up_form(&filled, String::new(), "", next),
            Registration::Invitation => shut(text!(sign_up.by_invitation), &next),
            Registration::Closed => shut(text!(sign_up.closed), &next),
        };
        Ok(frame(text!(sign_up.title), body))
    })
}

/// The page of an invitation link.
pub(crate) fn invited() -> AnyView {
    let secret = use_params_map().with_untracked(|params| params.get_str("secret").unwrap_or_default().to_owned());
    load(async move {
        let portal = portal()?;
        let email = match portal.invitation(&secret).await {
            Ok(email) => email.unwrap_or_default(),
            Err(fault) => return spent(&portal, fault),
        };
        let flash = portal.take_flash().await?;
        let filled = FormState::from_flash(flash.as_ref(), SIGN_UP);
        Ok(frame(text!(sign_up.invited), sign_up_form(&filled, secret, &email, "/".to_owned())))
    })
}

/// The page of the one-time link for creating the first administrator.
pub(crate) fn set_up() -> AnyView {
    let token = asked("token");
    load(async move {
        let portal = portal()?;
        if let Err(fault) = portal.setup_open(&token).await {
            return spent(&portal, fault);
        }
        let flash = portal.take_flash().await?;
        let filled = FormState::from_flash(flash.as_ref(), SET_UP);
        let body = view! {
            <p>{text!(set_up.intro)}</p>
            {filled.summary()}
            <form class="form" method="post" action="/_actions/session/setup">
                <input type="hidden" name="token" value=token/>
                {name().show(&filled, "")}
                {email().show(&filled, "")}
                {new_password().show(&filled, "")}
                <button class="button button-primary button-wide">{text!(set_up.submit)}</button>
            </form>
        };
        Ok(frame(text!(set_up.title), body.into_any()))
    })
}

/// The sign-out page, for visitors of its URL; the menu signs out directly.
pub(crate) fn sign_out() -> AnyView {
    load(async move {
        let me = portal()?.me().await?;
        let body = match me {
            Some(me) => {
                let name = me.account.name.to_string();
                let bold = |words: ChildrenFn| view! { <b class="mono">{words()}</b> };
                view! {
                    <p>{rich!(sign_out.signed_in_as, name = name, <b> = bold)}</p>
                    <form class="form" method="post" action="/_actions/session/signout">
                        <button class="button button-primary button-wide">{text!(sign_out.submit)}</button>
                    </form>
                }
                .into_any()
            }
            None => view! {
                <p>{text!(sign_out.signed_out)}</p>
                <a class="button button-wide" href="/signin">{text!(sign_out.sign_in)}</a>
            }
            .into_any(),
        };
        Ok(frame(text!(sign_out.title), body))
    })
}
