//! Creating and revoking personal access tokens.

use std::time::Duration;

use leptos::prelude::*;
use model::fault::Fault;
use model::id::TokenId;
use model::reason::Reason;
use model::token::{NewToken, TokenScope};

use super::{ActionFault, Completion, settle};
use crate::portal::{PortalResult, portal};
#[cfg(feature = "ssr")]
use crate::texts::text;

/// The names of the forms.
pub(crate) const CREATE: &str = "tokens/create";
pub(crate) const REVOKE: &str = "tokens/revoke";

/// The maximum lifetime of a token, in days.
const MAX_DAYS: u32 = 3650;
const DAY: Duration = Duration::from_hours(24);

/// Creates a token; the response shows its secret, which is not stored.
#[server(prefix = "/_actions", endpoint = "tokens/create")]
pub(crate) async fn create_token(
    #[server(default)] label: String,
    #[server(default)] scopes: String,
    #[server(default)] days: String,
) -> Result<(), ActionFault> {
    let fields = [("label", label.as_str()), ("scopes", scopes.as_str()), ("days", days.as_str())];
    let outcome: PortalResult<Completion<()>> = async {
        let portal = portal()?;
        let scopes = scopes.split_whitespace().map(str::parse).collect::<PortalResult<Vec<TokenScope>>>()?;
        let expires_at = match days.as_str() {
            "" => None,
            days => {
                let days = days.parse().ok().filter(|days| (1..=MAX_DAYS).contains(days));
                let days: u32 = days.ok_or_else(|| Fault::invalid("days", Reason::ExpiryDays { max: MAX_DAYS }))?;
                Some(portal.now().plus(DAY * days))
            }
        };
        let made = portal.create_token_once(NewToken { label: label.trim().to_owned(), scopes, expires_at }).await?;
        Ok(Completion::showing("/settings/tokens".to_owned(), &made.secret))
    }
    .await;
    settle(CREATE, &fields, outcome).await
}

/// Revokes a token.
#[server(prefix = "/_actions", endpoint = "tokens/revoke")]
pub(crate) async fn revoke_token(#[server(default)] id: String) -> Result<(), ActionFault> {
    let outcome: PortalResult<Completion<()>> = async {
        let id = id.parse().map(TokenId).map_err(|_| Fault::not_found())?;
        portal()?.revoke_token(id).await?;
        Ok(Completion::saying("/settings/tokens".to_owned(), text!(notices.token_revoked)))
    }
    .await;
    settle(REVOKE, &[], outcome).await
}
