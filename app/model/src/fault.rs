//! The one error that people may see: a stable code, one sentence, and which fields of a form it is about.
//! It never carries an internal error's text; what went wrong inside is logged where it happened.

use serde::{Deserialize, Serialize};
use thiserror::Error;

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
    /// A sentence: what is wrong and what is allowed.
    pub message: String,
}

/// A refusal that may be shown to anyone.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct Fault {
    /// The kind.
    pub code: FaultCode,
    /// One sentence that says what happened and what to do.
    pub message: String,
    /// The fields it is about, where it is about fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldFault>,
    /// Seconds to wait, with [`FaultCode::TooMany`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}

impl Fault {
    /// A fault of this kind with its sentence.
    pub fn new(code: FaultCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), fields: Vec::new(), retry_after: None }
    }

    /// The one answer for what is hidden and what is missing: it names nothing.
    pub fn not_found() -> Self {
        Self::new(FaultCode::NotFound, "There is nothing here, or it is not shared with you.")
    }

    /// Nobody is signed in.
    pub fn sign_in() -> Self {
        Self::new(FaultCode::SignIn, "Sign in to do this.")
    }

    /// Known, but not allowed.
    pub fn forbidden() -> Self {
        Self::new(FaultCode::Forbidden, "Your role here does not allow this.")
    }

    /// One field is wrong.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            code: FaultCode::Invalid,
            message: message.clone(),
            fields: vec![FieldFault { field: field.into(), message }],
            retry_after: None,
        }
    }

    /// One field collides with what is there.
    pub fn conflict(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: FaultCode::Conflict, ..Self::invalid(field, message) }
    }

    /// Too many tries; come back after so many seconds.
    pub fn too_many(retry_after: u32) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..Self::new(FaultCode::TooMany, format!("Too many tries. Try again in {retry_after} seconds."))
        }
    }

    /// The database or the storage does not answer.
    pub fn unavailable() -> Self {
        Self::new(
            FaultCode::Unavailable,
            "Portolan cannot reach its storage now. Nothing was changed; try again in a moment.",
        )
    }

    /// A mistake of ours.
    pub fn internal() -> Self {
        Self::new(
            FaultCode::Internal,
            "Something went wrong on our side. Nothing was changed; try again, and tell the administrator if it stays.",
        )
    }
}
