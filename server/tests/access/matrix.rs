//! Compares the responses to all probes, for all actors and visibilities, with the reviewed table in `matrix.txt`.
//! `PORTOLAN_BLESS=1` rewrites the table; review the changes like code.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use futures::StreamExt as _;
use http::StatusCode;
use http::header::LOCATION;
use serde_json::Value;
use server::router;

use crate::common::Answer;
use crate::mask::claims;
use crate::probes::{self, EXEMPT, Probe, ProbeBody, ProbeSubject};
use crate::table::{self, Cells};
use crate::world::{Actor, COLUMNS, Snapshot, World};

const HEAD: &str = "\
What everybody gets on every route. Columns are a public, an internal, a private and a missing repository of `owner`.
`reader`, `writer` and `maintainer` are its collaborators, `operator` administers the site, `expired`, `elsewhere` and
`pull-only` are tokens of `owner`: one too old, one for another repository, one that may only pull. Before the engine
everybody but `anonymous` brings a token of the token service; `*-secret` bring their personal access token itself.
";

/// The number of probes that run one after another on the same hub. It is even, so that a script's form and the same
/// form of a browser, which follows it, stay together.
const TOGETHER: usize = 6;

/// Sends probes to a copy of the hub, which is replaced after each request that changed it.
struct Runner {
    snapshot: Arc<Snapshot>,
    world: World,
    /// Forms that were refused when a script sent them, with the actor and the path. A browser's are refused as well.
    refused: BTreeSet<(&'static str, &'static str, &'static str)>,
}

impl Runner {
    async fn ask(&mut self, probe: &Probe, actor: &Actor, path: &'static str) -> Answer {
        let answer = self.world.send(self.snapshot.request(probe, actor, path)).await;
        let mut refused = answer.status.is_client_error();
        // The response to a browser's form is a redirect even if the form was refused.
        match probe.sent {
            ProbeBody::Script(form) if refused => {
                self.refused.insert((form, actor.name, path));
            }
            ProbeBody::Form(form) => refused |= self.refused.contains(&(form, actor.name, path)),
            _ => {}
        }
        if probe.changes() && !refused {
            self.world = self.snapshot.open().await;
        }
        answer
    }

    /// Returns an actor's cells, one for each column of the probe.
    async fn cells(&mut self, probe: &Probe, actor: &Actor) -> Cells {
        match probe.about {
            ProbeSubject::Nothing => vec![cell(&self.ask(probe, actor, "").await, "")],
            ProbeSubject::Repository => {
                let mut cells = Cells::new();
                for (_, path) in COLUMNS {
                    let answer = self.ask(probe, actor, path).await;
                    cells.push(cell(&answer, if probe.names_path() { "" } else { path }));
                    let (_, note) = cells.last_mut().unwrap();
                    *note = note.replace(path.trim_start_matches("owner/"), "{name}");
                }
                cells
            }
            ProbeSubject::List => {
                let answer = self.ask(probe, actor, "").await;
                COLUMNS.map(|(_, path)| cell(&answer, path)).to_vec()
            }
        }
    }

    async fn blocks(mut self, probes: Vec<Probe>) -> Vec<String> {
        let snapshot = Arc::clone(&self.snapshot);
        let mut blocks = Vec::new();
        for probe in probes {
            let mut rows = Vec::new();
            for actor in &snapshot.actors {
                if !actor.engine_only || probe.path.starts_with("/v2") {
                    rows.push((actor.name, self.cells(&probe, actor).await));
                }
            }
            blocks.push(table::block(&probe, &rows));
        }
        blocks
    }
}

/// Returns the status, and a note on what else distinguishes the response: the target of a redirect, the actions that a
/// token grants, or whether it names the repository at `path`, which the request did not.
fn cell(answer: &Answer, path: &str) -> (u16, String) {
    let note = if answer.status.is_redirection() {
        let to = answer.header(LOCATION);
        to.split_once("#comment-").map_or_else(|| to.to_owned(), |(page, _)| format!("{page}#comment-{{comment}}"))
    } else if let Some(actions) = granted(answer) {
        format!("grants {actions}")
    } else if answer.status == StatusCode::OK && !path.is_empty() && answer.text().contains(path) {
        "names it".to_owned()
    } else {
        String::new()
    };
    (answer.status.as_u16(), note)
}

/// Returns the actions that a signed token grants on its first repository; `None` if the response contains no token.
fn granted(answer: &Answer) -> Option<String> {
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    let claims = claims(body.get("access_token")?.as_str()?);
    let actions = claims["access"].get(0).map(|scope| scope["actions"].as_array().unwrap().clone()).unwrap_or_default();
    let actions: Vec<&str> = actions.iter().map(|action| action.as_str().unwrap()).collect();
    Some(if actions.is_empty() { "nothing".to_owned() } else { actions.join(",") })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everybody_gets_on_every_route_what_the_table_says() {
    let snapshot = Arc::new(Snapshot::make().await);
    let parts =
        probes::all().into_iter().flat_map(|probes| probes.chunks(TOGETHER).map(<[Probe]>::to_vec).collect::<Vec<_>>());
    let parts = futures::stream::iter(parts).map(|probes| {
        let snapshot = Arc::clone(&snapshot);
        tokio::spawn(async move {
            let world = snapshot.open().await;
            Runner { snapshot, world, refused: BTreeSet::new() }.blocks(probes).await
        })
    });
    let mut blocks = vec![HEAD.to_owned()];
    blocks.extend(parts.buffered(12).map(Result::unwrap).collect::<Vec<_>>().await.concat());
    let is = blocks.join("\n");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/access/matrix.txt");
    if std::env::var_os("PORTOLAN_BLESS").is_some() {
        std::fs::write(&file, &is).unwrap();
    }
    let was = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        was == is,
        "the answers are not those of {}; PORTOLAN_BLESS=1 writes it anew:\n{}",
        file.display(),
        table::difference(&was, &is)
    );
}

#[tokio::test]
async fn no_route_is_left_out() {
    let snapshot = Snapshot::make().await;
    let routes = router::routes(snapshot.state());
    let listed: BTreeSet<(&str, &str)> =
        routes.iter().map(|route| (route.method.as_str(), route.path.as_str())).collect();
    let probes: Vec<Probe> = probes::all().concat();
    let asked: BTreeSet<(&str, &str)> = probes.iter().map(|probe| probe.route).collect();
    let exempt = BTreeSet::from(EXEMPT);
    let unasked: Vec<_> = listed.iter().filter(|route| !asked.contains(*route) && !exempt.contains(*route)).collect();
    assert!(unasked.is_empty(), "routes that nobody asks: {unasked:#?}");
    let gone: Vec<_> = asked.iter().chain(&exempt).filter(|route| !listed.contains(*route)).collect();
    assert!(gone.is_empty(), "routes that are no more: {gone:#?}");
    assert!(exempt.is_disjoint(&asked), "what is asked needs no exemption");
}
