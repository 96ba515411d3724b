//! The only error shown to people: a stable code, the reason, and the invalid fields. It never contains the text of an
//! internal error, which is logged instead.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::reason::Reason;

/// The kind of a fault; part of the REST API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultCode {
    /// It does not exist, or the caller may not know that it does. 404
    NotFound,
    /// The caller is not signed in, or the credentials are wrong. 401
    SignIn,
    /// The caller may see it, but not do this. 403
    Forbidden,
    /// The input is invalid; see `fields`. 422
    Invalid,
    /// It conflicts with something that exists, such as a taken name. 409
    Conflict,
    /// Too many attempts; see `retry_after`. 429
    TooMany,
    /// The input is larger than allowed. 413
    TooLarge,
    /// The database or the storage does not respond. 503
    Unavailable,
    /// A bug. 500
    Internal,
}

impl FaultCode {
    /// Its HTTP status.
    pub const fn status(self) -> u16 {
        match self {
            Self::NotFound => 404,
            Self::SignIn => 401,
            Self::Forbidden => 403,
            Self::Invalid => 422,
            Self::Conflict => 409,
            Self::TooMany => 429,
            Self::TooLarge => 413,
            Self::Unavailable => 503,
            Self::Internal => 500,
        }
    }

    /// Its name in JSON, such as `not_found`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::SignIn => "sign_in",
            Self::Forbidden => "forbidden",
            Self::Invalid => "invalid",
            Self::Conflict => "conflict",
            Self::TooMany => "too_many",
            Self::TooLarge => "too_large",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }
}

/// An invalid field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldFault {
    /// The field's name in the form and in JSON.
    pub field: String,
    /// What is wrong with it.
    pub reason: Reason,
}

/// An error that may be shown to anyone.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[error("{reason:?}")]
pub struct Fault {
    /// The kind.
    pub code: FaultCode,
    /// What is wrong.
    pub reason: Reason,
    /// The invalid fields, if any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldFault>,
    /// Seconds to wait, with [`FaultCode::TooMany`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}

impl Fault {
    /// A fault of this kind, for this reason.
    pub const fn new(code: FaultCode, reason: Reason) -> Self {
        Self { code, reason, fields: Vec::new(), retry_after: None }
    }

    /// The fault for both hidden and missing objects.
    pub const fn not_found() -> Self {
        Self::new(FaultCode::NotFound, Reason::NotFound)
    }

    /// The caller is not signed in.
    pub const fn sign_in() -> Self {
        Self::new(FaultCode::SignIn, Reason::SignInRequired)
    }

    /// The caller may see it, but not do this.
    pub const fn forbidden() -> Self {
        Self::new(FaultCode::Forbidden, Reason::Forbidden)
    }

    /// A field is invalid.
    pub fn invalid(field: impl Into<String>, reason: Reason) -> Self {
        let fields = vec![FieldFault { field: field.into(), reason: reason.clone() }];
        Self { fields, ..Self::new(FaultCode::Invalid, reason) }
    }

    /// A field conflicts with something that exists.
    pub fn conflict(field: impl Into<String>, reason: Reason) -> Self {
        Self { code: FaultCode::Conflict, ..Self::invalid(field, reason) }
    }

    /// Too many attempts; try again after this many seconds.
    pub const fn too_many(seconds: u32) -> Self {
        Self {
            code: FaultCode::TooMany,
            reason: Reason::TooManyAttempts { seconds },
            fields: Vec::new(),
            retry_after: Some(seconds),
        }
    }

    /// The database or the storage does not respond.
    pub const fn unavailable() -> Self {
        Self::new(FaultCode::Unavailable, Reason::Unavailable)
    }

    /// The database has no room for a change.
    pub const fn full() -> Self {
        Self::new(FaultCode::Unavailable, Reason::Full)
    }

    /// A bug or a broken row.
    pub const fn internal() -> Self {
        Self::new(FaultCode::Internal, Reason::Internal)
    }
}
