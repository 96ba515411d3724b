//! Renders every page as the server does, with a portal of fixed data.

#![expect(clippy::unwrap_used, reason = "a world that cannot be made fails its test")]

mod language;
mod sample;
mod world;

use std::collections::BTreeMap;
use std::sync::{Arc, Once};
use std::task::Poll;

use any_spawner::Executor;
use app::portal::{Flash, PortalHandle};
use futures::executor::block_on;
use futures::{FutureExt, StreamExt};
use leptos::prelude::*;
use leptos_integration_utils::{PinnedStream, build_response};
use leptos_meta::ServerMetaContext;
use leptos_router::location::RequestUrl;
use model::account::Registration;
use model::fault::Fault;
use model::reason::Reason;
use world::{Visitor, World, site};

/// A rendered page.
struct Page {
    html: String,
    status: u16,
    redirect: Option<String>,
}

fn render(world: World) -> Page {
    static SPAWNER: Once = Once::new();
    SPAWNER.call_once(|| Executor::init_futures_executor().unwrap());
    let world = Arc::new(world);
    let (meta, head) = ServerMetaContext::new();
    let path = world.path.clone();
    let portal: PortalHandle = Arc::<World>::clone(&world);
    let (owner, stream) = build_response(
        app::shell,
        move || {
            provide_context(RequestUrl::new(&path));
            provide_context(meta);
            provide_context(portal);
            provide_context(site());
        },
        |app, _, _| {
            Box::pin(async move {
                let html = app.to_html_stream_in_order().collect::<String>().await;
                let whole: PinnedStream<String> = Box::pin(futures::stream::once(async move { html }));
                whole
            })
        },
        false,
    );
    let mut html = Box::pin(async move {
        let stream = stream.await;
        head.inject_meta_context(stream).await.collect::<String>().await
    });
    // A server begins on this thread and goes on on any other, where the request's context is not at hand.
    let html = match (&mut html).now_or_never() {
        Some(html) => html,
        None => std::thread::spawn(|| block_on(html)).join().unwrap(),
    };
    owner.unset_with_forced_cleanup();
    let done = std::mem::take(&mut *world.done.lock().unwrap());
    // Optional line breaks are not part of the text.
    let html = html.replace("<wbr>", "");
    Page { html, status: done.status.unwrap_or(200), redirect: done.redirect }
}

/// Lets the page wait once, as it does for a database.
async fn later() {
    let mut waited = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn get(visitor: Visitor, path: &str) -> Page {
    render(World::new(visitor, path))
}

const PAGES: &[(Visitor, &str, &str)] = &[
    (Visitor::Nobody, "/", "Find container images"),
    (Visitor::Owner, "/", "Your repositories"),
    (Visitor::Nobody, "/search?q=tide", "23 results for “tide”"),
    (Visitor::Owner, "/search?q=tide+ns:mara&sort=stars", "ns:mara"),
    (Visitor::Nobody, "/r/harbour/tide-api", "docker pull hub.example/harbour/tide-api:2.4.1"),
    (Visitor::Owner, "/r/harbour/tide-api", "Edit README"),
    (Visitor::Owner, "/r/harbour/tide-api/-/edit", "Save README"),
    (Visitor::Nobody, "/r/harbour/tide-api/-/tags", "latest"),
    (Visitor::Owner, "/r/harbour/tide-api/-/tags/2.4.1", "Delete tag"),
    (Visitor::Nobody, "/r/harbour/tide-api/-/tags/2.4.1?platform=linux/arm64", "COPY constituents/"),
    (Visitor::Nobody, "/r/harbour/tide-api/-/tags/chart", "tide-api-2.4.1.tgz"),
    (Visitor::Nobody, "/r/harbour/tide-api/-/comments", "Sign in</a> to comment"),
    (Visitor::Owner, "/r/harbour/tide-api/-/comments?reply=1", "Post reply"),
    (Visitor::Owner, "/r/harbour/tide-api/-/comments?edit=3", "Save comment"),
    (Visitor::Owner, "/r/harbour/tide-api/-/comments?delete=3", "Delete comment"),
    (Visitor::Owner, "/r/harbour/tide-api/-/settings/general", "Save settings"),
    (Visitor::Owner, "/r/harbour/tide-api/-/settings/collaborators", "Add collaborator"),
    (Visitor::Owner, "/r/harbour/tide-api/-/settings/danger", "Delete repository"),
    (Visitor::Stranger, "/u/mara", "Mara Lindqvist"),
    (Visitor::Owner, "/u/mara?tab=starred", "Edit profile"),
    (Visitor::Nobody, "/signin", "Username or email"),
    (Visitor::Nobody, "/signup", "Create account"),
    (Visitor::Owner, "/signout", "You are signed in as"),
    (Visitor::Nobody, "/setup?token=good", "Create administrator"),
    (Visitor::Nobody, "/invites/good", "You have been invited"),
    (Visitor::Owner, "/settings/profile", "Change password"),
    (Visitor::Owner, "/settings/tokens", "Nightly build"),
    (Visitor::Owner, "/admin/invitations", "Anyone with the link"),
    (Visitor::Owner, "/new", "Create repository"),
];

#[test]
fn every_page_arrives_whole_with_what_it_is_for() {
    for (visitor, path, words) in PAGES {
        let page = get(*visitor, path);
        assert_eq!(page.status, 200, "{visitor:?} {path}");
        assert!(page.redirect.is_none(), "{visitor:?} {path} went to {:?}", page.redirect);
        assert!(page.html.contains(words), "{visitor:?} {path} does not say {words}\n{}", page.html);
        assert!(page.html.contains("· Portolan</title>") || page.html.contains("<title>Portolan</title>"), "{path}");
        keep_for_looking(&format!("{visitor:?}{path}"), &page.html);
    }
}

#[test]
fn an_artifact_is_not_shown_as_a_container_image() {
    let html = get(Visitor::Nobody, "/r/harbour/tide-api/-/tags/chart").html;
    for shown in ["Helm chart", "helm pull oci://", "oras pull hub.example/harbour/tide-api:chart", "Files"] {
        assert!(html.contains(shown), "{shown} is missing:\n{html}");
    }
    for absent in ["docker pull", "Kubernetes", "Configuration", "Platform", "No command recorded"] {
        assert!(!html.contains(absent), "{absent} is shown");
    }
}

#[test]
fn a_page_needs_no_inline_style_and_no_table_lacks_its_body() {
    for (visitor, path, _) in PAGES {
        let html = get(*visitor, path).html;
        assert!(!html.contains(" style=\""), "{visitor:?} {path}");
        assert_eq!(
            html.matches("<table class").count(),
            html.matches("<tbody>").count() - html.matches("<tr><th>").count(),
            "{path}"
        );
    }
}

#[test]
fn hidden_and_missing_repositories_give_the_same_page() {
    let sections = ["", "/-/tags", "/-/tags/1", "/-/comments", "/-/settings/general", "/-/edit", "/-/nonsense"];
    for visitor in [Visitor::Nobody, Visitor::Stranger] {
        for section in sections {
            let hidden = get(visitor, &format!("/r/mara/private-notes{section}"));
            let missing = get(visitor, &format!("/r/mara/nowhere{section}"));
            assert_eq!((hidden.status, missing.status), (404, 404), "{section}");
            assert_eq!(hidden.html, missing.html, "{section}");
            assert!(!hidden.html.contains("private-notes"), "{section}");
        }
    }
    assert_eq!(get(Visitor::Nobody, "/no/such/page").html, get(Visitor::Nobody, "/r/mara/private-notes").html);
}

#[test]
fn an_old_name_leads_to_the_same_page_under_the_new_one() {
    let led = |path: &str| get(Visitor::Nobody, path).redirect;
    assert_eq!(led("/r/harbour/old-tides").as_deref(), Some("/r/harbour/tide-api"));
    assert_eq!(led("/r/harbour/old-tides/-/tags/2.4").as_deref(), Some("/r/harbour/tide-api/-/tags/2.4"));
}

#[test]
fn a_visitor_is_led_to_sign_in_and_a_stranger_told_that_it_is_not_theirs() {
    let visitor = get(Visitor::Nobody, "/r/harbour/tide-api/-/settings/general");
    assert_eq!(visitor.redirect.as_deref(), Some("/signin?next=/r/harbour/tide-api/-/settings/general"));
    assert_eq!(get(Visitor::Nobody, "/new").redirect.as_deref(), Some("/signin?next=/new"));
    assert_eq!(get(Visitor::Stranger, "/r/harbour/tide-api/-/settings/general").status, 403);
}

#[test]
fn a_refused_form_comes_back_with_what_was_typed_and_what_was_wrong() {
    let world = World::new(Visitor::Owner, "/new");
    let fields = BTreeMap::from([("name".to_owned(), "Tide API".to_owned())]);
    let fault = Some(Fault::invalid("name", Reason::RepositoryNameSyntax));
    *world.flash.lock().unwrap() = Some(Flash { form: "repositories/create".into(), fault, notice: None, fields });
    let html = render(world).html;
    assert!(html.contains("value=\"Tide API\""));
    assert!(html.contains("href=\"#name\""));
    assert!(html.contains("aria-invalid=\"true\""));
    assert!(html.contains("id=\"name-fault\""));
    keep_for_looking("refused", &html);
}

#[test]
fn a_form_shows_nothing_of_another_forms_flash() {
    let world = World::new(Visitor::Owner, "/new");
    let fields = BTreeMap::from([("name".to_owned(), "elsewhere".to_owned())]);
    *world.flash.lock().unwrap() = Some(Flash { form: "tags/delete".into(), fault: None, notice: None, fields });
    assert!(!render(world).html.contains("elsewhere"));
}

#[test]
fn a_preview_without_script_shows_the_text_and_how_it_would_look() {
    let world = World::new(Visitor::Owner, "/r/harbour/tide-api/-/comments");
    let fields = BTreeMap::from([("body".to_owned(), "**bold**".to_owned())]);
    *world.flash.lock().unwrap() = Some(Flash { form: "comments/post".into(), fault: None, notice: None, fields });
    let html = render(world).html;
    assert!(html.contains("<p>rendered **bold**</p>"));
    assert!(html.contains(">**bold**</textarea>"));
}

#[test]
fn a_new_token_is_shown_once_with_how_to_use_it() {
    let world = World::new(Visitor::Owner, "/settings/tokens");
    let notice = Some("ptl_secret".to_owned());
    *world.flash.lock().unwrap() =
        Some(Flash { form: "tokens/create".into(), fault: None, notice, fields: BTreeMap::new() });
    let html = render(world).html;
    assert!(html.contains("ptl_secret"));
    assert!(html.contains("docker login -u mara hub.example"));
    keep_for_looking("token", &html);
}

#[test]
fn a_new_invitation_shows_its_link_once_and_none_is_offered_where_registration_is_closed() {
    let mut world = World::new(Visitor::Owner, "/admin/invitations");
    let notice = Some("https://hub.example/invites/secret".to_owned());
    *world.flash.lock().unwrap() =
        Some(Flash { form: "invitations/create".into(), fault: None, notice, fields: BTreeMap::new() });
    world.registration = Registration::Invitation;
    let html = render(world).html;
    assert!(html.contains("https://hub.example/invites/secret") && html.contains("Create invitation"));
    keep_for_looking("invitation", &html);
    let mut world = World::new(Visitor::Owner, "/admin/invitations");
    world.registration = Registration::Closed;
    let html = render(world).html;
    assert!(html.contains("nobody can be invited") && !html.contains("Create invitation"));
}

#[test]
fn an_invitation_for_an_address_fills_it_in() {
    let html = get(Visitor::Nobody, "/invites/good").html;
    assert!(html.contains(r#"value="guest@hub.example""#));
}

#[test]
fn an_empty_list_says_what_it_is_empty_of_and_the_next_step() {
    let empty = [
        (Visitor::Nobody, "/", "No public images yet"),
        (Visitor::Owner, "/", "No repositories yet"),
        (Visitor::Nobody, "/search?q=tide", "No results"),
        (Visitor::Owner, "/r/harbour/tide-api", "Nothing has been pushed yet"),
        (Visitor::Stranger, "/r/harbour/tide-api", "No README yet"),
        (Visitor::Owner, "/r/harbour/tide-api/-/tags", "No tags yet"),
        (Visitor::Owner, "/r/harbour/tide-api/-/comments", "No comments yet"),
        (Visitor::Owner, "/r/harbour/tide-api/-/settings/collaborators", "No collaborators yet"),
        (Visitor::Owner, "/settings/tokens", "No tokens yet"),
        (Visitor::Owner, "/admin/invitations", "No open invitations"),
        (Visitor::Stranger, "/u/mara", "No repositories to show"),
    ];
    for (visitor, path, words) in empty {
        let mut world = World::new(visitor, path);
        world.bare = true;
        let html = render(world).html;
        assert!(html.contains(words), "{path}");
        keep_for_looking(&format!("bare{visitor:?}{path}"), &html);
    }
}

#[test]
fn closed_and_invited_registration_say_so() {
    for (registration, words) in
        [(Registration::Closed, "Sign-up is closed"), (Registration::Invitation, "You need an invitation")]
    {
        let mut world = World::new(Visitor::Nobody, "/signup");
        world.registration = registration;
        assert!(render(world).html.contains(words));
    }
}

#[test]
fn signing_in_goes_on_to_where_one_came_from_and_never_elsewhere() {
    let mut world = World::new(Visitor::Nobody, "/signin");
    world.came_from = "/r/harbour/tide-api".into();
    assert!(render(world).html.contains("name=\"next\" value=\"/r/harbour/tide-api\""));
    let html = get(Visitor::Nobody, "/signin?next=https://evil.example").html;
    assert!(html.contains("name=\"next\" value=\"/\""));
}

#[test]
fn a_spent_link_says_so_and_leads_to_sign_in() {
    for (path, words) in
        [("/setup?token=old", "This setup link is no longer valid"), ("/invites/old", "This invitation is not valid")]
    {
        let page = get(Visitor::Nobody, path);
        assert_eq!(page.status, 403, "{path}");
        assert!(page.html.contains(words), "{path}");
        // One link in the top bar and one on the page.
        assert_eq!(page.html.matches(">Sign in</a>").count(), 2, "{path}");
        assert!(!page.html.contains("name=\"password\""), "{path}");
    }
}

#[test]
fn who_turns_from_sign_up_to_sign_in_still_goes_on() {
    for registration in [Registration::Open, Registration::Closed] {
        let mut world = World::new(Visitor::Nobody, "/signup?next=/r/harbour/tide-api");
        world.registration = registration;
        assert!(render(world).html.contains("href=\"/signin?next=/r/harbour/tide-api\""));
    }
}

#[test]
fn who_may_push_to_an_empty_repository_is_told_how() {
    let mut world = World::new(Visitor::Owner, "/r/harbour/tide-api");
    world.bare = true;
    let html = render(world).html;
    for words in ["docker login hub.example", "docker push hub.example/harbour/tide-api:latest", "Write a README"] {
        assert!(html.contains(words), "{words}");
    }
    let mut world = World::new(Visitor::Stranger, "/r/harbour/tide-api");
    world.bare = true;
    assert!(!render(world).html.contains("docker push"));
}

#[test]
fn a_refused_change_of_a_role_leaves_the_form_for_new_people_alone() {
    let refused = |account: &str| {
        let world = World::new(Visitor::Owner, "/r/harbour/tide-api/-/settings/collaborators");
        let fields = BTreeMap::from([("account".to_owned(), account.to_owned())]);
        let fault = Some(Fault::forbidden());
        *world.flash.lock().unwrap() = Some(Flash { form: "collaborators/set".into(), fault, notice: None, fields });
        render(world).html
    };
    let (of_a_row, of_the_form) = (refused("tomas"), refused("somebody-else"));
    assert!(of_a_row.find("role=\"alert\"").unwrap() < of_a_row.find("<table").unwrap());
    assert!(!of_a_row.contains("id=\"account\" name=\"account\" type=\"text\" value=\"tomas\""));
    assert!(of_the_form.find("role=\"alert\"").unwrap() > of_the_form.find("</table>").unwrap());
    assert!(of_the_form.contains("value=\"somebody-else\""));
}

#[test]
fn what_was_deleted_is_said_once_on_the_page_that_follows() {
    for (form, path) in [("repositories/delete", "/u/mara"), ("tags/delete", "/r/harbour/tide-api/-/tags")] {
        let world = World::new(Visitor::Owner, path);
        let notice = Some("It is gone.".to_owned());
        *world.flash.lock().unwrap() = Some(Flash { form: form.into(), fault: None, notice, fields: BTreeMap::new() });
        assert!(render(world).html.contains("It is gone."), "{path}");
        assert!(!get(Visitor::Owner, path).html.contains("It is gone."), "{path}");
    }
}

/// Writes the page into the folder named by `PORTOLAN_PAGES`, if set, so that it can be looked at.
fn keep_for_looking(name: &str, html: &str) {
    if let Some(folder) = std::env::var_os("PORTOLAN_PAGES") {
        let name: String =
            name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect();
        std::fs::write(std::path::Path::new(&folder).join(format!("{name}.html")), html).unwrap();
    }
}
