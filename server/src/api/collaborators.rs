//! Collaborators: accounts with a role on a single repository.

use app::portal::Repositories as _;
use http::StatusCode;
use model::oci::RepositoryName;
use model::page::Page;
use model::repository::Collaborator;
use model::role::Role;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::answer::Answer;
use super::caller::Caller;
use super::extract::{Json, PageQuery, Path, Query, RepositoryPath, within_hub};

/// Lists a repository's collaborators by name.
///
/// Roles that come from the namespace are not listed.
#[utoipa::path(get, path = "/repositories/{path}/-/collaborators", tag = "Collaborators",
    params(RepositoryPath, PageQuery), responses((status = 200, body = Page<Collaborator>)))]
pub(super) async fn list_collaborators(
    Caller(visit): Caller,
    Path(at): Path<RepositoryPath>,
    Query(page): Query<PageQuery>,
) -> Answer<Json<Page<Collaborator>>> {
    Ok(Json(visit.collaborators(&at.path, page.into()).await?))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct CollaboratorPath {
    /// `namespace/name`, with unescaped slashes.
    #[param(value_type = String, allow_reserved)]
    #[serde(deserialize_with = "within_hub")]
    path: RepositoryName,
    /// The account's name.
    name: String,
}

/// The role of a collaborator.
#[derive(Deserialize, ToSchema)]
pub(super) struct RolePatch {
    /// The new role. It and the previous role must be lower than the caller's own.
    role: Role,
}

/// Adds a collaborator or changes their role.
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

/// Removes a collaborator. Callers may always remove themselves.
#[utoipa::path(delete, path = "/repositories/{path}/-/collaborators/{name}", tag = "Collaborators",
    params(CollaboratorPath), responses((status = 204, description = "The account has no role of its own.")))]
pub(super) async fn delete_collaborator(Caller(visit): Caller, Path(at): Path<CollaboratorPath>) -> Answer<StatusCode> {
    visit.remove_collaborator(&at.path, &at.name).await?;
    Ok(StatusCode::NO_CONTENT)
}
