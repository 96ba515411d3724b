//! Extractors for path and query parameters and JSON bodies, whose errors are problems.

use std::num::NonZeroU32;

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use model::fault::Fault;
use model::oci::RepositoryName;
use model::page::{MAX_LIMIT, PageRequest};
use model::reason::Reason;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::IntoParams;

use super::problem::Problem;
use crate::http::limit::{self, UnreadBody};

/// The largest body, in bytes: the longest README with every byte escaped as `\u00xx`, and the other fields.
const MAX_BODY: usize = 512 * 1024;

/// Path parameters. The response to an invalid value is 404, because it cannot name anything that exists.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub(super) struct Path<T>(pub(super) T);

impl From<PathRejection> for Problem {
    fn from(_: PathRejection) -> Self {
        Self::not_found()
    }
}

/// The error messages for query parameters.
pub(super) trait Parameters: DeserializeOwned {
    /// The reason why a value of the parameter `name` is invalid; `None` if it accepts any text.
    fn reason(name: &str) -> Option<Reason>;
}

/// Query parameters. Empty ones count as missing, the last of several is used, and unknown ones are ignored.
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

/// A JSON object in a request or response.
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

/// Reads the body of a request with a JSON content type.
async fn read(request: Request) -> Result<Bytes, Problem> {
    // Browsers send other content types across sites without a preflight request.
    if !is_json(request.headers()) {
        return Err(Problem::media_type());
    }
    limit::read(request.into_body(), MAX_BODY).await.map_err(|error| match error {
        UnreadBody::TooLarge => Problem::too_large(MAX_BODY),
        UnreadBody::Incomplete => Problem::malformed("the connection ended before it did"),
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || kind.ends_with("+json")
}

/// A repository's path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct RepositoryPath {
    /// `namespace/name`, with unescaped slashes.
    #[param(value_type = String, allow_reserved)]
    #[serde(deserialize_with = "within_hub")]
    pub(super) path: RepositoryName,
}

/// Parses a repository's path; a one-word name is in the namespace `library`.
pub(super) fn within_hub<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RepositoryName, D::Error> {
    RepositoryName::deserialize(deserializer).map(RepositoryName::within_hub)
}

/// A page of a list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// The number of items per page: 30 by default and 100 at most. Larger values count as 100.
    #[param(value_type = Option<u32>, minimum = 1)]
    limit: Option<NonZeroU32>,
    /// The `next` of the previous page. Omit it for the first page.
    cursor: Option<String>,
}

impl Parameters for PageQuery {
    fn reason(name: &str) -> Option<Reason> {
        (name == "limit").then_some(Reason::LimitSyntax { max: MAX_LIMIT })
    }
}

/// The reason for a `sort` that is not one of `words`.
pub(super) fn sort_reason<const N: usize>(name: &str, words: [&str; N]) -> Option<Reason> {
    (name == "sort").then(|| Reason::UnknownValue { allowed: words.join(", ") })
}

impl From<PageQuery> for PageRequest {
    fn from(query: PageQuery) -> Self {
        Self { limit: query.limit.map(NonZeroU32::get), cursor: query.cursor }
    }
}
