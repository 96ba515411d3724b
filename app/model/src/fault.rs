//! The one error that people may see: a stable code, the reason, and the fields of a form that it is about.
//! It never carries an internal error's text; that is logged where it happened.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::reason::Reason;

/// What kind of refusal this is; the code is part of the REST contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultCode {
    /// It is not there, or not for the asker to know that it is. 404
    NotFound,
    /// Nobody is signed in, or the credentials are wrong. 401
    SignIn,
    /// The asker may know of it, yet may not do this. 403
    Forbidden,
    /// The input is wrong; `fields` say where. 422
    Invalid,
    /// It collides with what is there, such as a taken name. 409
    Conflict,
    /// Too many tries; `retry_after` says when to come back. 429
    TooMany,
    /// The input is larger than allowed. 413
    TooLarge,
    /// The database or the storage does not answer now. 503
    Unavailable,
    /// A mistake of ours. 500
    Internal,
}

impl FaultCode {
    /// The HTTP status that goes with it.
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

    /// The code as it stands in JSON, such as `not_found`.
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

/// One field's error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldFault {
    /// The field's name as the form and the JSON call it.
    pub field: String,
    /// What is wrong with it.
    pub reason: Reason,
}

/// A refusal that may be shown to anyone.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[error("{reason:?}")]
pub struct Fault {
    /// The kind.
    pub code: FaultCode,
    /// What is wrong.
    pub reason: Reason,
    /// The fields it is about, where it is about fields.
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

    /// The same answer for what is hidden and for what does not exist.
    pub const fn not_found() -> Self {
        Self::new(FaultCode::NotFound, Reason::NotFound)
    }

    /// Nobody is signed in.
    pub const fn sign_in() -> Self {
        Self::new(FaultCode::SignIn, Reason::SignInRequired)
    }

    /// The viewer may see it, but not do this.
    pub const fn forbidden() -> Self {
        Self::new(FaultCode::Forbidden, Reason::Forbidden)
    }

    /// One field is wrong.
    pub fn invalid(field: impl Into<String>, reason: Reason) -> Self {
        let fields = vec![FieldFault { field: field.into(), reason: reason.clone() }];
        Self { fields, ..Self::new(FaultCode::Invalid, reason) }
    }

    /// One field conflicts with what exists.
    pub fn conflict(field: impl Into<String>, reason: Reason) -> Self {
        Self { code: FaultCode::Conflict, ..Self::invalid(field, reason) }
    }

    /// Too many attempts; try again after so many seconds.
    pub const fn too_many(seconds: u32) -> Self {
        Self {
            code: FaultCode::TooMany,
            reason: Reason::TooManyAttempts { seconds },
            fields: Vec::new(),
            retry_after: Some(seconds),
        }
    }

    /// The database or the storage does not answer.
    pub const fn unavailable() -> Self {
        Self::new(FaultCode::Unavailable, Reason::Unavailable)
    }

    /// A bug or a broken row.
    pub const fn internal() -> Self {
        Self::new(FaultCode::Internal, Reason::Internal)
    }
}
