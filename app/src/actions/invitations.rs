//! Creating and revoking invitations.

use std::time::Duration;

use leptos::prelude::*;
use model::account::NewInvitation;
use model::fault::Fault;
use model::reason::Reason;

use super::{ActionFault, Completion, settle};
use crate::portal::{PortalResult, portal};
#[cfg(feature = "ssr")]
use crate::texts::text;

/// The names of the forms.
pub(crate) const CREATE: &str = "invitations/create";
pub(crate) const REVOKE: &str = "invitations/revoke";

/// The page of invitations.
pub(crate) const PAGE: &str = "/admin/invitations";

/// The maximum lifetime of an invitation, in days.
const MAX_DAYS: u32 = 365;
const DAY: Duration = Duration::from_hours(24);

/// Creates an invitation; the response shows its link, which is not stored.
#[server(prefix = "/_actions", endpoint = "invitations/create")]
pub(crate) async fn create_invitation(
    #[server(default)] email: String,
    #[server(default)] days: String,
) -> Result<(), ActionFault> {
    let fields = [("email", email.as_str()), ("days", days.as_str())];
    let outcome: PortalResult<Completion<()>> = async {
        let portal = portal()?;
        let lasts = days.parse().ok().filter(|days| (1..=MAX_DAYS).contains(days));
        let lasts: u32 = lasts.ok_or_else(|| Fault::invalid("days", Reason::ExpiryDays { max: MAX_DAYS }))?;
        let email = Some(email.trim().to_owned()).filter(|email| !email.is_empty());
        let expires_at = Some(portal.now().plus(DAY * lasts));
        let made = portal.invite(NewInvitation { email, expires_at }).await?;
        Ok(Completion::showing(PAGE.to_owned(), &made.url))
    }
    .await;
    settle(CREATE, &fields, outcome).await
}

/// Revokes an invitation.
#[server(prefix = "/_actions", endpoint = "invitations/revoke")]
pub(crate) async fn revoke_invitation(#[server(default)] id: String) -> Result<(), ActionFault> {
    let outcome: PortalResult<Completion<()>> = async {
        portal()?.revoke_invitation(&id).await?;
        Ok(Completion::saying(PAGE.to_owned(), text!(notices.invitation_revoked)))
    }
    .await;
    settle(REVOKE, &[], outcome).await
}
