//! Tests of everything around the handlers: cookies, origins, headers, limits, health and the list of routes.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use axum::body::Body;
use http::header::{
    ACCEPT_ENCODING, ALLOW, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, COOKIE, HOST, ORIGIN, SET_COOKIE,
};
use http::{Method, Request, StatusCode};
use model::role::Visibility;
use server::http::caller::Peer;
use server::jobs::Jobs;
use server::router;

use crate::common::{PASSWORD, basic};
use crate::support::World;

const SIGN_IN: &str = "/_actions/theme/set";

fn form(origin: Option<&str>) -> Request<Body> {
    let mut request = Request::post(SIGN_IN)
        .header(HOST, "127.0.0.1:5000")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("accept", "text/html");
    if let Some(origin) = origin {
        request = request.header(ORIGIN, origin);
    }
    request.body(Body::from("theme=dark")).unwrap()
}

#[tokio::test]
async fn a_form_that_another_site_sends_is_refused() {
    let world = World::new().await;
    assert_eq!(world.send(form(Some("https://evil.example"))).await.status, StatusCode::FORBIDDEN);
    assert_ne!(world.send(form(Some("http://127.0.0.1:5000"))).await.status, StatusCode::FORBIDDEN);
    let mut marked = form(None);
    marked.headers_mut().insert("sec-fetch-site", "cross-site".parse().unwrap());
    assert_eq!(world.send(marked).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_form_larger_than_any_of_ours_is_refused() {
    let world = World::new().await;
    let request =
        Request::post(SIGN_IN).header(HOST, "127.0.0.1:5000").body(Body::from(vec![b'a'; 600 << 10])).unwrap();
    assert_eq!(world.send(request).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_page_may_load_only_what_is_ours_and_run_only_what_carries_its_nonce() {
    let world = World::new().await;
    let (first, second) = (world.get("/", "").await, world.get("/", "").await);
    assert_eq!(first.status, StatusCode::OK);
    let policy = first.header(CONTENT_SECURITY_POLICY);
    assert!(policy.contains("default-src 'none'") && policy.contains("'nonce-") && !policy.contains("unsafe-inline"));
    assert_ne!(policy, second.header(CONTENT_SECURITY_POLICY), "a nonce is used once");
    let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    let html = String::from_utf8(first.body.to_vec()).unwrap();
    let scripts = html.matches("<script").count();
    assert_eq!(html.matches(&format!("nonce=\"{nonce}\"")).count(), scripts, "{html}");
}

#[tokio::test]
async fn a_path_without_a_page_is_the_sites_own_404() {
    let world = World::new().await;
    let answer = world.get("/no/such/page", "").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.text().contains("</html>"));
    assert!(!answer.text().contains("/no/such/page"));
}

#[tokio::test]
async fn programs_are_answered_without_cookies_and_without_compression() {
    let world = World::new().await;
    for path in ["/v2/", "/token", "/.well-known/jwks.json", "/v1/_ping", "/api/v1/user", "/healthz", "/metrics"] {
        let request = Request::get(path)
            .header(HOST, "127.0.0.1:5000")
            .header(COOKIE, "portolan=AAAAAAAAAAAAAAAAAAAAAA")
            .header(ACCEPT_ENCODING, "br, gzip");
        let answer = world.send(request.body(Body::empty()).unwrap()).await;
        assert!(answer.status == StatusCode::OK || answer.status == StatusCode::UNAUTHORIZED, "{path}: {answer:?}");
        assert_eq!((answer.header(SET_COOKIE), answer.header(CONTENT_ENCODING)), ("", ""), "{path}");
    }
}

#[tokio::test]
async fn health_tells_that_the_process_lives_and_that_its_parts_answer() {
    let world = World::new().await;
    assert_eq!(&world.get("/healthz", "").await.body[..], b"alive\n");
    assert_eq!(&world.get("/readyz", "").await.body[..], b"ready\n");
    let figures = world.get("/metrics", "").await;
    assert!(figures.text().contains("portolan_requests_total"), "{figures:?}");
    let mut elsewhere = Request::get("/metrics").body(Body::empty()).unwrap();
    elsewhere.extensions_mut().insert(Peer(([192, 0, 2, 1], 40_000).into()));
    assert_eq!(world.send(elsewhere).await.status, StatusCode::NOT_FOUND);
    let proxied = Request::get("/metrics").header("x-forwarded-for", "192.0.2.1").body(Body::empty()).unwrap();
    assert_eq!(world.send(proxied).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn every_response_has_the_id_of_its_request() {
    let world = World::new().await;
    let mut ids = BTreeSet::new();
    for path in ["/v2/", "/v2/none/manifests/x", "/v2/%00", "/", "/token", "/api/v1/user"] {
        let id = world.get(path, "").await.header("x-request-id").to_owned();
        assert_eq!(id.len(), 32, "{path}");
        ids.insert(id);
    }
    assert_eq!(ids.len(), 6);
}

#[tokio::test]
async fn what_is_wrong_in_a_docker_search_is_searched_for_or_not_there() {
    let world = World::new().await;
    for query in ["q=is:nonsense", "q=stars:many", "q=%22open", "q=a&page=999999", "q=a&page=0", "q=a&n=100000", "q="] {
        let answer = world.get(&format!("/v1/search?{query}"), "").await;
        assert_eq!(
            (answer.status, answer.json()["results"].clone()),
            (StatusCode::OK, serde_json::json!([])),
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_tag_deleted_over_rest_is_gone_for_pulls_at_once() {
    let world = World::new().await;
    world.member("ada").await;
    let owner = basic("ada", PASSWORD);
    let token = world.bearer("ada", "repository:ada/app:pull,push").await;
    world.push("ada/app", "v1", &token, b"layer").await;
    assert_eq!(world.get("/v2/ada/app/manifests/v1", &token).await.status, StatusCode::OK);
    let gone = world.call(Method::DELETE, "/api/v1/repositories/ada/app/-/tags/v1", &owner, Body::empty()).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{gone:?}");
    assert_eq!(world.get("/v2/ada/app/manifests/v1", &token).await.status, StatusCode::NOT_FOUND);
}

/// Returns the number of objects in a storage folder.
fn objects(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter(|entry| entry.path().is_dir()).map(|entry| files(&entry.path())).sum()
}

/// Returns the number of files in a folder and its subfolders.
fn files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { 1 }).sum()
}

#[tokio::test]
async fn an_upload_that_went_with_its_repository_leaves_the_disk() {
    let world = World::new().await;
    let ada = world.member("ada").await;
    world.repository(&ada, "ada/app", Visibility::Private).await;
    let owner = basic("ada", PASSWORD);
    let before = objects(&world.state.config.storage_folder().unwrap());
    let upload = world.open_upload("ada/app", &owner).await;
    let kept = world.call(Method::PATCH, &upload, &owner, b"half of it".to_vec()).await;
    assert_eq!(kept.status, StatusCode::ACCEPTED, "{kept:?}");
    let gone = world.call(Method::DELETE, "/api/v1/repositories/ada/app", &owner, Body::empty()).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{gone:?}");
    assert!(objects(&world.state.config.storage_folder().unwrap()) > before);
    let jobs = Jobs::start(&world.state, &world.opened.system, &world.opened.ledger);
    for _ in 0..100 {
        if objects(&world.state.config.storage_folder().unwrap()) == before {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    jobs.stop().await;
    assert_eq!(objects(&world.state.config.storage_folder().unwrap()), before);
}

#[tokio::test]
async fn everything_wrong_below_v2_is_an_error_of_the_specification() {
    let world = World::new().await;
    for (method, path, status, code) in [
        (Method::GET, "/v2", StatusCode::NOT_FOUND, "UNSUPPORTED"),
        (Method::GET, "/v2/nothing/here", StatusCode::NOT_FOUND, "UNSUPPORTED"),
        (Method::GET, "/v2/UPPER/tags/list", StatusCode::BAD_REQUEST, "NAME_INVALID"),
        (Method::GET, "/v2/a/b/blobs/sha256:abc", StatusCode::BAD_REQUEST, "DIGEST_INVALID"),
        (Method::POST, "/v2/a/b/tags/list", StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED"),
    ] {
        let answer = world.call(method.clone(), path, "", Body::empty()).await;
        assert_eq!(
            (answer.status, answer.json()["errors"][0]["code"].as_str()),
            (status, Some(code)),
            "{method} {path}"
        );
        assert_eq!(answer.header("docker-distribution-api-version"), "registry/2.0", "{method} {path}");
    }
    let answer = world.call(Method::POST, "/v2/a/b/tags/list", "", Body::empty()).await;
    assert_eq!(answer.header(ALLOW), "GET, HEAD");
}

#[tokio::test]
async fn every_route_is_listed_once() {
    let world = World::new().await;
    let routes = router::routes(&world.state);
    assert_eq!(routes.iter().collect::<BTreeSet<_>>().len(), routes.len(), "{routes:#?}");
    for (method, path) in [("GET", "/"), ("GET", "/token"), ("POST", "/token"), ("GET", "/v1/search"), ("GET", "/v2/")]
    {
        assert!(routes.iter().any(|route| route.method == method && route.path == path), "{method} {path}");
    }
    assert!(routes.iter().any(|route| route.path.starts_with("/_actions/")), "server functions are among them");
}

#[tokio::test]
async fn built_in_files_are_kept_for_ever_under_their_hash_and_asked_for_anew_without() {
    let world = World::new().await;
    let path = world.state.assets.path("portolan.css");
    let hashed = world.get(&path, "").await;
    if hashed.status == StatusCode::NOT_FOUND {
        // Without a bundle the file is missing, and the 404 must not be cached.
        assert_eq!(hashed.header("cache-control"), "no-store");
        return;
    }
    assert!(hashed.header("cache-control").contains("immutable"));
    let plain = world.get("/static/portolan.css", "").await;
    assert_eq!((plain.status, plain.header("cache-control")), (StatusCode::OK, "no-cache"));
    assert_eq!(world.get("/static/../Cargo.toml", "").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_tunnel_to_elsewhere_is_not_opened() {
    let world = World::new().await;
    let request = Request::builder().method(Method::CONNECT).uri("elsewhere.example:443").body(Body::empty()).unwrap();
    assert_eq!(world.send(request).await.status, StatusCode::NOT_IMPLEMENTED);
}

#[tokio::test]
async fn a_script_whose_form_cannot_be_read_is_told_so_and_not_that_the_server_failed() {
    let world = World::new().await;
    for body in ["name=a&name=b", "name[]=1", "on=perhaps"] {
        let path = if body.starts_with("on") { "/_actions/stars/set" } else { "/_actions/session/signin" };
        let request = Request::post(path)
            .header(HOST, "127.0.0.1:5000")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "application/json");
        let answer = world.send(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {answer:?}");
    }
}
