//! What a request brought: the values in its path, its query and its JSON body, each parsed once with an error that says where.
//! It refuses to know what is done with them.

use axum::body::Body;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use model::fault::Fault;
use model::oci::RepositoryName;
use model::page::{MAX_LIMIT, PageRequest};
use model::reason::Reason;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as ValueError, StrDeserializer};

use super::operations::Operation;
use super::problem::Problem;
use super::schema::Shape;

/// The longest body: the longest README with every byte escaped as `\u00xx`, and some.
const MAX_BODY: usize = 512 * 1024;

/// What one request brought.
pub(super) struct Input<'a> {
    operation: &'static Operation,
    values: Vec<&'a str>,
    query: Vec<(String, String)>,
    body: Bytes,
}

impl<'a> Input<'a> {
    /// Reads the query, and the body where the call takes one.
    pub(super) async fn read(
        operation: &'static Operation,
        parts: &Parts,
        values: Vec<&'a str>,
        body: Body,
    ) -> Result<Self, Problem> {
        let query =
            url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
        let body = match operation.takes {
            Some(_) => read_json(parts, body).await?,
            None => Bytes::new(),
        };
        Ok(Self { operation, values, query, body })
    }

    /// The value of the path's parameter `name`.
    pub(super) fn value(&self, name: &str) -> &'a str {
        let place = self.operation.path_parameters().position(|parameter| parameter == name);
        place.and_then(|place| self.values.get(place)).copied().unwrap_or_default()
    }

    /// The repository that the path is about. What cannot be a name is missing like any other.
    pub(super) fn repository(&self) -> Result<RepositoryName, Problem> {
        Ok(RepositoryName::parse(self.value("path")).map_err(|_| Problem::not_found())?.within_hub())
    }

    /// The number that the path's parameter `name` holds. What cannot be one is missing like any other.
    pub(super) fn number(&self, name: &str) -> Result<i64, Problem> {
        self.value(name).parse().map_err(|_| Problem::not_found())
    }

    /// The value of the query's parameter `name`; its last, where it stands more than once; `None` where it is empty.
    pub(super) fn asked(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        found.filter(|value| !value.is_empty())
    }

    /// The value of the query's parameter `name` as one of the words that the table lists for it.
    pub(super) fn word<T: DeserializeOwned + Default>(&self, name: &str) -> Result<T, Problem> {
        let Some(value) = self.asked(name) else { return Ok(T::default()) };
        let deserializer: StrDeserializer<'_, ValueError> = value.into_deserializer();
        T::deserialize(deserializer).map_err(|_| {
            let words =
                self.operation.query.iter().find(|parameter| parameter.name == name).map(|parameter| parameter.shape);
            let Some(Shape::Word(words)) = words else { return Problem::not_found() };
            Fault::invalid(name, Reason::UnknownValue { allowed: words.join(", ") }).into()
        })
    }

    /// `?limit=&cursor=`.
    pub(super) fn page(&self) -> Result<PageRequest, Problem> {
        let limit = match self.asked("limit") {
            None => None,
            Some(text) => Some(
                text.parse::<u32>()
                    .ok()
                    .filter(|limit| *limit >= 1)
                    .ok_or_else(|| Fault::invalid("limit", Reason::LimitSyntax { max: MAX_LIMIT }))?,
            ),
        };
        Ok(PageRequest { limit, cursor: self.asked("cursor").map(str::to_owned) })
    }

    /// The body as the object that the call takes.
    pub(super) fn object<T: for<'de> Deserialize<'de>>(&self) -> Result<T, Problem> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let place = error.to_string();
            if error.is_data() { Problem::shape(&place) } else { Problem::malformed(&place) }
        })
    }
}

async fn read_json(parts: &Parts, body: Body) -> Result<Bytes, Problem> {
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    // A browser sends other kinds across sites without asking; and who sends none meant none.
    if kind != "application/json" && !kind.ends_with("+json") {
        return Err(Problem::media_type());
    }
    match Limited::new(body, MAX_BODY).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::too_large(MAX_BODY)),
        Err(_) => Err(Problem::malformed("the connection ended before it did")),
    }
}
