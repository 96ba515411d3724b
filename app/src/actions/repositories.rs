//! Creating, changing, renaming and deleting repositories.

use std::time::Duration;

use leptos::prelude::*;
use model::oci::RepositoryName;
use model::repository::{NewRepository, Repository, RepositoryPatch};

use super::{ActionFault, Completion, confirmed, path as parse, settle};
use crate::place::{self, Settings};
use crate::portal::{PortalHandle, PortalResult, portal};
#[cfg(feature = "ssr")]
use crate::texts::text;

/// The names of the forms.
pub(crate) const CREATE: &str = "repositories/create";
pub(crate) const UPDATE: &str = "repositories/update";
pub(crate) const OVERVIEW: &str = "repositories/overview";
pub(crate) const RENAME: &str = "repositories/rename";
pub(crate) const DELETE: &str = "repositories/delete";

/// A form sent again within this time is the same form.
const REPEATED: Duration = Duration::from_secs(10);

/// Creates a repository and shows it.
#[server(prefix = "/_actions", endpoint = "repositories/create")]
pub(crate) async fn create_repository(
    #[server(default)] namespace: String,
    #[server(default)] name: String,
    #[server(default)] description: String,
    #[server(default)] visibility: String,
) -> Result<(), ActionFault> {
    let fields = [
        ("namespace", namespace.as_str()),
        ("name", name.as_str()),
        ("description", description.as_str()),
        ("visibility", visibility.as_str()),
    ];
    let outcome: PortalResult<Completion<()>> = async {
        let form = NewRepository {
            namespace: namespace.clone(),
            name: name.trim().to_owned(),
            description: description.trim().to_owned(),
            visibility: if visibility.is_empty() { None } else { Some(visibility.parse()?) },
        };
        let portal = portal()?;
        let made = match portal.create_repository(form.clone()).await {
            Err(fault) => just_created(&portal, &form).await.ok_or(fault)?,
            made => made?,
        };
        Ok(Completion::to((), place::repository(&made.path)))
    }
    .await;
    settle(CREATE, &fields, outcome).await
}

/// Returns the repository that the same form created in the last ten seconds, if its sender clicked twice.
async fn just_created(portal: &PortalHandle, form: &NewRepository) -> Option<Repository> {
    let path = RepositoryName::parse(&format!("{}/{}", form.namespace.trim(), form.name)).ok()?;
    let head = portal.head(&path).await.ok()?;
    let made = head.repository;
    let is_same = made.path == path
        && made.description == form.description
        && form.visibility.is_none_or(|visibility| visibility == made.visibility)
        && made.created_at >= portal.now().minus(REPEATED);
    (is_same && head.abilities.manage).then_some(made)
}

/// Changes texts and settings.
#[server(prefix = "/_actions", endpoint = "repositories/update")]
pub(crate) async fn update_repository(
    #[server(default)] path: String,
    #[server(default)] description: String,
    #[server(default)] topics: String,
    #[server(default)] visibility: String,
    #[server(default)] comments: String,
) -> Result<(), ActionFault> {
    let fields = [
        ("description", description.as_str()),
        ("topics", topics.as_str()),
        ("visibility", visibility.as_str()),
        ("comments", comments.as_str()),
    ];
    let outcome: PortalResult<Completion<()>> = async {
        let path = parse(&path)?;
        let change = RepositoryPatch {
            description: Some(description.trim().to_owned()),
            visibility: Some(visibility.parse()?),
            comments: Some(comments.parse()?),
            topics: Some(
                topics
                    .split([' ', ',', '\n'])
                    .map(str::trim)
                    .filter(|topic| !topic.is_empty())
                    .map(str::to_owned)
                    .collect(),
            ),
            overview: None,
        };
        portal()?.update_repository(&path, change).await?;
        Ok(Completion::saying(place::settings(&path, Settings::General), text!(notices.settings_saved)))
    }
    .await;
    settle(UPDATE, &fields, outcome).await
}

/// Changes the README.
#[server(prefix = "/_actions", endpoint = "repositories/overview")]
pub(crate) async fn update_overview(
    #[server(default)] path: String,
    #[server(default)] body: String,
) -> Result<(), ActionFault> {
    let outcome: PortalResult<Completion<()>> = async {
        let path = parse(&path)?;
        // Browsers send line breaks as CRLF; store them as written.
        let change = RepositoryPatch { overview: Some(body.replace("\r\n", "\n")), ..RepositoryPatch::default() };
        portal()?.update_repository(&path, change).await?;
        Ok(Completion::to((), place::repository(&path)))
    }
    .await;
    settle(OVERVIEW, &[("body", &body)], outcome).await
}

/// Renames a repository within its namespace.
#[server(prefix = "/_actions", endpoint = "repositories/rename")]
pub(crate) async fn rename_repository(
    #[server(default)] path: String,
    #[server(default)] name: String,
) -> Result<(), ActionFault> {
    let outcome: PortalResult<Completion<()>> = async {
        let renamed = portal()?.rename_repository(&parse(&path)?, name.trim()).await?;
        Ok(Completion::to((), place::repository(&renamed.path)))
    }
    .await;
    settle(RENAME, &[("name", &name)], outcome).await
}

/// Deletes a repository after its path was typed.
#[server(prefix = "/_actions", endpoint = "repositories/delete")]
pub(crate) async fn delete_repository(
    #[server(default)] path: String,
    #[server(default)] confirm: String,
) -> Result<(), ActionFault> {
    let outcome: PortalResult<Completion<()>> = async {
        let path = parse(&path)?;
        confirmed("confirm", &confirm, path.as_str())?;
        portal()?.delete_repository(&path).await?;
        Ok(Completion::saying(
            place::account(path.namespace()),
            &text!(notices.repository_deleted, path = path.as_str()),
        ))
    }
    .await;
    settle(DELETE, &[("confirm", &confirm)], outcome).await
}
