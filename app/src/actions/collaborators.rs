//! Adding and removing collaborators.

use leptos::prelude::*;
use model::oci::RepositoryName;
use model::role::Role;

use super::{ActionFault, Completion, path as parse, settle};
use crate::place::{self, Settings};
use crate::portal::{PortalHandle, PortalResult, portal};
#[cfg(feature = "ssr")]
use crate::texts::text;
#[cfg(feature = "ssr")]
use crate::words;

/// The form's name.
pub(crate) const SET: &str = "collaborators/set";

/// Sets an account's role.
#[server(prefix = "/_actions", endpoint = "collaborators/set")]
pub(crate) async fn set_collaborator(
    #[server(default)] path: String,
    #[server(default)] account: String,
    #[server(default)] role: String,
) -> Result<(), ActionFault> {
    let outcome: PortalResult<Completion<()>> = async {
        let path = parse(&path)?;
        let account = account.trim().to_lowercase();
        let role: Role = role.parse()?;
        portal()?.set_collaborator(&path, &account, role).await?;
        let notice = text!(notices.role_set, name = account.as_str(), role = words::role(role));
        Ok(Completion::saying(place::settings(&path, Settings::Collaborators), &notice))
    }
    .await;
    settle(SET, &[("account", &account), ("role", &role)], outcome).await
}

/// Removes an account's role.
#[server(prefix = "/_actions", endpoint = "collaborators/remove")]
pub(crate) async fn remove_collaborator(
    #[server(default)] path: String,
    #[server(default)] account: String,
) -> Result<(), ActionFault> {
    let outcome: PortalResult<Completion<()>> = async {
        let path = parse(&path)?;
        let portal = portal()?;
        portal.remove_collaborator(&path, &account).await?;
        let own = portal.me().await?.is_some_and(|me| me.account.name.as_str() == account);
        let notice = if own {
            text!(notices.left_repository, path = path.as_str())
        } else {
            text!(notices.collaborator_removed, name = account.as_str())
        };
        Ok(Completion::saying(onward(&portal, &path).await, &notice))
    }
    .await;
    settle(SET, &[], outcome).await
}

/// The next page: someone who removed their own role may not be able to see the settings or the repository any more.
async fn onward(portal: &PortalHandle, path: &RepositoryName) -> String {
    match portal.head(path).await {
        Ok(head) if head.abilities.manage => place::settings(path, Settings::Collaborators),
        Ok(_) => place::repository(path),
        Err(_) => "/".to_owned(),
    }
}
