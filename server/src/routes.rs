//! A router that keeps a list of its routes, so that tests can visit each.

use axum::Router;
use axum::handler::Handler;
use axum::routing::{get, on, post};
use http::Method;

/// A route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// The path, with parameters in braces.
    pub path: String,
    /// The method.
    pub method: String,
}

/// A router and the list of its routes.
#[derive(Default)]
pub struct Routes {
    /// The router.
    pub router: Router,
    /// The routes in the router.
    pub routes: Vec<Route>,
}

impl Routes {
    /// Creates an empty router.
    pub fn new() -> Self {
        Self { router: Router::new(), routes: Vec::new() }
    }

    /// Adds a route.
    #[must_use]
    pub fn mount<H: Handler<T, ()>, T: 'static>(mut self, method: &Method, path: &str, handler: H) -> Self {
        self.routes.push(Route { path: path.to_owned(), method: method.to_string() });
        self.router = if *method == Method::POST {
            self.router.route(path, post(handler))
        } else if *method == Method::GET {
            self.router.route(path, get(handler))
        } else {
            match axum::routing::MethodFilter::try_from(method.clone()) {
                Ok(filter) => self.router.route(path, on(filter, handler)),
                Err(_) => self.router,
            }
        };
        self
    }

    /// Adds a route for GET and HEAD.
    #[must_use]
    pub fn get<H: Handler<T, ()>, T: 'static>(self, path: &str, handler: H) -> Self {
        self.mount(&Method::GET, path, handler)
    }

    /// Replaces the router by `wrap` of it, to add layers to the routes so far.
    #[must_use]
    pub fn layer(mut self, wrap: impl FnOnce(Router) -> Router) -> Self {
        self.router = wrap(self.router);
        self
    }

    /// Adds another router's routes.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.routes.extend(other.routes);
        self
    }
}
