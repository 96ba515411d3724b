//! What people do: one server function an act, each a plain form first. An act asks the viewer's portal and nothing else;
//! a form that is refused comes back with what was filled in, a script gets the fault itself.

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

/// What a script of ours is told when it is refused: a sentence that people may see. The code is the answer's status.
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

    /// A browser holds no sentences: the island that asked has a text of its own.
    #[cfg(not(feature = "ssr"))]
    fn because(_: &Reason) -> Self {
        Self(String::new())
    }
}

impl FromServerFnError for ActionFault {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(_: ServerFnErrorErr) -> Self {
        // What cannot be read is its sender's fault. A browser's form is sent back all the same.
        if let Ok(portal) = portal()
            && portal.scripted()
        {
            portal.status(FaultCode::Invalid.status());
        }
        Self::because(&Reason::IncompleteRequest)
    }
}

/// What an act comes to when it is done: a value for a script, and where a form goes on to.
pub(crate) struct Completion<T> {
    pub(crate) value: T,
    pub(crate) next: String,
    /// A sentence that the next page says once, under the form's name.
    pub(crate) notice: Option<String>,
}

impl<T> Completion<T> {
    /// Goes on to the path `next`.
    pub(crate) fn to(value: T, next: String) -> Self {
        Self { value, next, notice: None }
    }
}

impl Completion<()> {
    /// Goes on to `next`, which says `notice` once.
    pub(crate) fn saying(next: String, notice: &str) -> Self {
        Self { value: (), next, notice: Some(notice.to_owned()) }
    }
}

/// Ends an act of the form `form`: answers the script, or sends the browser on, or back with what was filled in.
/// `fields` holds no secret.
pub(crate) async fn settle<T: Default>(
    form: &str,
    fields: &[(&str, &str)],
    outcome: PortalResult<Completion<T>>,
) -> Result<T, ActionFault> {
    let portal = portal()?;
    match outcome {
        Ok(done) => {
            if !portal.scripted() {
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
            // A session that cannot be written loses what was filled in, and the server has logged why.
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

/// Whether signing in may mend it. To who is not signed in, what is hidden is not there: a session may have ended while they
/// wrote, and they get the same answer whatever there is.
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

/// Keeps a flash; a session that cannot be written loses only the explanation, and the server has logged why.
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

/// A repository's path as a form carries it. What cannot be one is answered like what is not there.
pub(crate) fn path(text: &str) -> PortalResult<RepositoryName> {
    RepositoryName::parse(text).map_err(|_| Fault::not_found())
}

/// That the name of what is about to be lost was typed.
pub(crate) fn confirmed(field: &str, typed: &str, expected: &str) -> PortalResult<()> {
    if typed.trim() == expected {
        Ok(())
    } else {
        Err(Fault::invalid(field, Reason::ConfirmationMismatch { expected: expected.to_owned() }))
    }
}
