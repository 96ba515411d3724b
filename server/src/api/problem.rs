//! Errors as RFC 9457 `application/problem+json`: a stable code, the status, a sentence, and the invalid fields.

use app::reason::english;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use model::fault::{Fault, FaultCode};
use model::reason::Reason;
use serde::Serialize;
use serde_path_to_error::{Path, Segment};
use utoipa::ToSchema;

use super::extract::Json;

/// The `WWW-Authenticate` header of 401 responses.
const CHALLENGE: &str = "Bearer realm=\"Portolan\", Basic realm=\"Portolan\", charset=\"UTF-8\"";

/// An error response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    fields: Vec<FieldProblem>,
    retry_after: Option<u32>,
}

/// One field's error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct FieldProblem {
    /// The field or parameter.
    field: String,
    /// What is wrong and what is allowed.
    message: String,
}

/// An error (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct ProblemBody {
    /// Always `about:blank`; see `code`.
    r#type: &'static str,
    /// The status in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// A stable code for the kind of error, such as `not_found`.
    code: &'static str,
    /// What happened and what to do.
    detail: String,
    /// The invalid fields or parameters, if any.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    fields: Vec<FieldProblem>,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), fields: Vec::new(), retry_after: None }
    }

    /// 404: it does not exist, or the caller may not see it.
    pub(super) fn not_found() -> Self {
        Fault::not_found().into()
    }

    /// 401: the credentials are wrong or of an unsupported kind.
    pub(super) fn credentials() -> Self {
        Fault::new(FaultCode::SignIn, Reason::InvalidCredentials).into()
    }

    /// 405: the path exists, but not with this method.
    pub(super) fn method() -> Self {
        let detail = "This method is not allowed here. The Allow header lists those that are.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
    }

    /// 415: the content type is not JSON.
    pub(super) fn media_type() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "The body has to be JSON, with Content-Type: application/json.",
        )
    }

    /// 400: the body is not valid JSON; `place` says where.
    pub(super) fn malformed(place: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", format!("The body does not read as JSON: {place}."))
    }

    /// The value at `place` in a body or query has the wrong type.
    pub(super) fn shape(place: &Path, reason: &str) -> Self {
        let field = place.iter().find_map(|segment| match segment {
            Segment::Map { key } => Some(key.clone()),
            _ => None,
        });
        let fields = field.map(|field| FieldProblem { field, message: reason.to_owned() });
        Self {
            fields: fields.into_iter().collect(),
            ..Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                FaultCode::Invalid.as_str(),
                format!("The request is not of the shape that this call takes: {reason}."),
            )
        }
    }

    /// 413: the body is longer than `limit` bytes.
    pub(super) fn too_large(limit: usize) -> Self {
        Fault::new(FaultCode::TooLarge, Reason::BodyTooLarge { max: limit }).into()
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        let status = StatusCode::from_u16(fault.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self {
            fields: fault
                .fields
                .into_iter()
                .map(|wrong| FieldProblem { field: wrong.field, message: english(&wrong.reason) })
                .collect(),
            retry_after: fault.retry_after,
            ..Self::new(status, fault.code.as_str(), english(&fault.reason))
        }
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        Fault::from(error).into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = ProblemBody {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            code: self.code,
            detail: self.detail,
            fields: self.fields,
        };
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
