//! Giving people a role on a repository and taking it away.

use leptos::prelude::*;

use super::{Done, Refused, path as parse, settle};
use crate::place::{self, Settings};
use crate::portal::{Answered, portal};

/// The form's name.
pub(crate) const SET: &str = "collaborators/set";

/// Gives somebody a role, or another one.
#[server(prefix = "/_actions", endpoint = "collaborators/set")]
pub(crate) async fn set_collaborator(
    #[server(default)] path: String,
    #[server(default)] account: String,
    #[server(default)] role: String,
) -> Result<(), Refused> {
    let outcome: Answered<Done<()>> = async {
        let path = parse(&path)?;
        let account = account.trim().to_lowercase();
        portal()?.set_collaborator(&path, &account, role.parse()?).await?;
        Ok(Done::to((), place::settings(&path, Settings::Collaborators)))
    }
    .await;
    settle(SET, &[("account", &account), ("role", &role)], outcome).await
}

/// Takes somebody's role away.
#[server(prefix = "/_actions", endpoint = "collaborators/remove")]
pub(crate) async fn remove_collaborator(
    #[server(default)] path: String,
    #[server(default)] account: String,
) -> Result<(), Refused> {
    let outcome: Answered<Done<()>> = async {
        let path = parse(&path)?;
        portal()?.remove_collaborator(&path, &account).await?;
        Ok(Done::to((), place::settings(&path, Settings::Collaborators)))
    }
    .await;
    settle(SET, &[], outcome).await
}
