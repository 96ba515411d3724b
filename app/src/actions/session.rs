//! Sign-up, sign-in, sign-out, and the first administrator.

use leptos::prelude::*;
use model::account;

use super::{ActionFault, Completion, settle};
use crate::place::next_or_home;
use crate::portal::{PortalResult, portal};

/// The sign-in form's name.
pub(crate) const SIGN_IN: &str = "session/signin";
/// The sign-up form's name, also with an invitation.
pub(crate) const SIGN_UP: &str = "session/signup";
/// The setup form's name.
pub(crate) const SET_UP: &str = "session/setup";

/// The sign-out form's name.
const SIGN_OUT: &str = "session/signout";
/// The forms that do not require signing in.
pub(super) const FORMS: [&str; 4] = [SIGN_IN, SIGN_UP, SET_UP, SIGN_OUT];

/// Signs in and continues with `next`.
#[server(prefix = "/_actions", endpoint = "session/signin")]
pub(crate) async fn sign_in(
    #[server(default)] name: String,
    #[server(default)] password: String,
    #[server(default)] next: String,
) -> Result<(), ActionFault> {
    let outcome = async {
        portal()?.sign_in(name.trim(), &password).await?;
        Ok(Completion::to((), next_or_home(&next)))
    }
    .await;
    settle(SIGN_IN, &[("name", &name), ("next", &next)], outcome).await
}

/// Ends the session.
#[server(prefix = "/_actions", endpoint = "session/signout")]
pub(crate) async fn sign_out() -> Result<(), ActionFault> {
    let outcome = async {
        portal()?.sign_out().await?;
        Ok(Completion::to((), "/".to_owned()))
    }
    .await;
    settle(SIGN_OUT, &[], outcome).await
}

/// Creates an account and signs in.
#[server(prefix = "/_actions", endpoint = "session/signup")]
pub(crate) async fn sign_up(
    #[server(default)] name: String,
    #[server(default)] email: String,
    #[server(default)] password: String,
    #[server(default)] invitation: String,
    #[server(default)] next: String,
) -> Result<(), ActionFault> {
    let fields = [("name", name.as_str()), ("email", email.as_str()), ("next", next.as_str())];
    let form = account::SignUp {
        name: name.trim().to_owned(),
        email: email.trim().to_owned(),
        password,
        invitation: (!invitation.is_empty()).then_some(invitation),
    };
    let outcome: PortalResult<Completion<()>> = async {
        portal()?.sign_up(form).await?;
        Ok(Completion::to((), next_or_home(&next)))
    }
    .await;
    settle(SIGN_UP, &fields, outcome).await
}

/// Creates the first administrator and signs in.
#[server(prefix = "/_actions", endpoint = "session/setup")]
pub(crate) async fn set_up(
    #[server(default)] token: String,
    #[server(default)] name: String,
    #[server(default)] email: String,
    #[server(default)] password: String,
) -> Result<(), ActionFault> {
    let fields = [("name", name.as_str()), ("email", email.as_str())];
    let form =
        account::SignUp { name: name.trim().to_owned(), email: email.trim().to_owned(), password, invitation: None };
    let outcome: PortalResult<Completion<()>> = async {
        portal()?.set_up(&token, form).await?;
        Ok(Completion::to((), "/".to_owned()))
    }
    .await;
    settle(SET_UP, &fields, outcome).await
}
