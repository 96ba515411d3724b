//! Writing, editing and deleting comments.

use leptos::prelude::*;
use model::comment::NewComment;
use model::fault::Fault;
use model::id::CommentId;

use super::{ActionFault, Completion, path as parse, settle};
use crate::place;
use crate::portal::{PortalResult, portal};

/// The names of the forms.
pub(crate) const POST: &str = "comments/post";
pub(crate) const EDIT: &str = "comments/edit";
pub(crate) const DELETE: &str = "comments/delete";

/// Posts a comment, or a reply to `parent`, and shows it.
#[server(prefix = "/_actions", endpoint = "comments/post")]
pub(crate) async fn post_comment(
    #[server(default)] path: String,
    #[server(default)] body: String,
    #[server(default)] parent: String,
) -> Result<(), ActionFault> {
    let outcome: PortalResult<Completion<()>> = async {
        let path = parse(&path)?;
        let parent = if parent.is_empty() { None } else { Some(id(&parent)?) };
        let form = NewComment { body: body.replace("\r\n", "\n"), parent, tag: None };
        let comment = portal()?.post_comment(&path, form).await?;
        Ok(Completion::to((), format!("{}#comment-{}", place::within(&path, "comments"), comment.id)))
    }
    .await;
    settle(POST, &[("body", &body)], outcome).await
}

/// Edits a comment and shows it.
#[server(prefix = "/_actions", endpoint = "comments/edit")]
pub(crate) async fn edit_comment(
    #[server(default)] path: String,
    #[server(default)] comment: String,
    #[server(default)] body: String,
) -> Result<(), ActionFault> {
    let outcome: PortalResult<Completion<()>> = async {
        let path = parse(&path)?;
        let comment = id(&comment)?;
        portal()?.edit_comment(&path, comment, &body.replace("\r\n", "\n")).await?;
        Ok(Completion::to((), format!("{}#comment-{comment}", place::within(&path, "comments"))))
    }
    .await;
    settle(EDIT, &[("body", &body)], outcome).await
}

/// Deletes a comment.
#[server(prefix = "/_actions", endpoint = "comments/delete")]
pub(crate) async fn delete_comment(
    #[server(default)] path: String,
    #[server(default)] comment: String,
) -> Result<(), ActionFault> {
    let outcome: PortalResult<Completion<()>> = async {
        let path = parse(&path)?;
        portal()?.delete_comment(&path, id(&comment)?).await?;
        Ok(Completion::to((), place::within(&path, "comments")))
    }
    .await;
    settle(DELETE, &[], outcome).await
}

fn id(text: &str) -> PortalResult<CommentId> {
    text.parse().map(CommentId).map_err(|_| Fault::not_found())
}
