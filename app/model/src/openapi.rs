//! OpenAPI schemas of types that are sent as text, which cannot be derived from their fields.

use std::borrow::Cow;

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::account::AccountName;
use crate::clock::Timestamp;
use crate::oci::{Digest, RepositoryName, Tag};
use crate::token::TokenScope;

macro_rules! text {
    ($($kind:ty, $name:literal, $format:expr, $about:literal;)*) => {$(
        impl PartialSchema for $kind {
            fn schema() -> RefOr<Schema> {
                let text = ObjectBuilder::new().schema_type(Type::String).format($format).description(Some($about));
                RefOr::T(Schema::Object(text.build()))
            }
        }

        impl ToSchema for $kind {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($name)
            }
        }
    )*};
}

text! {
    AccountName, "AccountName", None, "The name of an account: lower-case letters and digits, with separators between.";
    RepositoryName, "RepositoryPath", None, "A repository as `namespace/name`.";
    Tag, "TagName", None, "The name of a tag.";
    Digest, "Digest", None, "A digest such as `sha256:…`.";
    TokenScope, "TokenScope", None, "`<path glob>:pull,push,delete,manage`, with any of these actions.";
    Timestamp, "Timestamp", Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)), "A time in UTC (RFC 3339).";
}
