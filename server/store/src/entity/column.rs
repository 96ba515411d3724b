//! Column types that parse what they hold: words and names as text, structures as JSON.

use std::fmt;
use std::str::FromStr;

use sea_orm::sea_query::{ArrayType, ColumnType, Nullable, ValueType, ValueTypeErr};
use sea_orm::{ColIdx, DbErr, QueryResult, TryFromU64, TryGetError, TryGetable, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value that is stored as its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Text<T>(pub(crate) T);

/// A value that is stored as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Json<T>(pub(crate) T);

// Keys of text are never counted up by the database; sea-orm asks for this of every primary key.
impl<T> TryFromU64 for Text<T> {
    fn try_from_u64(_: u64) -> Result<Self, DbErr> {
        Err(DbErr::ConvertFromU64("Text"))
    }
}

/// How a column type reads and writes its text.
trait TextColumn: Sized {
    fn read(text: &str) -> Option<Self>;
    fn write(&self) -> String;
}

impl<T: FromStr + fmt::Display> TextColumn for Text<T> {
    fn read(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }

    fn write(&self) -> String {
        self.0.to_string()
    }
}

impl<T: Serialize + DeserializeOwned> TextColumn for Json<T> {
    fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().map(Self)
    }

    fn write(&self) -> String {
        serde_json::to_string(&self.0).unwrap_or_default()
    }
}

macro_rules! text_column {
    ($($name:ident: $($bound:path),+;)+) => {$(
        impl<T: $($bound +)+> From<$name<T>> for Value {
            fn from(column: $name<T>) -> Self {
                column.write().into()
            }
        }

        impl<T: $($bound +)+> TryGetable for $name<T> {
            fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
                let text = String::try_get_by(row, index)?;
                Self::read(&text).ok_or_else(|| {
                    // The value itself may be a secret or very long.
                    let what = format!("a {} column does not parse: {index:?}", std::any::type_name::<T>());
                    TryGetError::DbErr(DbErr::Type(what))
                })
            }
        }

        impl<T: $($bound +)+> ValueType for $name<T> {
            fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
                match value {
                    Value::String(Some(text)) => Self::read(&text).ok_or(ValueTypeErr),
                    _ => Err(ValueTypeErr),
                }
            }

            fn type_name() -> String {
                stringify!($name).to_owned()
            }

            fn array_type() -> ArrayType {
                ArrayType::String
            }

            fn column_type() -> ColumnType {
                ColumnType::Text
            }
        }

        impl<T: $($bound +)+> Nullable for $name<T> {
            fn null() -> Value {
                Value::String(None)
            }
        }
    )+};
}

text_column! {
    Text: FromStr, fmt::Display;
    Json: Serialize, DeserializeOwned;
}
