//! The calls about who has a role on a repository. Roles that come from the namespace are not listed here.

use app::portal::Repositories as _;
use http::StatusCode;
use model::oci::RepositoryName;
use model::page::Page;
use model::repository::Collaborator;
use model::role::Role;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::answer::{Answer, whole};
use super::caller::Caller;
use super::extract::{Json, Path, RepositoryPath, within_hub};

/// Who has a role of their own on a repository.
#[utoipa::path(get, path = "/repositories/{path}/-/collaborators", tag = "Collaborators",
    params(RepositoryPath), responses((status = 200, body = Page<Collaborator>)))]
pub(super) async fn list_collaborators(
    Caller(visit): Caller,
    Path(at): Path<RepositoryPath>,
) -> Answer<Json<Page<Collaborator>>> {
    Ok(whole(visit.collaborators(&at.path).await?))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct CollaboratorPath {
    /// `namespace/name`, slashes as they are.
    #[param(value_type = String, allow_reserved)]
    #[serde(deserialize_with = "within_hub")]
    path: RepositoryName,
    /// The account's name.
    name: String,
}

/// The role to give.
#[derive(Deserialize, ToSchema)]
pub(super) struct RolePatch {
    /// One below the caller's own.
    role: Role,
}

/// Gives an account a role, or changes it.
#[utoipa::path(put, path = "/repositories/{path}/-/collaborators/{name}", tag = "Collaborators",
    params(CollaboratorPath), responses((status = 204, description = "The account has the role.")))]
pub(super) async fn put_collaborator(
    Caller(visit): Caller,
    Path(at): Path<CollaboratorPath>,
    Json(patch): Json<RolePatch>,
) -> Answer<StatusCode> {
    visit.set_collaborator(&at.path, &at.name, patch.role).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes an account's role. Callers may remove their own.
#[utoipa::path(delete, path = "/repositories/{path}/-/collaborators/{name}", tag = "Collaborators",
    params(CollaboratorPath), responses((status = 204, description = "The account has no role of its own.")))]
pub(super) async fn delete_collaborator(Caller(visit): Caller, Path(at): Path<CollaboratorPath>) -> Answer<StatusCode> {
    visit.remove_collaborator(&at.path, &at.name).await?;
    Ok(StatusCode::NO_CONTENT)
}
