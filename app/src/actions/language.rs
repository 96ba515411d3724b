//! The language of the pages, stored in a cookie and in the account.

use leptos::prelude::*;
use model::language::Language;

use super::{ActionFault, Completion, settle};
use crate::portal::{PortalResult, portal};

/// Sets the language: `en` or `zh-CN`.
#[server(prefix = "/_actions", endpoint = "language/set")]
pub(crate) async fn set_language(#[server(default)] language: String) -> Result<(), ActionFault> {
    let outcome: PortalResult<Completion<()>> = async {
        let portal = portal()?;
        let language: Language = language.parse()?;
        if portal.me().await?.is_some() {
            portal.set_language(Some(language)).await?;
        }
        portal.keep_language(Some(language));
        Ok(Completion::to((), portal.came_from()))
    }
    .await;
    settle("language/set", &[], outcome).await
}
