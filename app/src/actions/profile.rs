//! One's own profile and password.

use leptos::prelude::*;
use model::account::ProfilePatch;

use super::{ActionFault, Completion, settle};
use crate::portal::{PortalResult, portal};
#[cfg(feature = "ssr")]
use crate::texts::text;

/// The names of the forms.
pub(crate) const UPDATE: &str = "profile/update";
pub(crate) const PASSWORD: &str = "profile/password";

/// Changes one's profile and the language of the pages; an empty language follows the browser.
#[server(prefix = "/_actions", endpoint = "profile/update")]
pub(crate) async fn update_profile(
    #[server(default)] display_name: String,
    #[server(default)] bio: String,
    #[server(default)] language: String,
) -> Result<(), ActionFault> {
    let outcome: PortalResult<Completion<()>> = async {
        let patch =
            ProfilePatch { display_name: Some(display_name.trim().to_owned()), bio: Some(bio.trim().to_owned()) };
        let language = if language.is_empty() { None } else { Some(language.parse()?) };
        let portal = portal()?;
        portal.update_profile(patch).await?;
        portal.set_language(language).await?;
        portal.keep_language(language);
        Ok(Completion::saying("/settings/profile".to_owned(), text!(notices.profile_saved)))
    }
    .await;
    settle(UPDATE, &[("display_name", &display_name), ("bio", &bio), ("language", &language)], outcome).await
}

/// Changes one's password; requires the current one.
#[server(prefix = "/_actions", endpoint = "profile/password")]
pub(crate) async fn change_password(
    #[server(default)] old_password: String,
    #[server(default)] password: String,
) -> Result<(), ActionFault> {
    let outcome: PortalResult<Completion<()>> = async {
        portal()?.change_password(&old_password, &password).await?;
        Ok(Completion::saying("/settings/profile".to_owned(), text!(notices.password_changed)))
    }
    .await;
    settle(PASSWORD, &[], outcome).await
}
