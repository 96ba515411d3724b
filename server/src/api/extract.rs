//! Extractors whose errors are problems: the parameters of a path, of a query, and a JSON body.

use std::num::NonZeroU32;

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use model::fault::Fault;
use model::oci::RepositoryName;
use model::page::{MAX_LIMIT, PageRequest};
use model::reason::Reason;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::IntoParams;

use super::problem::Problem;

/// The longest body: the longest README with every byte escaped as `\u00xx`, and some.
const MAX_BODY: usize = 512 * 1024;

/// The parameters of a path. A value that cannot be one names nothing that exists.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub(super) struct Path<T>(pub(super) T);

impl From<PathRejection> for Problem {
    fn from(_: PathRejection) -> Self {
        Self::not_found()
    }
}

/// What a query's parameters are told to be when one cannot be read.
pub(super) trait Parameters: DeserializeOwned {
    /// What is wrong with a value that the parameter `name` does not take; `None` where any text will do.
    fn reason(name: &str) -> Option<Reason>;
}

/// The parameters of a query: an empty one counts as absent, the last of several counts, unknown ones are ignored.
pub(super) struct Query<T>(pub(super) T);

impl<T: Parameters, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
            pairs.retain(|(other, _)| *other != name);
            if !value.is_empty() {
                pairs.push((name.into_owned(), value.into_owned()));
            }
        }
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let parameters = serde_urlencoded::Deserializer::new(url::form_urlencoded::parse(query.as_bytes()));
        serde_path_to_error::deserialize(parameters).map(Self).map_err(|error| {
            let name = error.path().to_string();
            match T::reason(&name) {
                Some(reason) => Fault::invalid(&name, reason).into(),
                None => Problem::shape(error.path(), &error.inner().to_string()),
            }
        })
    }
}

/// A JSON object, sent or received.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let bytes = read(request).await?;
        let mut deserializer = serde_json::Deserializer::from_slice(&bytes);
        let object = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let reason = error.inner().to_string();
            if error.inner().is_data() { Problem::shape(error.path(), &reason) } else { Problem::malformed(&reason) }
        })?;
        deserializer.end().map_err(|error| Problem::malformed(&error.to_string()))?;
        Ok(Self(object))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// The whole body of a request that says it is JSON.
async fn read(request: Request) -> Result<Bytes, Problem> {
    // A browser sends other types across sites without asking first.
    if !is_json(request.headers()) {
        return Err(Problem::media_type());
    }
    match Limited::new(request.into_body(), MAX_BODY).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::too_large(MAX_BODY)),
        Err(_) => Err(Problem::malformed("the connection ended before it did")),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || kind.ends_with("+json")
}

/// The repository that a path is about.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct RepositoryPath {
    /// `namespace/name`, slashes as they are.
    #[param(value_type = String, allow_reserved)]
    #[serde(deserialize_with = "within_hub")]
    pub(super) path: RepositoryName,
}

/// Reads a repository's path; a one-word name is in the hub's own namespace.
pub(super) fn within_hub<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RepositoryName, D::Error> {
    RepositoryName::deserialize(deserializer).map(RepositoryName::within_hub)
}

/// Which page of a list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// Items per page, 30 by default; more than 100 are 100.
    #[param(value_type = Option<u32>, minimum = 1)]
    limit: Option<NonZeroU32>,
    /// The `next` of the previous page; absent for the first.
    cursor: Option<String>,
}

impl Parameters for PageQuery {
    fn reason(name: &str) -> Option<Reason> {
        (name == "limit").then_some(Reason::LimitSyntax { max: MAX_LIMIT })
    }
}

/// The reason for a `sort` that is none of `words`.
pub(super) fn sort_reason<const N: usize>(name: &str, words: [&str; N]) -> Option<Reason> {
    (name == "sort").then(|| Reason::UnknownValue { allowed: words.join(", ") })
}

impl From<PageQuery> for PageRequest {
    fn from(query: PageQuery) -> Self {
        Self { limit: query.limit.map(NonZeroU32::get), cursor: query.cursor }
    }
}
