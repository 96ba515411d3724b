//! Comments: threads as a flat list, with the replies after the comment that they answer.

use app::portal::Comments as _;
use http::StatusCode;
use model::comment::{Comment, NewComment};
use model::id::CommentId;
use model::oci::RepositoryName;
use model::page::Page;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::answer::{Answer, Created, created};
use super::caller::Caller;
use super::extract::{Json, PageQuery, Path, Query, RepositoryPath, within_hub};

/// Lists a repository's comments.
///
/// Threads are sorted newest first. Each is followed by its replies, oldest first. `limit` counts threads.
#[utoipa::path(get, path = "/repositories/{path}/-/comments", tag = "Comments",
    params(RepositoryPath, PageQuery), responses((status = 200, body = Page<Comment>)))]
pub(super) async fn list_comments(
    Caller(visit): Caller,
    Path(at): Path<RepositoryPath>,
    Query(page): Query<PageQuery>,
) -> Answer<Json<Page<Comment>>> {
    let threads = visit.threads(&at.path, page.into()).await?;
    let items =
        threads.items.into_iter().flat_map(|thread| std::iter::once(thread.root).chain(thread.replies)).collect();
    Ok(Json(Page { items, next: threads.next }))
}

/// Posts a comment, or a reply to one.
#[utoipa::path(post, path = "/repositories/{path}/-/comments", tag = "Comments",
    params(RepositoryPath), responses((status = 201, body = Comment)))]
pub(super) async fn create_comment(
    Caller(visit): Caller,
    Path(at): Path<RepositoryPath>,
    Json(form): Json<NewComment>,
) -> Answer<Created<Comment>> {
    let comment = visit.post_comment(&at.path, form).await?;
    Ok(created(&format!("/repositories/{}/-/comments/{}", at.path, comment.id), comment))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct CommentPath {
    /// `namespace/name`, with unescaped slashes.
    #[param(value_type = String, allow_reserved)]
    #[serde(deserialize_with = "within_hub")]
    path: RepositoryName,
    /// The comment's id.
    #[param(value_type = i64)]
    id: CommentId,
}

/// Returns a comment.
#[utoipa::path(get, path = "/repositories/{path}/-/comments/{id}", tag = "Comments",
    params(CommentPath), responses((status = 200, body = Comment)))]
pub(super) async fn read_comment(Caller(visit): Caller, Path(at): Path<CommentPath>) -> Answer<Json<Comment>> {
    Ok(Json(visit.comment(&at.path, at.id).await?))
}

/// The new text of a comment.
#[derive(Deserialize, ToSchema)]
pub(super) struct CommentPatch {
    /// Markdown, up to 16 KiB.
    body: String,
}

/// Edits the caller's own comment.
#[utoipa::path(patch, path = "/repositories/{path}/-/comments/{id}", tag = "Comments",
    params(CommentPath), responses((status = 200, body = Comment)))]
pub(super) async fn change_comment(
    Caller(visit): Caller,
    Path(at): Path<CommentPath>,
    Json(patch): Json<CommentPatch>,
) -> Answer<Json<Comment>> {
    Ok(Json(visit.edit_comment(&at.path, at.id, &patch.body).await?))
}

/// Deletes the caller's own comment, or anyone's as a maintainer.
#[utoipa::path(delete, path = "/repositories/{path}/-/comments/{id}", tag = "Comments",
    params(CommentPath), responses((status = 204, description = "Deleted.")))]
pub(super) async fn delete_comment(Caller(visit): Caller, Path(at): Path<CommentPath>) -> Answer<StatusCode> {
    visit.delete_comment(&at.path, at.id).await?;
    Ok(StatusCode::NO_CONTENT)
}
