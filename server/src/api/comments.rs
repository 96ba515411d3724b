//! The calls about comments: threads laid flat, each answer after what it answers.

use app::portal::Comments as _;
use model::comment::NewComment;
use model::id::CommentId;
use model::page::Page;
use serde::Deserialize;

use super::input::Input;
use super::{Answered, created, nothing, one};
use crate::portal::Visit;

pub(super) async fn list(visit: &Visit, input: &Input<'_>) -> Answered {
    let threads = visit.threads(&input.repository()?, input.page()?).await?;
    let items =
        threads.items.into_iter().flat_map(|thread| std::iter::once(thread.root).chain(thread.replies)).collect();
    Ok(one(&Page::<model::comment::Comment> { items, next: threads.next }))
}

pub(super) async fn create(visit: &Visit, input: &Input<'_>) -> Answered {
    let repository = input.repository()?;
    let comment = visit.post_comment(&repository, input.object::<NewComment>()?).await?;
    Ok(created(&format!("/repositories/{repository}/-/comments/{}", comment.id), &comment))
}

pub(super) async fn read(visit: &Visit, input: &Input<'_>) -> Answered {
    Ok(one(&visit.comment(&input.repository()?, CommentId(input.number("id")?)).await?))
}

#[derive(Deserialize)]
struct Change {
    body: String,
}

pub(super) async fn change(visit: &Visit, input: &Input<'_>) -> Answered {
    let Change { body } = input.object()?;
    Ok(one(&visit.edit_comment(&input.repository()?, CommentId(input.number("id")?), &body).await?))
}

pub(super) async fn delete(visit: &Visit, input: &Input<'_>) -> Answered {
    visit.delete_comment(&input.repository()?, CommentId(input.number("id")?)).await?;
    Ok(nothing())
}
