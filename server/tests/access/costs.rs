//! Limits the number of database statements of each page.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use http::header::{ACCEPT, COOKIE, HOST};

use crate::world::Snapshot;

/// The maximum number of statements of each page, including those for the session and its account.
const PAGES: [(&str, u64); 11] = [
    ("/", 4),
    ("/search?q=owner", 4),
    ("/u/owner", 4),
    ("/u/owner?tab=stars", 4),
    ("/new", 4),
    ("/settings/profile", 4),
    ("/settings/tokens", 4),
    ("/r/owner/publicly", 4),
    ("/r/owner/publicly/-/tags", 4),
    ("/r/owner/publicly/-/comments", 4),
    ("/r/owner/publicly/-/settings", 4),
];

#[tokio::test]
async fn no_page_sends_more_statements_than_it_may() {
    let snapshot = Snapshot::make().await;
    let world = snapshot.open().await;
    for name in ["owner", "anonymous"] {
        let actor = snapshot.actors.iter().find(|actor| actor.name == name).unwrap();
        for (page, most) in PAGES {
            // Wait until everything that is cached for a second has expired.
            tokio::time::sleep(Duration::from_millis(1_050)).await;
            let request = Request::get(page).header(HOST, "127.0.0.1:5000").header(ACCEPT, "text/html");
            let request = request.header(COOKIE, &actor.cookie).body(Body::empty()).unwrap();
            let before = world.state.store.statements();
            let answer = world.send(request).await;
            let statements = world.state.store.statements() - before;
            assert!(statements <= most, "{name} {page}: {statements} statements, {}", answer.status);
        }
    }
}
