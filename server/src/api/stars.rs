//! Stars.

use app::portal::Repositories as _;
use http::StatusCode;
use model::account::Account;
use model::page::Page;

use super::answer::Answer;
use super::caller::Caller;
use super::extract::{Json, PageQuery, Path, Query, RepositoryPath};
use super::problem::Problem;

/// Checks whether the caller starred a repository: 204 if so, 404 if not.
#[utoipa::path(get, path = "/repositories/{path}/-/star", tag = "Stars",
    params(RepositoryPath), responses((status = 204, description = "Starred.")))]
pub(super) async fn read_star(Caller(visit): Caller, Path(at): Path<RepositoryPath>) -> Answer<StatusCode> {
    if visit.starred(&at.path).await? { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found()) }
}

/// Stars a repository.
#[utoipa::path(put, path = "/repositories/{path}/-/star", tag = "Stars",
    params(RepositoryPath), responses((status = 204, description = "Starred.")))]
pub(super) async fn put_star(Caller(visit): Caller, Path(at): Path<RepositoryPath>) -> Answer<StatusCode> {
    visit.set_star(&at.path, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes the caller's star.
#[utoipa::path(delete, path = "/repositories/{path}/-/star", tag = "Stars",
    params(RepositoryPath), responses((status = 204, description = "Not starred.")))]
pub(super) async fn delete_star(Caller(visit): Caller, Path(at): Path<RepositoryPath>) -> Answer<StatusCode> {
    visit.set_star(&at.path, false).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the accounts that starred a repository, latest first.
#[utoipa::path(get, path = "/repositories/{path}/-/stargazers", tag = "Stars",
    params(RepositoryPath, PageQuery), responses((status = 200, body = Page<Account>)))]
pub(super) async fn list_stargazers(
    Caller(visit): Caller,
    Path(at): Path<RepositoryPath>,
    Query(page): Query<PageQuery>,
) -> Answer<Json<Page<Account>>> {
    Ok(Json(visit.stargazers(&at.path, page.into()).await?))
}
