//! The table of calls and objects as an `OpenAPI` document, for machines.
//! It refuses to describe anything that the table does not hold.

use axum::response::Response;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn, PathItem, PathsBuilder};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{
    ArrayBuilder, ComponentsBuilder, KnownFormat, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required, ResponseBuilder, ServerBuilder,
};

use super::PREFIX;
use super::operations::{Gives, OPERATIONS, Operation};
use super::schema::{OBJECTS, Object, Shape};
use crate::state::State;

/// The document as an answer.
pub(super) fn response(state: &State) -> Response {
    let mut response = super::json(StatusCode::OK, &document(&state.site.version));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// The whole document.
pub(super) fn document(version: &str) -> OpenApi {
    let mut components = ComponentsBuilder::new()
        .security_scheme(
            "token",
            SecurityScheme::Http(Http::builder().scheme(HttpAuthScheme::Bearer).bearer_format("ptl_…").build()),
        )
        .security_scheme("password", SecurityScheme::Http(Http::new(HttpAuthScheme::Basic)));
    for object in OBJECTS {
        components = components.schema(object.name, described(object));
    }
    let mut paths = PathsBuilder::new();
    for operation in OPERATIONS {
        paths = paths.path(operation.path, PathItem::new(method(operation.method), operation_of(operation)));
    }
    let info = InfoBuilder::new().title("Portolan").version(version).description(Some(
        "Times are RFC 3339 in UTC, sizes are bytes. Lists hold `items` and `next`, the cursor of the page after.",
    ));
    OpenApiBuilder::new()
        .info(info.build())
        .servers(Some([ServerBuilder::new().url(PREFIX).build()]))
        .paths(paths.build())
        .components(Some(components.build()))
        .security(Some([
            SecurityRequirement::new("token", [""; 0]),
            SecurityRequirement::new("password", [""; 0]),
            SecurityRequirement::default(),
        ]))
        .build()
}

fn method(name: &str) -> HttpMethod {
    match name {
        "POST" => HttpMethod::Post,
        "PUT" => HttpMethod::Put,
        "PATCH" => HttpMethod::Patch,
        "DELETE" => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

fn operation_of(operation: &Operation) -> OperationBuilder {
    let mut built = OperationBuilder::new()
        .tag(operation.group)
        .summary(Some(operation.about))
        .operation_id(Some(format!("{:?}", operation.call)));
    for name in operation.path_parameters() {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .schema(Some(shaped(Shape::Text)));
        let parameter = if name == "path" {
            parameter.description(Some("`namespace/name`, slashes as they are.")).allow_reserved(Some(true))
        } else {
            parameter
        };
        built = built.parameter(parameter);
    }
    for asked in operation.query {
        let parameter = ParameterBuilder::new()
            .name(asked.name)
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some(asked.about))
            .schema(Some(shaped(asked.shape)));
        built = built.parameter(parameter);
    }
    if let Some(taken) = operation.takes {
        let content = ContentBuilder::new().schema(Some(named(taken))).build();
        let body =
            RequestBodyBuilder::new().content("application/json", content).required(Some(Required::True)).build();
        built = built.request_body(Some(body));
    }
    if operation.signed_in {
        built = built
            .security(SecurityRequirement::new("token", [""; 0]))
            .security(SecurityRequirement::new("password", [""; 0]));
    }
    let (status, answer) = answer_of(operation.gives);
    let problem = ContentBuilder::new().schema(Some(named("Problem"))).build();
    let refusal = ResponseBuilder::new().description("A refusal.").content("application/problem+json", problem);
    built.response(status, answer).response("default", refusal)
}

fn answer_of(gives: Gives) -> (&'static str, ResponseBuilder) {
    let json = |description: &str, schema: RefOr<Schema>| {
        let content = ContentBuilder::new().schema(Some(schema)).build();
        ResponseBuilder::new().description(description).content("application/json", content)
    };
    match gives {
        Gives::One(name) => ("200", json("It.", named(name))),
        Gives::Created(name) => ("201", json("What was made; `Location` says where it is.", named(name))),
        Gives::Page(name) => ("200", json("A page.", page_of(name))),
        Gives::Nothing => ("204", ResponseBuilder::new().description("Done.")),
        Gives::Document => ("200", ResponseBuilder::new().description("The document.")),
    }
}

fn page_of(name: &str) -> RefOr<Schema> {
    let mut page = ObjectBuilder::new()
        .property("items", ArrayBuilder::new().items(named(name)))
        .required("items")
        .property("next", shaped(Shape::Maybe(&Shape::Text)))
        .required("next");
    if name == "SearchHit" {
        page = page
            .property("total", shaped(Shape::Number))
            .required("total")
            .property("facets", shaped(Shape::List(&Shape::Object("Facet"))))
            .required("facets");
    }
    RefOr::T(Schema::Object(page.build()))
}

fn described(object: &Object) -> Schema {
    let mut built = ObjectBuilder::new().description(Some(object.about));
    for member in object.members {
        built = built.property(member.name, with_description(shaped(member.shape), member.about));
        if member.required {
            built = built.required(member.name);
        }
    }
    Schema::Object(built.build())
}

fn with_description(schema: RefOr<Schema>, about: &str) -> RefOr<Schema> {
    let about = Some(about.to_owned());
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            object.description = about;
            RefOr::T(Schema::Object(object))
        }
        RefOr::T(Schema::Array(mut array)) => {
            array.description = about;
            RefOr::T(Schema::Array(array))
        }
        RefOr::T(Schema::OneOf(mut either)) => {
            either.description = about;
            RefOr::T(Schema::OneOf(either))
        }
        other => other,
    }
}

fn named(name: &str) -> RefOr<Schema> {
    RefOr::Ref(Ref::from_schema_name(name))
}

fn shaped(shape: Shape) -> RefOr<Schema> {
    let simple = |kind: Type| ObjectBuilder::new().schema_type(kind);
    let object = match shape {
        Shape::Text => simple(Type::String),
        Shape::Number => simple(Type::Integer).format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64))),
        Shape::Truth => simple(Type::Boolean),
        Shape::Moment => simple(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))),
        Shape::Word(words) => simple(Type::String).enum_values(Some(words.iter().copied())),
        Shape::Object(name) => return named(name),
        Shape::List(inner) => return RefOr::T(Schema::Array(ArrayBuilder::new().items(shaped(*inner)).build())),
        Shape::Maybe(inner) => {
            let null = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Null));
            return RefOr::T(Schema::OneOf(OneOfBuilder::new().item(shaped(*inner)).item(null).build()));
        }
    };
    RefOr::T(Schema::Object(object.build()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::schema;

    #[test]
    fn every_object_that_is_named_is_described() {
        fn named_in(shape: Shape) -> Option<&'static str> {
            match shape {
                Shape::Object(name) => Some(name),
                Shape::List(inner) | Shape::Maybe(inner) => named_in(*inner),
                _ => None,
            }
        }
        let in_members = OBJECTS.iter().flat_map(|object| object.members).filter_map(|member| named_in(member.shape));
        let in_calls = OPERATIONS.iter().flat_map(|operation| {
            let given = match operation.gives {
                Gives::One(name) | Gives::Created(name) | Gives::Page(name) => Some(name),
                Gives::Nothing | Gives::Document => None,
            };
            given.into_iter().chain(operation.takes)
        });
        for name in in_members.chain(in_calls) {
            assert!(schema::find(name).is_some(), "{name}");
        }
    }

    #[test]
    fn the_document_holds_every_call() {
        let document = serde_json::to_value(document("1.2.3")).unwrap();
        assert!(document["openapi"].as_str().unwrap().starts_with("3."));
        for operation in OPERATIONS {
            let described = &document["paths"][operation.path][operation.method.to_lowercase()];
            assert_eq!(described["summary"], operation.about, "{} {}", operation.method, operation.path);
        }
        assert_eq!(document["components"]["schemas"]["Repository"]["properties"]["stars"]["type"], "integer");
    }
}
