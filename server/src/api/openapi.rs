//! The OpenAPI document of the handlers, and Swagger UI.

use std::sync::Arc;

use axum::Extension;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use model::fault::Fault;
use serde::Deserialize;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder};
use utoipa::{IntoParams, Modify};
use utoipa_swagger_ui::Config;

use super::caller::Caller;
use super::extract::Path;
use super::problem::{FieldProblem, Problem, ProblemBody};

/// The parts of the document that are not derived from handlers.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Portolan",
        description = "Times are RFC 3339 in UTC, sizes are bytes. A list holds `items` and `next`, the `cursor` of the next page."
    ),
    servers((url = "/api/v1")),
    components(schemas(ProblemBody, FieldProblem)),
    security((), ("token" = []), ("password" = [])),
    modifiers(&Schemes)
)]
pub(super) struct Base;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_default();
        let token = Http::builder().scheme(HttpAuthScheme::Bearer).bearer_format("ptl_…").build();
        components.add_security_scheme("token", SecurityScheme::Http(token));
        components.add_security_scheme("password", SecurityScheme::Http(Http::new(HttpAuthScheme::Basic)));
    }
}

/// The methods of a path.
pub(super) fn methods(item: &PathItem) -> Vec<&'static str> {
    let methods = [
        ("GET", &item.get),
        ("POST", &item.post),
        ("PUT", &item.put),
        ("PATCH", &item.patch),
        ("DELETE", &item.delete),
    ];
    methods.into_iter().filter(|(_, operation)| operation.is_some()).map(|(method, _)| method).collect()
}

/// Adds a default response to each operation: a problem, for all errors.
pub(super) fn add_refusals(document: &mut OpenApi) {
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
        for operation in operations.into_iter().filter_map(Option::as_mut) {
            add_refusal(operation);
        }
    }
}

fn add_refusal(operation: &mut Operation) {
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let refusal = ResponseBuilder::new().description("A refusal.").content("application/problem+json", problem);
    operation.responses.responses.insert("default".to_owned(), RefOr::T(refusal.build()));
}

/// Returns this API as an OpenAPI document.
#[utoipa::path(get, path = "/openapi.json", tag = "This interface",
    responses((status = 200, description = "The document.", content_type = "application/json")))]
pub(super) async fn read_document(_: Caller, Extension(document): Extension<Arc<OpenApi>>) -> Response {
    ([(CACHE_CONTROL, HeaderValue::from_static("no-cache"))], axum::Json(&*document)).into_response()
}

/// Swagger UI without inline scripts; it sets inline styles and draws its icons as `data:` images.
const PAGE: &str = r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>REST API – Portolan</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/api/v1/docs/swagger-ui.css">
<link rel="stylesheet" href="/api/v1/docs/index.css">
</head>
<body>
<div id="swagger-ui"></div>
<noscript>This page needs JavaScript. The same document for programs is <a href="/api/v1/openapi.json">openapi.json</a>.</noscript>
<script src="/api/v1/docs/swagger-ui-bundle.js"></script>
<script src="/api/v1/docs/swagger-ui-standalone-preset.js"></script>
<script src="/api/v1/docs/swagger-initializer.js"></script>
</body>
</html>
"#;

/// The page may load its own files and inline styles.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// Returns the documentation of this API as a web page.
#[utoipa::path(get, path = "/docs", tag = "This interface",
    responses((status = 200, description = "The page.", content_type = "text/html")))]
pub(super) async fn read_docs(_: Caller) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (CONTENT_SECURITY_POLICY, POLICY),
    ];
    (headers, PAGE).into_response()
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct FilePath {
    /// The file's name.
    file: String,
}

/// Returns a file of the documentation page.
#[utoipa::path(get, path = "/docs/{file}", tag = "This interface",
    params(FilePath), responses((status = 200, description = "The file.", content_type = "application/octet-stream")))]
pub(super) async fn read_docs_file(Path(at): Path<FilePath>) -> Result<Response, Problem> {
    let config = Arc::new(Config::from("/api/v1/openapi.json"));
    let file = utoipa_swagger_ui::serve(&at.file, config).map_err(|error| {
        tracing::error!(%error, "a file of the API page cannot be served");
        Fault::internal()
    })?;
    let file = file.ok_or_else(Problem::not_found)?;
    let headers = [(CONTENT_TYPE, file.content_type), (CACHE_CONTROL, "no-cache".to_owned())];
    Ok((headers, file.bytes.into_owned()).into_response())
}
