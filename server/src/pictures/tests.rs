//! Tests of pictures, fetched from a server on this machine.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::Request;
use axum::response::Redirect;
use axum::routing::get;
use bytes::Bytes;
use futures::stream;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, COOKIE, USER_AGENT};
use http_body_util::BodyExt as _;
use tokio::net::TcpListener;

use super::fetch::LARGEST;
use super::*;
use crate::outbound::address::is_public;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";
const SVG: &str = "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>alert(1)</script></svg>";

/// A host of pictures on this machine.
struct Host {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
}

impl Host {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&requests);
        let router =
            pages(address).layer(axum::middleware::from_fn(move |request: Request, next: axum::middleware::Next| {
                counter.fetch_add(1, Ordering::SeqCst);
                next.run(request)
            }));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, requests }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

fn pages(address: SocketAddr) -> Router {
    let large = |size: usize| [PNG, &vec![0; size - PNG.len()]].concat();
    let endless = || async {
        let pieces = stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(PNG)));
        Body::from_stream(pieces)
    };
    let late = || async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        PNG
    };
    let stalled = || async { Body::from_stream(stream::pending::<Result<Bytes, Infallible>>()) };
    let plain = |headers: HeaderMap| async move {
        let private = headers.contains_key(COOKIE) || headers.contains_key(http::header::AUTHORIZATION);
        assert!(!private && headers.get(USER_AGENT).unwrap() == "Portolan", "{headers:?}");
        PNG
    };
    Router::new()
        .route("/a.png", get(plain))
        .route("/a.svg", get(|| async { SVG }))
        .route("/html.png", get(|| async { ([(CONTENT_TYPE, "image/png")], "<html><script>alert(1)</script>") }))
        .route("/packed.png", get(|| async { ([(CONTENT_ENCODING, "gzip")], PNG) }))
        .route("/largest.png", get(move || async move { large(LARGEST) }))
        .route("/larger.png", get(move || async move { large(LARGEST + 1) }))
        .route("/endless.png", get(endless))
        .route("/stalled.png", get(stalled))
        .route("/slow.png", get(std::future::pending::<()>))
        .route("/error.png", get(|| async { (StatusCode::INTERNAL_SERVER_ERROR, PNG) }))
        .route("/late.png", get(late))
        .route("/redirect/0", get(|| async { Redirect::temporary("/a.png") }))
        .route("/redirect/1", get(|| async { Redirect::permanent("0") }))
        .route("/redirect/2", get(move || async move { Redirect::to(&format!("http://{address}/redirect/1")) }))
        .route("/redirect/3", get(|| async { Redirect::to("/redirect/2") }))
        .route("/redirect/away", get(|| async { Redirect::to("ftp://x.example/a.png") }))
}

fn pictures(allows: fn(std::net::IpAddr) -> bool) -> Pictures {
    let links = Some(Arc::new(PictureLinks::new(&[1; 32])));
    let time_limit = Duration::from_millis(1500);
    Pictures { time_limit, ..Pictures::new(links, Outbound::new(allows)) }
}

async fn show(pictures: &Pictures, url: &str) -> Response {
    let path = pictures.links.as_ref().unwrap().path(url).unwrap();
    let (hash, encoded) = path.strip_prefix(PREFIX).unwrap().split_once('/').unwrap();
    pictures.respond(hash, encoded).await
}

fn header(response: &Response, name: impl http::header::AsHeaderName) -> &str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_picture_is_fetched_once_and_kept() {
    let (host, pictures) = (Host::start().await, pictures(|_| true));
    for _ in 0..3 {
        let response = show(&pictures, &host.url("/a.png")).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(header(&response, CONTENT_TYPE), "image/png");
        assert_eq!(header(&response, CACHE_CONTROL), "public, max-age=3600");
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), PNG);
    }
    assert_eq!(host.requests(), 1);
    let url = host.url("/late.png");
    let (first, second) = futures::join!(show(&pictures, &url), show(&pictures, &url));
    assert_eq!((first.status(), second.status()), (StatusCode::OK, StatusCode::OK));
    assert_eq!(host.requests(), 2);
}

#[tokio::test]
async fn scripts_in_a_picture_cannot_run() {
    let (host, pictures) = (Host::start().await, pictures(|_| true));
    let response = show(&pictures, &host.url("/a.svg")).await;
    assert_eq!(header(&response, CONTENT_TYPE), "image/svg+xml");
    let policy = header(&response, CONTENT_SECURITY_POLICY);
    assert!(policy.contains("default-src 'none'") && policy.ends_with("; sandbox"), "{policy}");
    assert!(!policy.contains("script") && !policy.contains("allow"), "{policy}");
}

#[tokio::test]
async fn without_the_right_hash_there_is_no_picture_and_no_request() {
    let (host, pictures) = (Host::start().await, pictures(|_| true));
    let others = PictureLinks::new(&[2; 32]).path(&host.url("/a.png")).unwrap();
    let (hash, encoded) = others.strip_prefix(PREFIX).unwrap().split_once('/').unwrap();
    assert_eq!(pictures.respond(hash, encoded).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(pictures.respond("", encoded).await.status(), StatusCode::NOT_FOUND);
    let none = Pictures::new(None, Outbound::new(|_| true));
    assert_eq!(none.respond(hash, encoded).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(host.requests(), 0);
}

#[tokio::test]
async fn what_is_not_a_picture_is_not_shown_and_the_failure_is_kept_for_a_minute() {
    let (host, pictures) = (Host::start().await, pictures(|_| true));
    for (path, status) in [
        ("/html.png", StatusCode::BAD_GATEWAY),
        ("/packed.png", StatusCode::BAD_GATEWAY),
        ("/error.png", StatusCode::BAD_GATEWAY),
        ("/redirect/away", StatusCode::BAD_GATEWAY),
        ("/none.png", StatusCode::NOT_FOUND),
    ] {
        let before = host.requests();
        for _ in 0..2 {
            let response = show(&pictures, &host.url(path)).await;
            assert_eq!(response.status(), status, "{path}");
            assert_eq!(header(&response, CACHE_CONTROL), "public, max-age=60");
        }
        assert_eq!(host.requests(), before + 1, "{path}");
    }
}

#[tokio::test]
async fn a_picture_may_have_a_size_up_to_the_limit() {
    let (host, pictures) = (Host::start().await, pictures(|_| true));
    let response = show(&pictures, &host.url("/largest.png")).await;
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes().len(), LARGEST);
    for path in ["/larger.png", "/endless.png"] {
        assert_eq!(show(&pictures, &host.url(path)).await.status(), StatusCode::BAD_GATEWAY, "{path}");
    }
}

#[tokio::test]
async fn a_slow_host_is_given_up() {
    let (host, pictures) = (Host::start().await, pictures(|_| true));
    for path in ["/slow.png", "/stalled.png"] {
        let response = tokio::time::timeout(Duration::from_secs(10), show(&pictures, &host.url(path))).await.unwrap();
        assert_eq!(response.status(), StatusCode::BAD_GATEWAY, "{path}");
    }
}

#[tokio::test]
async fn who_waits_too_long_is_told_to_come_back() {
    let (host, pictures) = (Host::start().await, pictures(|_| true));
    let all = pictures.slots.acquire_many(u32::try_from(SLOTS).unwrap()).await.unwrap();
    let response = show(&pictures, &host.url("/a.png")).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(!header(&response, RETRY_AFTER).is_empty() && header(&response, CACHE_CONTROL).is_empty());
    drop(all);
    assert_eq!(show(&pictures, &host.url("/a.png")).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn three_redirects_are_followed() {
    let (host, pictures) = (Host::start().await, pictures(|_| true));
    assert_eq!(show(&pictures, &host.url("/redirect/2")).await.status(), StatusCode::OK);
    assert_eq!(host.requests(), 4);
    assert_eq!(show(&pictures, &host.url("/redirect/3")).await.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(host.requests(), 8);
}

#[tokio::test]
async fn this_machine_is_not_reached_by_address_name_or_redirect() {
    let (host, guarded) = (Host::start().await, pictures(is_public));
    let port = host.address.port();
    for name in ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "0177.1", "[::ffff:127.0.0.1]"] {
        let response = show(&guarded, &format!("http://{name}:{port}/a.png")).await;
        assert_eq!(response.status(), StatusCode::BAD_GATEWAY, "{name}");
    }
    assert_eq!(host.requests(), 0);
    // A host that may be reached redirects to one that may not.
    let other = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let address = other.local_addr().unwrap();
    let target = host.url("/a.png");
    let router = Router::new().route("/", get(move || async move { Redirect::to(&target) }));
    tokio::spawn(async move { axum::serve(other, router).await });
    let partly = pictures(|address| address.to_string() == "127.0.0.2");
    assert_eq!(show(&partly, &format!("http://{address}/")).await.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(host.requests(), 0);
    assert_eq!(show(&pictures(|_| true), &format!("http://{address}/")).await.status(), StatusCode::OK);
}
