//! A repository's settings: text and visibility, people, and what cannot be undone.

use leptos::prelude::*;
use model::account::AccountKind;
use model::repository::MAX_DESCRIPTION;
use model::role::Role;

use super::done;
use super::repository::Visit;
use crate::actions::collaborators::SET;
use crate::actions::repositories::{DELETE, RENAME, UPDATE};
use crate::components::icon::{Glyph, icon};
use crate::components::list::empty;
use crate::components::person::{ago, person};
use crate::components::repository::{Tab, head};
use crate::form::{Choice, Field, Filled, choices, select};
use crate::islands::confirm::ConfirmName;
use crate::place::{self, Settings};
use crate::portal::Answered;

/// Who may see a repository, in the order in which a form offers it.
pub(crate) const VISIBILITY: &[Choice] = &[
    Choice {
        value: "private",
        title: "Private",
        help: "Only its collaborators. To everyone else it does not exist.",
        glyph: Glyph::Lock,
    },
    Choice {
        value: "internal",
        title: "Internal",
        help: "Everyone who is signed in can see and pull it.",
        glyph: Glyph::Internal,
    },
    Choice {
        value: "public",
        title: "Public",
        help: "Everyone can see and pull it, also without an account.",
        glyph: Glyph::Globe,
    },
];

const COMMENTS: &[Choice] = &[
    Choice {
        value: "everyone",
        title: "Everyone",
        help: "Anyone signed in who can see the repository.",
        glyph: Glyph::Comment,
    },
    Choice {
        value: "members",
        title: "Members",
        help: "Only people with a role on the repository.",
        glyph: Glyph::Users,
    },
    Choice { value: "off", title: "Off", help: "Nobody. What was written stays.", glyph: Glyph::Close },
];

/// The page of one tab.
pub(crate) async fn page(visit: &Visit, tab: Settings) -> Answered<AnyView> {
    visit.require(visit.head.abilities.manage)?;
    let path = &visit.head.repository.path;
    let body = match tab {
        Settings::General => general(visit),
        Settings::Collaborators => collaborators(visit).await?,
        Settings::Danger => danger(visit),
    };
    let links = Settings::ALL
        .into_iter()
        .map(|each| {
            view! {
                <a href=place::settings(path, each) aria-current=(each == tab).then_some("page")>
                    {each.title()}
                </a>
            }
        })
        .collect_view();
    Ok(view! {
        <div class="wide">
            {head(&visit.head, Tab::Settings, tab.title(), true)}
            <div class="columns columns-left repo-body">
                <nav class="sidenav" aria-label="Settings">
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
    let filled = Filled::from_flash(visit.flash.as_ref(), UPDATE);
    view! {
        {done(filled.notice())}
        {filled.summary()}
        <form class="form" method="post" action="/_actions/repositories/update">
            <input type="hidden" name="path" value=repository.path.to_string()/>
            {Field {
                name: "description",
                label: "Description",
                help: "One line, shown in lists and found by search. 200 characters at most.",
                longest: Some(MAX_DESCRIPTION),
                ..Field::default()
            }
                .show(&filled, &repository.description)}
            {Field {
                name: "topics",
                label: "Topics",
                help: "Words to find it by, separated by spaces: letters, digits and dashes. 20 at most.",
                ..Field::default()
            }
                .show(&filled, &repository.topics.join(" "))}
            {choices("visibility", "Visibility", VISIBILITY, &filled, repository.visibility.as_str())}
            {choices("comments", "Comments", COMMENTS, &filled, repository.comments.as_str())}
            <div class="form-end">
                <button class="button button-primary">"Save settings"</button>
                <a class="button button-bare" href=place::within(&repository.path, "edit")>
                    {icon(Glyph::Edit)}
                    "Edit README"
                </a>
            </div>
        </form>
    }
    .into_any()
}

async fn collaborators(visit: &Visit) -> Answered<AnyView> {
    let path = &visit.head.repository.path;
    let people = visit.portal.collaborators(path).await?;
    let now = visit.portal.now();
    let filled = Filled::from_flash(visit.flash.as_ref(), SET);
    // The rows' forms bear the same name. What is said of somebody in the list, or of nobody, is no matter of the form below it.
    let of_a_row = filled
        .typed("account")
        .is_none_or(|typed| people.iter().any(|collaborator| collaborator.account.name.as_str() == typed.trim()));
    let (above, filled) = if of_a_row { (filled, Filled::default()) } else { (Filled::default(), filled) };
    let rows = people
        .iter()
        .map(|collaborator| {
            let name = collaborator.account.name.to_string();
            let robot =
                (collaborator.account.kind == AccountKind::Robot).then(|| view! { <span class="chip">"robot"</span> });
            view! {
                <tr>
                    <td class="whole">{person(&name)} " " {robot}</td>
                    <td>
                        <form class="joined" method="post" action="/_actions/collaborators/set">
                            <input type="hidden" name="path" value=path.to_string()/>
                            <input type="hidden" name="account" value=name.clone()/>
                            <select class="input" name="role" aria-label=format!("Role of {name}")>
                                {roles(collaborator.role)}
                            </select>
                            <button class="button button-small">"Set"</button>
                        </form>
                    </td>
                    <td data-label="since">{ago(collaborator.since, now)}</td>
                    <td class="number act">
                        <form method="post" action="/_actions/collaborators/remove">
                            <input type="hidden" name="path" value=path.to_string()/>
                            <input type="hidden" name="account" value=name.clone()/>
                            <button class="button button-danger button-small" aria-label=format!("Remove {name}")>
                                "Remove"
                            </button>
                        </form>
                    </td>
                </tr>
            }
        })
        .collect_view();
    let list = if people.is_empty() {
        empty(
            "No collaborators yet",
            "The owner of the namespace needs no entry here. Add people below; a change holds at once.",
            (),
        )
    } else {
        view! {
            <table class="table table-folds">
                <thead>
                    <tr>
                        <th scope="col">"Who"</th>
                        <th scope="col">"Role"</th>
                        <th scope="col">"Since"</th>
                        <th scope="col"><span class="unseen">"Remove"</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        }
        .into_any()
    };
    let among = [
        (Role::Reader, "Reader: sees and pulls"),
        (Role::Writer, "Writer: pushes, too"),
        (Role::Maintainer, "Maintainer: deletes tags and manages people and text, too"),
        (Role::Owner, "Owner: renames and deletes the repository, too"),
    ]
    .map(|(role, words)| (role.as_str().to_owned(), words.to_owned()));
    Ok(view! {
        {done(above.notice())}
        {above.summary()}
        {list}
        <form class="form" method="post" action="/_actions/collaborators/set">
            <h2>"Add somebody"</h2>
            {filled.summary()}
            <input type="hidden" name="path" value=path.to_string()/>
            {Field {
                name: "account",
                label: "Account",
                help: "The name of an account on this site.",
                required: true,
                mono: true,
                autocomplete: "off",
                ..Field::default()
            }
                .show(&filled, "")}
            {select("role", "Role", &among, &filled.value("role", "reader"))}
            <div class="form-end">
                <button class="button button-primary">"Add collaborator"</button>
            </div>
        </form>
    }
    .into_any())
}

fn roles(chosen: Role) -> AnyView {
    Role::ALL
        .into_iter()
        .map(|role| view! { <option value=role.as_str() selected=role == chosen>{role.as_str()}</option> })
        .collect_view()
        .into_any()
}

fn danger(visit: &Visit) -> AnyView {
    if !visit.head.abilities.own {
        return empty("For owners only", "Renaming and deleting are left to this repository's owners.", ());
    }
    let repository = &visit.head.repository;
    let path = repository.path.to_string();
    let renamed = Filled::from_flash(visit.flash.as_ref(), RENAME);
    let deleted = Filled::from_flash(visit.flash.as_ref(), DELETE);
    view! {
        {renamed.summary()}
        {deleted.summary()}
        <div class="danger-list">
            <section>
                <h2>"Rename"</h2>
                <p>"Stars, comments and counts go along. The old name leads here and stays reserved."</p>
                <form class="stack" method="post" action="/_actions/repositories/rename">
                    <input type="hidden" name="path" value=path.clone()/>
                    {Field { name: "name", label: "New name", required: true, mono: true, ..Field::default() }
                        .show(&renamed, &repository.name)}
                    <div>
                        <button class="button">"Rename repository"</button>
                    </div>
                </form>
            </section>
            <section>
                <h2>"Delete"</h2>
                <p>"All its tags, images, comments and stars go with it. This cannot be undone."</p>
                <form class="stack" method="post" action="/_actions/repositories/delete">
                    <input type="hidden" name="path" value=path.clone()/>
                    <ConfirmName expected=path act="Delete repository".to_owned() field="confirm".to_owned()/>
                </form>
            </section>
        </div>
    }
    .into_any()
}
