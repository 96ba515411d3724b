//! OpenStack Swift: signing in, renewing the token, and deleting large objects with their segments. OpenDAL takes a token
//! as it is, and deletes the list of a large object but not its parts.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use model::clock::{Clock, Timestamp};
use opendal::{Operator, services};
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use thiserror::Error;
use tokio::time::Instant;

/// The life of a token if the service does not state it.
const LIFE: Duration = Duration::from_hours(1);
/// The time limit for a request to sign in or to delete.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Why Swift cannot be used.
#[derive(Debug, Error)]
pub enum SwiftError {
    /// An option is missing.
    #[error("the storage option {0} is missing")]
    Missing(&'static str),
    /// A request failed.
    #[error("the request to Swift failed")]
    Request(#[source] reqwest::Error),
    /// The service refused a request.
    #[error("Swift answered {0}")]
    Refused(StatusCode),
    /// The service's answer lacks what is needed.
    #[error("Swift's answer has no {0}")]
    Answer(&'static str),
    /// OpenDAL refused the options.
    #[error("the storage options are not valid")]
    Options(#[source] opendal::Error),
}

/// How to sign in.
enum Credentials {
    /// The options contain a token, which is never renewed.
    Token,
    /// Swift's own authentication, version 1.
    User { url: String, user: String, key: String },
    /// Keystone, version 3, with a password.
    Keystone { url: String, body: Value, region: Option<String> },
}

/// A container, with a session that is renewed.
pub(super) struct Swift {
    client: reqwest::Client,
    options: BTreeMap<String, String>,
    credentials: Credentials,
    /// Changes the operator of each session.
    layers: fn(Operator) -> Operator,
    session: Mutex<Option<Session>>,
    renewal: tokio::sync::Mutex<()>,
}

/// What signing in has given.
#[derive(Clone)]
struct Session {
    operator: Operator,
    container_url: String,
    token: String,
    renew_at: Instant,
}

impl Swift {
    /// Reads the options: `endpoint` and `token`, or `auth_url` with `auth_user` and `auth_key`, or `auth_url` with
    /// `username`, `password`, `project_name` and the names of their domains. Sends no request.
    pub(super) fn new(
        client: reqwest::Client,
        options: BTreeMap<String, String>,
        layers: fn(Operator) -> Operator,
    ) -> Result<Self, SwiftError> {
        let option = |name: &str| options.get(name).cloned();
        let credentials = match (option("auth_url"), option("auth_user"), option("username")) {
            (None, ..) => {
                option("endpoint").ok_or(SwiftError::Missing("auth_url"))?;
                option("token").ok_or(SwiftError::Missing("token"))?;
                Credentials::Token
            }
            (Some(url), Some(user), _) => {
                Credentials::User { url, user, key: option("auth_key").ok_or(SwiftError::Missing("auth_key"))? }
            }
            (Some(url), None, Some(username)) => {
                let domain = |name| json!({ "name": option(name).unwrap_or_else(|| "Default".to_owned()) });
                let password = option("password").ok_or(SwiftError::Missing("password"))?;
                let project = option("project_name").ok_or(SwiftError::Missing("project_name"))?;
                let user = json!({ "name": username, "password": password, "domain": domain("user_domain_name") });
                let body = json!({ "auth": {
                    "identity": { "methods": ["password"], "password": { "user": user } },
                    "scope": { "project": { "name": project, "domain": domain("project_domain_name") } },
                } });
                Credentials::Keystone { url, body, region: option("region") }
            }
            (Some(_), None, None) => return Err(SwiftError::Missing("auth_user")),
        };
        Ok(Self {
            client,
            options,
            credentials,
            layers,
            session: Mutex::default(),
            renewal: tokio::sync::Mutex::default(),
        })
    }

    /// Returns an operator whose token is valid for some time.
    pub(super) async fn operator(&self) -> Result<Operator, SwiftError> {
        self.session().await.map(|session| session.operator)
    }

    /// Returns an operator for the whole container.
    #[cfg(test)]
    pub(super) async fn at_root(&self) -> Operator {
        let session = self.session().await.unwrap();
        let (endpoint, container) = session.container_url.rsplit_once('/').unwrap();
        let options = [("endpoint", endpoint), ("container", container), ("token", &*session.token)];
        Operator::from_iter::<services::Swift>(options.map(|(name, value)| (name.to_owned(), value.to_owned())))
            .unwrap()
    }

    /// Signs in again before the next call, because the token was refused.
    pub(super) fn sign_in_again(&self) {
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    async fn session(&self) -> Result<Session, SwiftError> {
        let current = || {
            let session = self.session.lock().unwrap_or_else(PoisonError::into_inner).clone();
            session.filter(|session| session.renew_at > Instant::now())
        };
        if let Some(session) = current() {
            return Ok(session);
        }
        // One request for all that wait.
        let _renewal = self.renewal.lock().await;
        if let Some(session) = current() {
            return Ok(session);
        }
        let session = self.sign_in().await?;
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = Some(session.clone());
        Ok(session)
    }

    async fn sign_in(&self) -> Result<Session, SwiftError> {
        let option = |name: &str| self.options.get(name).cloned().unwrap_or_default();
        let (endpoint, token, life) = match &self.credentials {
            Credentials::Token => (option("endpoint"), option("token"), Duration::from_hours(24 * 365)),
            Credentials::User { url, user, key } => {
                let request = self.client.get(url).header("x-auth-user", user).header("x-auth-key", key);
                let answer = send(request).await?;
                let headers = answer.headers();
                let life = text(headers, "x-auth-token-expires").and_then(|seconds| seconds.parse().ok());
                let endpoint = self.options.get("endpoint").cloned().or_else(|| text(headers, "x-storage-url"));
                (
                    endpoint.ok_or(SwiftError::Answer("x-storage-url"))?,
                    text(headers, "x-auth-token").ok_or(SwiftError::Answer("x-auth-token"))?,
                    life.map_or(LIFE, Duration::from_secs),
                )
            }
            Credentials::Keystone { url, body, region } => {
                let request = self.client.post(format!("{}/auth/tokens", url.trim_end_matches('/')));
                let answer = send(request.header("content-type", "application/json").body(body.to_string())).await?;
                let token = text(answer.headers(), "x-subject-token").ok_or(SwiftError::Answer("x-subject-token"))?;
                let body = answer.bytes().await.map_err(SwiftError::Request)?;
                let body: Value = serde_json::from_slice(&body).map_err(|_| SwiftError::Answer("JSON"))?;
                let endpoint = self.options.get("endpoint").cloned().or_else(|| endpoint(&body, region.as_deref()));
                let expires_at = body.pointer("/token/expires_at").and_then(Value::as_str);
                let expires_at = expires_at.and_then(Timestamp::parse_rfc3339);
                let life = expires_at.map(|at| Clock::system().now().until(at));
                (endpoint.ok_or(SwiftError::Answer("endpoint of an object store"))?, token, life.unwrap_or(LIFE))
            }
        };
        let container_url = format!("{}/{}", endpoint.trim_end_matches('/'), option("container"));
        let mut options = BTreeMap::new();
        for name in ["container", "root", "temp_url_key", "temp_url_hash_algorithm"] {
            options.extend(self.options.get(name).map(|value| (name.to_owned(), value.clone())));
        }
        options.extend([("endpoint".to_owned(), endpoint), ("token".to_owned(), token.clone())]);
        let operator = Operator::from_iter::<services::Swift>(options).map_err(SwiftError::Options)?;
        // Early enough that a long write ends with the token that it began with.
        let renew_at = Instant::now() + life / 2;
        Ok(Session { operator: (self.layers)(operator), container_url, token, renew_at })
    }

    /// Deletes an object, and its segments if it is large.
    pub(super) async fn delete(&self, key: &str) -> Result<(), SwiftError> {
        let outcome = self.try_delete(key).await;
        if let Err(SwiftError::Refused(StatusCode::UNAUTHORIZED)) = &outcome {
            self.sign_in_again();
        }
        outcome
    }

    async fn try_delete(&self, key: &str) -> Result<(), SwiftError> {
        let Session { container_url, token, .. } = self.session().await?;
        let root = self.options.get("root").map_or("", |root| root.trim_matches('/'));
        let path = if root.is_empty() { key.to_owned() } else { format!("{root}/{key}") };
        let url = format!("{container_url}/{path}");
        let ask = |method, url: &str| self.client.request(method, url).header("x-auth-token", &token);
        let found = match send(ask(Method::HEAD, &url)).await {
            Err(SwiftError::Refused(StatusCode::NOT_FOUND)) => return Ok(()),
            outcome => outcome?,
        };
        let is_large =
            text(found.headers(), "x-static-large-object").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if !is_large {
            return match send(ask(Method::DELETE, &url)).await {
                Ok(_) | Err(SwiftError::Refused(StatusCode::NOT_FOUND)) => Ok(()),
                Err(error) => Err(error),
            };
        }
        let request = ask(Method::DELETE, &format!("{url}?multipart-manifest=delete"));
        let answer = send(request.header("accept", "application/json")).await?;
        let body = answer.bytes().await.map_err(SwiftError::Request)?;
        let body: Value = serde_json::from_slice(&body).map_err(|_| SwiftError::Answer("JSON"))?;
        // The status is 200 whatever happens.
        let status = body.get("Response Status").and_then(Value::as_str).unwrap_or_default();
        if status.starts_with("200") || status.starts_with("404") {
            return Ok(());
        }
        let code = status.split(' ').next().and_then(|code| code.parse().ok());
        Err(SwiftError::Refused(code.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)))
    }
}

async fn send(request: RequestBuilder) -> Result<Response, SwiftError> {
    let answer = request.timeout(TIMEOUT).send().await.map_err(SwiftError::Request)?;
    if answer.status().is_success() { Ok(answer) } else { Err(SwiftError::Refused(answer.status())) }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// Returns the public endpoint of the object store in a Keystone catalog.
fn endpoint(answer: &Value, region: Option<&str>) -> Option<String> {
    let services = answer.pointer("/token/catalog")?.as_array()?.iter();
    let mut stores = services.filter(|service| service.get("type").and_then(Value::as_str) == Some("object-store"));
    let endpoints = stores.find_map(|service| service.get("endpoints")?.as_array())?;
    let field = |endpoint: &Value, name: &str| endpoint.get(name).and_then(Value::as_str).map(str::to_owned);
    let wanted = endpoints.iter().find(|endpoint| {
        field(endpoint, "interface").as_deref() == Some("public")
            && region.is_none_or(|region| field(endpoint, "region").as_deref() == Some(region))
    });
    wanted.and_then(|endpoint| field(endpoint, "url"))
}

#[cfg(test)]
mod tests {
    use super::super::connect::install_transport;
    use super::*;

    #[test]
    fn the_public_endpoint_of_the_region_is_chosen() {
        let endpoint_of =
            |interface: &str, region: &str, url: &str| json!({ "interface": interface, "region": region, "url": url });
        let answer = json!({ "token": { "catalog": [
            { "type": "compute", "endpoints": [endpoint_of("public", "north", "https://compute")] },
            { "type": "object-store", "endpoints": [
                endpoint_of("internal", "north", "https://internal"),
                endpoint_of("public", "north", "https://north"),
                endpoint_of("public", "south", "https://south"),
            ] },
        ] } });
        assert_eq!(endpoint(&answer, Some("south")).as_deref(), Some("https://south"));
        assert_eq!(endpoint(&answer, None).as_deref(), Some("https://north"));
        assert_eq!(endpoint(&answer, Some("west")), None);
        assert_eq!(endpoint(&json!({}), None), None);
    }

    #[test]
    fn what_is_missing_is_named() {
        let open = |options: &[(&str, &str)]| {
            let options = options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            Swift::new(install_transport().unwrap(), options, |operator| operator).err().map(|error| error.to_string())
        };
        assert_eq!(open(&[]).unwrap(), "the storage option auth_url is missing");
        assert_eq!(open(&[("auth_url", "x"), ("auth_user", "x")]).unwrap(), "the storage option auth_key is missing");
        assert_eq!(open(&[("auth_url", "x"), ("username", "x")]).unwrap(), "the storage option password is missing");
        assert_eq!(open(&[("endpoint", "x"), ("token", "x")]), None);
    }
}
