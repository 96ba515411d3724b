//! Repositories. Their tags, comments, stars and collaborators are in the neighbouring modules.

use app::portal::Repositories as _;
use http::StatusCode;
use model::page::Page;
use model::reason::Reason;
use model::repository::{NewRepository, Repository, RepositoryFilter, RepositoryPatch, RepositorySort};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::{Answer, Created, created};
use super::caller::{Caller, SignedIn};
use super::extract::{Json, PageQuery, Parameters, Path, Query, RepositoryPath, sort_reason};

/// A repository with its README.
#[derive(Serialize, ToSchema)]
pub(super) struct RepositoryDetail {
    #[serde(flatten)]
    repository: Repository,
    /// The README as Markdown. May be empty.
    overview: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RepositoryQuery {
    /// Only repositories of this account or organisation.
    namespace: Option<String>,
    /// Only repositories starred by this account.
    starred_by: Option<String>,
    /// The order. `updated` by default.
    #[param(inline)]
    sort: Option<RepositorySort>,
}

impl Parameters for RepositoryQuery {
    fn reason(name: &str) -> Option<Reason> {
        sort_reason(name, RepositorySort::ALL.map(RepositorySort::as_str))
    }
}

/// Lists the repositories that the caller may see.
#[utoipa::path(get, path = "/repositories", tag = "Repositories",
    params(RepositoryQuery, PageQuery), responses((status = 200, body = Page<Repository>)))]
pub(super) async fn list_repositories(
    Caller(visit): Caller,
    Query(query): Query<RepositoryQuery>,
    Query(page): Query<PageQuery>,
) -> Answer<Json<Page<Repository>>> {
    let filter = RepositoryFilter {
        namespace: query.namespace,
        starred_by: query.starred_by,
        sort: query.sort.unwrap_or_default(),
        ..RepositoryFilter::default()
    };
    Ok(Json(visit.repositories(filter, page.into()).await?))
}

/// Creates a repository. It is private unless `visibility` says otherwise.
#[utoipa::path(post, path = "/repositories", tag = "Repositories", security(("token" = []), ("password" = [])),
    responses((status = 201, body = Repository)))]
pub(super) async fn create_repository(
    SignedIn(visit): SignedIn,
    Json(form): Json<NewRepository>,
) -> Answer<Created<Repository>> {
    let repository = visit.create_repository(form).await?;
    let location = format!("/repositories/{}", repository.path);
    Ok(created(&location, repository))
}

/// Returns a repository with its README.
#[utoipa::path(get, path = "/repositories/{path}", tag = "Repositories",
    params(RepositoryPath), responses((status = 200, body = RepositoryDetail)))]
pub(super) async fn read_repository(
    Caller(visit): Caller,
    Path(at): Path<RepositoryPath>,
) -> Answer<Json<RepositoryDetail>> {
    let repository = visit.repository(&at.path).await?;
    let overview = visit.overview_source(&at.path).await?;
    Ok(Json(RepositoryDetail { repository, overview }))
}

/// Changes a repository's texts and settings. Omitted fields keep their values.
#[utoipa::path(patch, path = "/repositories/{path}", tag = "Repositories",
    params(RepositoryPath), responses((status = 200, body = Repository)))]
pub(super) async fn change_repository(
    Caller(visit): Caller,
    Path(at): Path<RepositoryPath>,
    Json(patch): Json<RepositoryPatch>,
) -> Answer<Json<Repository>> {
    Ok(Json(visit.update_repository(&at.path, patch).await?))
}

/// Deletes a repository and everything in it.
#[utoipa::path(delete, path = "/repositories/{path}", tag = "Repositories",
    params(RepositoryPath), responses((status = 204, description = "Deleted.")))]
pub(super) async fn delete_repository(Caller(visit): Caller, Path(at): Path<RepositoryPath>) -> Answer<StatusCode> {
    visit.delete_repository(&at.path).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The new name of a repository.
#[derive(Deserialize, ToSchema)]
pub(super) struct Rename {
    /// The name within the namespace.
    name: String,
}

/// Renames a repository within its namespace. The old name redirects to the new one.
#[utoipa::path(post, path = "/repositories/{path}/-/rename", tag = "Repositories",
    params(RepositoryPath), responses((status = 200, body = Repository)))]
pub(super) async fn rename_repository(
    Caller(visit): Caller,
    Path(at): Path<RepositoryPath>,
    Json(form): Json<Rename>,
) -> Answer<Json<Repository>> {
    Ok(Json(visit.rename_repository(&at.path, &form.name).await?))
}
