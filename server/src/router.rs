//! The router: all routes, their layers, and the list of routes for tests.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::Path;
use axum::middleware::from_fn;
use axum::response::IntoResponse;
use axum::{BoxError, Router};
use http::header::RETRY_AFTER;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Either;
use leptos::server_fn::axum::server_fn_paths;
use model::fault::Fault;
use registry::RequestBody;
use store::sessions::Sessions;
use time::Duration;
use tower::{Service, ServiceExt};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::timeout::TimeoutLayer;
use tower_sessions::cookie::SameSite;
use tower_sessions::{Expiry, SessionManagerLayer};

use crate::health::Readiness;
use crate::http::caller::Peer;
use crate::http::{caller, headers, limit, trace};
use crate::limits::{LimitedAction, LimitedCaller};
use crate::metrics::Metrics;
use crate::routes::{Route, Routes};
use crate::state::State;
use crate::v2::gateway::Gateway;
use crate::v2::standalone::Standalone;
use crate::v2::{self, index, token};
use crate::web::{page, viewer};
use crate::{api, assets, health};

/// The time limit until a response of axum's router begins.
const PATIENCE: std::time::Duration = std::time::Duration::from_mins(1);

/// The whole server as a service.
#[derive(Clone)]
pub struct Hub {
    gateway: Gateway,
    router: Router,
}

impl Hub {
    /// Creates the server of a hub.
    pub fn new(state: &State) -> Self {
        Self { gateway: Gateway::Hub(state.clone()), router: mounted(state).router }
    }

    /// Creates the server of a registry without accounts. `router` serves everything that is not below `/v2`.
    pub const fn standalone(standalone: Standalone, router: Router) -> Self {
        Self { gateway: Gateway::Standalone(standalone), router }
    }

    /// Returns the request metrics.
    pub fn metrics(&self) -> &Metrics {
        self.gateway.metrics()
    }

    /// Counts a request of its caller; fails if it is one too many.
    fn limited<B>(&self, request: &Request<B>, peer: Option<Peer>) -> Result<(), Fault> {
        let Gateway::Hub(state) = &self.gateway else { return Ok(()) };
        if !state.limits.limits_requests() {
            return Ok(());
        }
        let address = caller::address(&state.config, peer, request.headers());
        state.limits.check(LimitedAction::Request, LimitedCaller::at(address))
    }

    /// Answers one request. Requests below `/v2` go to the gateway without passing any layer.
    pub async fn answer<B>(&self, mut request: Request<B>, peer: Option<Peer>) -> Response<Either<registry::Body, Body>>
    where
        B: RequestBody<Error: Into<BoxError>> + 'static,
    {
        // CONNECT has a host instead of a path, and this server is not a proxy.
        if request.uri().path_and_query().is_none() {
            let mut response = Response::new(Either::Right(Body::empty()));
            *response.status_mut() = StatusCode::NOT_IMPLEMENTED;
            return response;
        }
        let path = request.uri().path();
        let is_engine = path.strip_prefix("/v2").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if let Err(fault) = self.limited(&request, peer) {
            let seconds = u64::from(fault.retry_after.unwrap_or(1));
            if is_engine {
                return registry::Error::TooManyRequests(seconds).into_response(request.method()).map(Either::Left);
            }
            let text = format!("Too many requests. Try again in {seconds} s.\n");
            let response = (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, seconds.to_string())], text);
            return response.into_response().map(Either::Right);
        }
        if is_engine {
            return self.gateway.respond(request, peer).await.map(Either::Left);
        }
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        match self.router.clone().oneshot(request.map(Body::new)).await {
            Ok(response) => response.map(Either::Right),
            Err(never) => match never {},
        }
    }
}

impl Service<Request<Body>> for Hub {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let hub = self.clone();
        let peer = request.extensions().get::<Peer>().copied();
        Box::pin(async move { Ok(hub.answer(request, peer).await.map(Body::new)) })
    }
}

/// Returns all routes of the hub in order, for the tests of the access matrix.
pub fn routes(state: &State) -> Vec<Route> {
    let mut routes = mounted(state).routes;
    let others = api::routes().into_iter().chain(v2::ROUTES.iter().map(|(method, path)| (*method, (*path).to_owned())));
    routes.extend(others.map(|(method, path)| Route { path, method: method.to_owned() }));
    routes.sort();
    routes
}

/// Returns axum's router with its routes.
///
/// The layers from the outside in: request id and log, panics, security headers, timeout; for pages and files
/// compression; for pages the origin check, the size limit of forms, the session, and the viewer's portal. Tokens, REST
/// and the engine have no session, so cookies have no effect there.
fn mounted(state: &State) -> Routes {
    let https = state.config.https();
    let metrics = state.metrics.clone();
    bare(state).merge(browsed(state)).layer(|router| {
        router
            .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, PATIENCE))
            .layer(from_fn(move |request, next| headers::secure(https, request, next)))
            .layer(CatchPanicLayer::custom(trace::broken))
            .layer(from_fn(move |request, next| trace::observe(metrics.clone(), request, next)))
    })
}

/// Returns the routes for programs, without cookies and compression.
fn bare(state: &State) -> Routes {
    let (issuing, granting, keys) = (state.clone(), state.clone(), state.clone());
    let searching = state.clone();
    let readiness = Readiness::new(state.store.clone(), Arc::clone(&state.storage));
    let mounted = Routes::new()
        .get("/healthz", health::alive)
        .get("/readyz", move || async move { readiness.respond().await })
        .get("/token", move |request| token::issue(issuing.clone(), request))
        .mount(&Method::POST, "/token", move |request| token::grant(granting.clone(), request))
        .get("/.well-known/jwks.json", move || token::keys(keys.clone()))
        .get("/v1/_ping", || async { index::ping() })
        .get("/v1/search", move |request| index::search(searching.clone(), request))
        .layer(|router| router.merge(api::router(state.clone())));
    if state.config.metrics_listen.is_some() {
        return mounted;
    }
    let measured = state.clone();
    // Without an address of its own, only for this machine: traffic is nobody else's business.
    mounted.get("/metrics", move |request: axum::extract::Request| async move {
        let peer = request.extensions().get::<Peer>().copied();
        let address = caller::address(&measured.config, peer, request.headers());
        if address.is_some_and(|address| address.is_loopback()) {
            measured.metrics.render().into_response()
        } else {
            StatusCode::NOT_FOUND.into_response()
        }
    })
}

/// Returns the routes for browsers: pages, actions, built-in files, and pictures of other hosts.
fn browsed(state: &State) -> Routes {
    let files = state.assets.clone();
    let built_in = Routes::new().get("/static/{*file}", move |request: axum::extract::Request| async move {
        let file = request.uri().path().strip_prefix(assets::PREFIX).unwrap_or_default();
        files.respond(file, request.headers())
    });
    let shown = state.clone();
    let pictures = Routes::new()
        .get("/-/pictures/{hash}/{url}", move |Path((hash, url)): Path<(String, String)>| async move {
            shown.pictures.respond(&hash, &url).await
        });
    let mut pages = Routes::new();
    for listing in leptos_axum::generate_route_list(app::App) {
        pages = pages.get(listing.path(), page::render);
    }
    for (path, method) in server_fn_paths() {
        pages = pages.mount(&method, path, page::act);
    }
    let admitted = state.clone();
    let pages = pages.layer(|router| {
        router
            .fallback(page::missing)
            .layer(from_fn(move |request, next| viewer::admit(admitted.clone(), request, next)))
            .layer(sessions(state))
            .layer(from_fn(limit::bound))
            .layer(same_origin(state))
    });
    built_in.merge(pictures).merge(pages).layer(|router| router.layer(CompressionLayer::new()))
}

/// Creates the session layer. Scripts cannot read its cookie, and browsers do not send it with forms of other sites.
fn sessions(state: &State) -> SessionManagerLayer<Sessions> {
    let https = state.config.https();
    let life = Duration::try_from(state.config.session).unwrap_or(Duration::WEEK);
    SessionManagerLayer::new(Sessions::new(state.store.clone()))
        .with_name(if https { "__Host-portolan" } else { "portolan" })
        .with_secure(https)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_expiry(Expiry::OnInactivity(life))
}

/// Creates the layer that rejects cross-site requests.
fn same_origin(state: &State) -> CsrfLayer {
    let layer = CsrfLayer::new();
    if !state.config.public_url_set {
        return layer;
    }
    // This cannot fail: the public URL was validated and has neither path nor query.
    layer.add_trusted_origin(&state.config.public_url).unwrap_or_default()
}
