//! Checks on every route that the response about a hidden repository is the same, byte for byte, as about a missing
//! one.

use axum::body::Body;
use http::Request;
use http::header::{COOKIE, HOST, SET_COOKIE};

use crate::mask::{MaskedAnswer, masked};
use crate::probes::{self, Probe, ProbeBody, ProbeSubject};
use crate::world::{Actor, MISSING, PRIVATE, Snapshot, WHISPER, World};

/// The actors who may not see the private repository.
const STRANGERS: [&str; 6] = ["anonymous", "anonymous-token", "stranger", "stranger-secret", "elsewhere", "expired"];

fn strangers(snapshot: &Snapshot) -> impl Iterator<Item = &Actor> {
    snapshot.actors.iter().filter(|actor| STRANGERS.contains(&actor.name))
}

/// Returns the response to a probe and, after a redirect for a form, the next page with its flash message.
async fn ask(
    world: &World,
    snapshot: &Snapshot,
    probe: &Probe,
    actor: &Actor,
    path: &'static str,
) -> Vec<MaskedAnswer> {
    let answer = world.send(snapshot.request(probe, actor, path)).await;
    let mut answers = vec![masked(&answer, path)];
    if matches!(probe.sent, ProbeBody::Form(_)) && answer.status.is_redirection() {
        let mut next = Request::get("/signin").header(HOST, "127.0.0.1:5000");
        let given = answer.header(SET_COOKIE).split(';').next().unwrap_or_default();
        let cookie = if given.is_empty() { &actor.cookie } else { given };
        if !cookie.is_empty() {
            next = next.header(COOKIE, cookie);
        }
        let page = world.send(next.body(Body::empty()).unwrap()).await;
        answers.push(masked(&page, path));
    }
    answers
}

#[tokio::test]
async fn a_stranger_cannot_tell_a_private_repository_from_a_missing_one() {
    let snapshot = Snapshot::make().await;
    let mut world = snapshot.open().await;
    let mut told = Vec::new();
    for probe in probes::all().concat().iter().filter(|probe| probe.about == ProbeSubject::Repository) {
        for actor in strangers(&snapshot).filter(|actor| !actor.engine_only || probe.path.starts_with("/v2")) {
            let hidden = ask(&world, &snapshot, probe, actor, PRIVATE).await;
            if probe.changes() && hidden[0].status < 300 {
                world = snapshot.open().await;
            }
            let missing = ask(&world, &snapshot, probe, actor, MISSING).await;
            if probe.changes() && missing[0].status < 300 {
                world = snapshot.open().await;
            }
            if hidden != missing {
                told.push(format!("{} by {}:\n  {hidden:?}\n  {missing:?}", probe.title(), actor.name));
            }
        }
    }
    assert!(told.is_empty(), "{} answers tell:\n{}", told.len(), told.join("\n"));
    let reader = snapshot.actors.iter().find(|actor| actor.name == "reader").unwrap();
    for probe in probes::all().concat().iter().filter(|probe| probe.names_path() && !probe.changes()) {
        let telling = ask(&world, &snapshot, probe, reader, PRIVATE).await[0].status < 300;
        let differs = ask(&world, &snapshot, probe, reader, PRIVATE).await
            != ask(&world, &snapshot, probe, reader, MISSING).await;
        assert!(differs || !telling || probe.path.starts_with("/signin"), "{} tells nobody anything", probe.title());
    }
}

#[tokio::test]
async fn a_list_never_names_what_a_stranger_may_not_see() {
    let snapshot = Snapshot::make().await;
    let world = snapshot.open().await;
    for probe in probes::all().concat().iter().filter(|probe| probe.about == ProbeSubject::List) {
        for actor in strangers(&snapshot).filter(|actor| !actor.engine_only || probe.path.starts_with("/v2")) {
            let answer = world.send(snapshot.request(probe, actor, "")).await;
            let text = format!("{:?}{}", answer.headers, answer.text());
            assert!(!text.contains(PRIVATE), "{} by {} names it: {text}", probe.title(), actor.name);
            // A page may repeat the search query.
            let said = text.contains(WHISPER) && !probe.path.contains(WHISPER);
            assert!(!said, "{} by {} tells of it: {text}", probe.title(), actor.name);
        }
    }
}

#[tokio::test]
async fn a_page_that_is_not_there_repeats_nothing_of_what_was_asked() {
    let snapshot = Snapshot::make().await;
    let world = snapshot.open().await;
    let name = PRIVATE.trim_start_matches("owner/");
    for probe in probes::all().concat().iter().filter(|probe| probe.path.starts_with("/r/")) {
        for actor in strangers(&snapshot).filter(|actor| !actor.engine_only) {
            let answer = world.send(snapshot.request(probe, actor, PRIVATE)).await;
            assert_eq!(answer.status.as_u16(), 404, "{} by {}: {answer:?}", probe.title(), actor.name);
            let text = format!("{:?}{}", answer.headers, answer.text());
            assert!(!text.contains(name), "{} by {}: {text}", probe.title(), actor.name);
        }
    }
}
