//! A repository's settings: texts, visibility, collaborators, and the danger zone.

use leptos::prelude::*;
use model::account::AccountKind;
use model::repository::{MAX_DESCRIPTION, MAX_TOPICS};
use model::role::Role;

use super::visit::{Query, Visit};
use super::{done, page_request};
use crate::actions::collaborators::SET;
use crate::actions::repositories::{DELETE, RENAME, UPDATE};
use crate::components::icon::{Glyph, icon};
use crate::components::list::{empty, pager};
use crate::components::person::{ago, person};
use crate::components::repository::{Tab, head};
use crate::form::{Choice, Field, FormState, choices, confirm, select};
use crate::place::{self, Settings};
use crate::portal::PortalResult;
use crate::texts::text;
use crate::words;

/// The options for visibility, in the order of the form.
pub(crate) fn visibilities() -> [Choice; 3] {
    [
        Choice {
            value: "private",
            title: text!(visibility.private),
            help: text!(visibility.private_help),
            glyph: Glyph::Lock,
        },
        Choice {
            value: "internal",
            title: text!(visibility.internal),
            help: text!(visibility.internal_help),
            glyph: Glyph::Internal,
        },
        Choice {
            value: "public",
            title: text!(visibility.public),
            help: text!(visibility.public_help),
            glyph: Glyph::Globe,
        },
    ]
}

/// The options for comments.
fn policies() -> [Choice; 3] {
    [
        Choice {
            value: "everyone",
            title: text!(comment_policy.everyone),
            help: text!(comment_policy.everyone_help),
            glyph: Glyph::Comment,
        },
        Choice {
            value: "members",
            title: text!(comment_policy.members),
            help: text!(comment_policy.members_help),
            glyph: Glyph::Users,
        },
        Choice {
            value: "off",
            title: text!(comment_policy.off),
            help: text!(comment_policy.off_help),
            glyph: Glyph::Close,
        },
    ]
}

fn title(tab: Settings) -> &'static str {
    match tab {
        Settings::General => text!(settings.general),
        Settings::Collaborators => text!(settings.collaborators),
        Settings::Danger => text!(settings.danger),
    }
}

/// The page of a tab.
pub(crate) async fn page(visit: &Visit, tab: Settings, query: &Query) -> PortalResult<AnyView> {
    visit.require(visit.head.abilities.manage)?;
    let path = &visit.head.repository.path;
    let body = match tab {
        Settings::General => general(visit),
        Settings::Collaborators => collaborators(visit, query).await?,
        Settings::Danger => danger(visit).await?,
    };
    let links = Settings::ALL
        .into_iter()
        .map(|each| {
            view! {
                <a href=place::settings(path, each) aria-current=(each == tab).then_some("page")>
                    {title(each)}
                </a>
            }
        })
        .collect_view();
    Ok(view! {
        <div class="wide">
            {head(&visit.head, Tab::Settings, title(tab), true)}
            <div class="columns columns-left repo-body">
                <nav class="sidenav" aria-label=text!(settings.navigation)>
                    {links}
                </nav>
                <div class="narrow stack stack-loose">{body}</div>
            </div>
        </div>
    }
    .into_any())
}

fn general(visit: &Visit) -> AnyView {
    let repository = &visit.head.repository;
    let filled = FormState::from_flash(visit.flash.as_ref(), UPDATE);
    view! {
        {done(filled.notice())}
        {filled.summary()}
        <form class="form" method="post" action="/_actions/repositories/update">
            <input type="hidden" name="path" value=repository.path.to_string()/>
            {Field {
                name: "description",
                label: text!(settings.description),
                help: text!(settings.description_help, max = MAX_DESCRIPTION).into(),
                longest: Some(MAX_DESCRIPTION),
                ..Field::default()
            }
                .show(&filled, &repository.description)}
            {Field {
                name: "topics",
                label: text!(settings.topics),
                help: text!(settings.topics_help, max = MAX_TOPICS).into(),
                ..Field::default()
            }
                .show(&filled, &repository.topics.join(" "))}
            {choices("visibility", text!(visibility.label), &visibilities(), &filled, repository.visibility.as_str())}
            {choices("comments", text!(comment_policy.label), &policies(), &filled, repository.comments.as_str())}
            <div class="form-end">
                <button class="button button-primary">{text!(settings.save)}</button>
                <a class="button button-bare" href=place::within(&repository.path, "edit")>
                    {icon(Glyph::Edit)}
                    {text!(settings.edit_readme)}
                </a>
            </div>
        </form>
    }
    .into_any()
}

async fn collaborators(visit: &Visit, query: &Query) -> PortalResult<AnyView> {
    let path = &visit.head.repository.path;
    let found = visit.portal.collaborators(path, page_request(&query.cursor)).await?;
    let people = found.items;
    let now = visit.portal.now();
    let filled = FormState::from_flash(visit.flash.as_ref(), SET);
    // The forms in the rows have the same name. Errors about a listed collaborator do not belong to the form for adding
    // one.
    let of_a_row = filled
        .typed("account")
        .is_none_or(|typed| people.iter().any(|collaborator| collaborator.account.name.as_str() == typed.trim()));
    let (above, filled) = if of_a_row { (filled, FormState::default()) } else { (FormState::default(), filled) };
    let rows = people
        .iter()
        .map(|collaborator| {
            let name = collaborator.account.name.to_string();
            let robot =
                (collaborator.account.kind == AccountKind::Robot).then(|| view! { <span class="chip">{text!(settings.robot)}</span> });
            view! {
                <tr>
                    <td class="whole">{person(&name)} " " {robot}</td>
                    <td>
                        <form class="joined" method="post" action="/_actions/collaborators/set">
                            <input type="hidden" name="path" value=path.to_string()/>
                            <input type="hidden" name="account" value=name.clone()/>
                            <select class="input" name="role" aria-label=text!(settings.role_of, name = name.clone())>
                                {roles(collaborator.role)}
                            </select>
                            <button class="button button-small">{text!(settings.update)}</button>
                        </form>
                    </td>
                    <td data-label=text!(settings.since)>{ago(collaborator.since, now)}</td>
                    <td class="number act">
                        <form method="post" action="/_actions/collaborators/remove">
                            <input type="hidden" name="path" value=path.to_string()/>
                            <input type="hidden" name="account" value=name.clone()/>
                            <button class="button button-danger button-small" aria-label=text!(settings.remove_name, name = name.clone())>
                                {text!(settings.remove)}
                            </button>
                        </form>
                    </td>
                </tr>
            }
        })
        .collect_view();
    let list = if people.is_empty() {
        empty(text!(settings.no_collaborators_title), text!(settings.no_collaborators_text), ())
    } else {
        view! {
            <table class="table table-folds">
                <thead>
                    <tr>
                        <th scope="col">{text!(settings.account)}</th>
                        <th scope="col">{text!(roles.label)}</th>
                        <th scope="col">{text!(settings.since)}</th>
                        <th scope="col"><span class="unseen">{text!(settings.remove)}</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        }
        .into_any()
    };
    let among = [
        (Role::Reader, text!(roles.reader_help)),
        (Role::Writer, text!(roles.writer_help)),
        (Role::Maintainer, text!(roles.maintainer_help)),
        (Role::Owner, text!(roles.owner_help)),
    ]
    .map(|(role, words)| (role.as_str().to_owned(), words.to_owned()));
    Ok(view! {
        {done(above.notice())}
        {above.summary()}
        {list}
        {pager(&place::settings(path, Settings::Collaborators), &[], &query.cursor, found.next.as_deref())}
        <form class="form" method="post" action="/_actions/collaborators/set">
            <h2>{text!(settings.add_title)}</h2>
            {filled.summary()}
            <input type="hidden" name="path" value=path.to_string()/>
            {Field {
                name: "account",
                label: text!(settings.account),
                help: text!(settings.account_help).into(),
                required: true,
                mono: true,
                autocomplete: "off",
                ..Field::default()
            }
                .show(&filled, "")}
            {select("role", text!(roles.label), &among, &filled.value("role", "reader"))}
            <div class="form-end">
                <button class="button button-primary">{text!(settings.add)}</button>
            </div>
        </form>
    }
    .into_any())
}

fn roles(chosen: Role) -> AnyView {
    Role::ALL
        .into_iter()
        .map(|role| view! { <option value=role.as_str() selected=role == chosen>{words::role(role)}</option> })
        .collect_view()
        .into_any()
}

async fn danger(visit: &Visit) -> PortalResult<AnyView> {
    if !visit.head.abilities.own {
        return Ok(empty(text!(settings.owners_only_title), text!(settings.owners_only_text), ()));
    }
    let freed = visit.portal.freed_by_repository(&visit.head.repository.path).await?;
    let repository = &visit.head.repository;
    let path = repository.path.to_string();
    let renamed = FormState::from_flash(visit.flash.as_ref(), RENAME);
    let deleted = FormState::from_flash(visit.flash.as_ref(), DELETE);
    Ok(view! {
        {renamed.summary()}
        {deleted.summary()}
        <div class="danger-list">
            <section>
                <h2>{text!(settings.rename_title)}</h2>
                <p>{text!(settings.rename_text)}</p>
                <form class="stack" method="post" action="/_actions/repositories/rename">
                    <input type="hidden" name="path" value=path.clone()/>
                    {Field { name: "name", label: text!(settings.new_name), required: true, mono: true, ..Field::default() }
                        .show(&renamed, &repository.name)}
                    <div>
                        <button class="button">{text!(settings.rename)}</button>
                    </div>
                </form>
            </section>
            <section>
                <h2>{text!(settings.delete_title)}</h2>
                <p>{text!(settings.delete_text)}</p>
                <p>{words::freed(&freed)}</p>
                <form class="stack" method="post" action="/_actions/repositories/delete">
                    <input type="hidden" name="path" value=path.clone()/>
                    {confirm(&path, text!(settings.delete))}
                </form>
            </section>
        </div>
    }
    .into_any())
}
