//! Invitations to sign up, for administrators.

use leptos::prelude::*;
use leptos_meta::Title;
use model::account::{Invitation, Registration};
use model::clock::Timestamp;

use super::{asked, done, load, member, page_request};
use crate::actions::invitations::{CREATE, PAGE, REVOKE};
use crate::components::command::command;
use crate::components::icon::{Glyph, icon};
use crate::components::list::{empty, pager};
use crate::components::person::ago;
use crate::form::{Field, FormState, select};
use crate::portal::portal;
use crate::texts::text;
use crate::{place, words};

/// The page.
pub(crate) fn page() -> AnyView {
    let cursor = asked("cursor");
    load(async move {
        let portal = portal()?;
        member(&portal).await?;
        let found = portal.invitations(page_request(&cursor)).await?;
        let registration = portal.registration().await?;
        let now = portal.now();
        let flash = portal.take_flash().await?;
        let made = FormState::from_flash(flash.as_ref(), CREATE);
        let revoked = FormState::from_flash(flash.as_ref(), REVOKE);
        let link = made.notice().map(|link| {
            view! {
                <div class="notice notice-ok" role="status">
                    {icon(Glyph::Key)}
                    <b>{text!(invitations.created_title)}</b>
                    {command(link.to_owned())}
                </div>
            }
        });
        let list = if found.items.is_empty() {
            empty(text!(invitations.empty_title), text!(invitations.empty_text), ())
        } else {
            table(&found.items, now)
        };
        let form = if registration == Registration::Closed { closed() } else { form(&made) };
        Ok(view! {
            <Title text=text!(invitations.title)/>
            <div class="wide">
                <div class="narrow stack stack-loose">
                    <h1>{text!(invitations.title)}</h1>
                    {link}
                    {done(revoked.notice())}
                    {revoked.summary()}
                    {list}
                    {pager(PAGE, &[], &cursor, found.next.as_deref())}
                    {form}
                </div>
            </div>
        }
        .into_any())
    })
}

fn closed() -> AnyView {
    view! {
        <div class="notice">
            {icon(Glyph::Lock)}
            <p>{text!(invitations.closed)}</p>
        </div>
    }
    .into_any()
}

fn form(made: &FormState) -> AnyView {
    let lasts = [1_u64, 7, 30, 90].map(|days| (days.to_string(), text!(tokens.days, count = days)));
    view! {
        <form class="form" method="post" action="/_actions/invitations/create">
            <h2>{text!(invitations.new_title)}</h2>
            {made.summary()}
            {Field {
                name: "email",
                label: text!(invitations.email),
                help: text!(invitations.email_help).into(),
                kind: "email",
                autocomplete: "off",
                ..Field::default()
            }
                .show(made, "")}
            {select("days", text!(invitations.expires), &lasts, &made.value("days", "7"))}
            <div class="form-end">
                <button class="button button-primary">{text!(invitations.submit)}</button>
            </div>
        </form>
    }
    .into_any()
}

fn table(invitations: &[Invitation], now: Timestamp) -> AnyView {
    let rows = invitations.iter().map(|invitation| row(invitation, now)).collect_view();
    view! {
        <table class="table table-folds">
            <thead>
                <tr>
                    <th scope="col">{text!(invitations.invited)}</th>
                    <th scope="col">{text!(invitations.created)}</th>
                    <th scope="col">{text!(invitations.expires)}</th>
                    <th scope="col"><span class="unseen">{text!(invitations.revoke)}</span></th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

fn row(invitation: &Invitation, now: Timestamp) -> AnyView {
    let invited = invitation.email.clone().unwrap_or_else(|| text!(invitations.anyone).to_owned());
    let creator = match &invitation.created_by {
        Some(name) => view! { <a href=place::account(name.as_str())>{name.to_string()}</a> }.into_any(),
        None => text!(invitations.command_line).into_any(),
    };
    let expires = invitation.expires_at;
    let revoke = text!(invitations.revoke_name, name = invited.as_str());
    view! {
        <tr>
            <td class="whole"><b>{invited}</b></td>
            <td data-label=text!(invitations.created)>{creator} " · " {ago(invitation.created_at, now)}</td>
            <td data-label=text!(invitations.expires)>
                <time datetime=expires.rfc3339() title=words::exact(expires)>{words::ahead(expires, now)}</time>
            </td>
            <td class="number act">
                <form method="post" action="/_actions/invitations/revoke">
                    <input type="hidden" name="id" value=invitation.id.clone()/>
                    <button class="button button-danger button-small" aria-label=revoke>
                        {text!(invitations.revoke)}
                    </button>
                </form>
            </td>
        </tr>
    }
    .into_any()
}
