//! A router that knows its own routes, so that tests can visit each of them.

use axum::Router;
use axum::handler::Handler;
use axum::routing::{get, on, post};
use http::Method;

/// One route, as (method, path) with parameters in braces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// The path as it is mounted.
    pub path: String,
    /// The method.
    pub method: String,
}

/// A router and the list of its routes.
#[derive(Default)]
pub struct Routes {
    /// The router.
    pub router: Router,
    /// What is in it.
    pub routes: Vec<Route>,
}

impl Routes {
    /// No routes.
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

    /// Adds a route for GET, and so for HEAD.
    #[must_use]
    pub fn get<H: Handler<T, ()>, T: 'static>(self, path: &str, handler: H) -> Self {
        self.mount(&Method::GET, path, handler)
    }

    /// Wraps the routes added so far.
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
