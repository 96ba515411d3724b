//! Actions: one server function each, called by a plain form or an island. A rejected form is shown again with its
//! input; an island receives the error.

use std::collections::BTreeMap;

use leptos::server_fn::codec::JsonEncoding;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use model::fault::{Fault, FaultCode};
use model::oci::RepositoryName;
use model::reason::Reason;
use serde::{Deserialize, Serialize};

use crate::place;
use crate::portal::{Flash, PortalHandle, PortalResult, portal};
#[cfg(feature = "ssr")]
use crate::reason::sentence;

pub(crate) mod collaborators;
pub(crate) mod comments;
pub(crate) mod invitations;
pub(crate) mod language;
pub(crate) mod markdown;
pub(crate) mod profile;
pub(crate) mod repositories;
pub(crate) mod search;
pub(crate) mod session;
pub(crate) mod stars;
pub(crate) mod tags;
pub(crate) mod theme;
pub(crate) mod tokens;

/// The error sent to an island: a message for people. The code is the response's status.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ActionFault(pub(crate) String);

impl From<Fault> for ActionFault {
    fn from(fault: Fault) -> Self {
        Self::because(&fault.reason)
    }
}

impl ActionFault {
    #[cfg(feature = "ssr")]
    fn because(reason: &Reason) -> Self {
        Self(sentence(reason))
    }

    /// The browser has no messages: the island shows its own text.
    #[cfg(not(feature = "ssr"))]
    fn because(_: &Reason) -> Self {
        Self(String::new())
    }
}

impl FromServerFnError for ActionFault {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(_: ServerFnErrorErr) -> Self {
        // A script gets the status of invalid input; a plain form is shown again instead.
        if let Ok(portal) = portal()
            && portal.scripted()
        {
            portal.status(FaultCode::Invalid.status());
        }
        Self::because(&Reason::IncompleteRequest)
    }
}

/// The outcome of an action: a value for an island, and the next page for a form.
pub(crate) struct Completion<T> {
    pub(crate) value: T,
    pub(crate) next: String,
    /// A message that the next page shows once, under the form's name.
    pub(crate) notice: Option<String>,
    /// Whether the message is a secret, which must not be stored.
    secret: bool,
}

impl<T> Completion<T> {
    /// Continues with the path `next`.
    pub(crate) fn to(value: T, next: String) -> Self {
        Self { value, next, notice: None, secret: false }
    }
}

impl Completion<()> {
    /// Continues with `next`, which shows `notice` once.
    pub(crate) fn saying(next: String, notice: &str) -> Self {
        Self { value: (), next, notice: Some(notice.to_owned()), secret: false }
    }

    /// Answers with the page `next` itself, which shows `secret`.
    pub(crate) fn showing(next: String, secret: &str) -> Self {
        Self { value: (), next, notice: Some(secret.to_owned()), secret: true }
    }
}

/// Finishes an action of the form `form`: returns the value to an island, or redirects the browser to the next page, or
/// back with the input. `fields` must not contain secrets.
pub(crate) async fn settle<T: Default>(
    form: &str,
    fields: &[(&str, &str)],
    outcome: PortalResult<Completion<T>>,
) -> Result<T, ActionFault> {
    let portal = portal()?;
    match outcome {
        Ok(done) => {
            if !portal.scripted() && done.secret {
                portal.show(&done.next, flash(form, None, done.notice, &[]));
            } else if !portal.scripted() {
                if done.notice.is_some() {
                    keep(&portal, form, None, done.notice, &[]).await;
                }
                portal.redirect(&done.next);
            }
            Ok(done.value)
        }
        Err(fault) if portal.scripted() => {
            portal.status(fault.code.status());
            Err(fault.into())
        }
        Err(fault) if needs_member(&portal, form, &fault).await => {
            // If the session cannot be written, the input is lost; the server has logged why.
            let _ = portal.set_waiting(flash(form, Some(Fault::sign_in()), None, fields)).await;
            portal.redirect(&place::sign_in(&portal.came_from()));
            Ok(T::default())
        }
        Err(fault) => {
            keep(&portal, form, Some(fault), None, fields).await;
            portal.redirect(&portal.came_from());
            Ok(T::default())
        }
    }
}

/// Whether signing in may help. Someone who is not signed in cannot see hidden repositories, and their session may have
/// ended while they were writing. They get the same answer whether or not the repository exists.
async fn needs_member(portal: &PortalHandle, form: &str, fault: &Fault) -> bool {
    if session::FORMS.contains(&form) {
        return false;
    }
    match fault.code {
        FaultCode::SignIn => true,
        FaultCode::NotFound => matches!(portal.me().await, Ok(None)),
        _ => false,
    }
}

/// Stores a flash message. If the session cannot be written, only the explanation is lost; the server has logged why.
async fn keep(
    portal: &PortalHandle,
    form: &str,
    fault: Option<Fault>,
    notice: Option<String>,
    fields: &[(&str, &str)],
) {
    let _ = portal.set_flash(flash(form, fault, notice, fields)).await;
}

fn flash(form: &str, fault: Option<Fault>, notice: Option<String>, fields: &[(&str, &str)]) -> Flash {
    let fields: BTreeMap<String, String> =
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Flash { form: form.to_owned(), fault, notice, fields }
}

/// Parses a repository's path from a form. An invalid path gets the same answer as a missing repository.
pub(crate) fn path(text: &str) -> PortalResult<RepositoryName> {
    RepositoryName::parse(text).map_err(|_| Fault::not_found())
}

/// Checks that the name typed to confirm a deletion is the expected one.
pub(crate) fn confirmed(field: &str, typed: &str, expected: &str) -> PortalResult<()> {
    if typed.trim() == expected {
        Ok(())
    } else {
        Err(Fault::invalid(field, Reason::ConfirmationMismatch { expected: expected.to_owned() }))
    }
}
