//! Comments on a repository: Markdown text in threads of one level.

use std::collections::BTreeMap;
use std::time::Duration;

use model::clock::Timestamp;
use model::comment::{Comment, MAX_BODY, NewComment, Thread};
use model::event::EventKind;
use model::fault::Fault;
use model::id::CommentId;
use model::oci;
use model::page::{Page, PageRequest};
use model::reason::Reason;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveValue, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};

use crate::access::{self, CommentAct, Need, Participate, Permit, See, Verdict, comment_verdict};
use crate::entity::{comment, repository};
use crate::error::{Error, Result};
use crate::{Store, cursor, ledger, outbox};

mod row;

use row::CommentRow;

/// The most replies in a thread, including deleted ones: a page of threads shows all their replies.
const MAX_REPLIES: u64 = 100;

/// How long the same text by the same author at the same place is taken for the same comment.
const REPEATED: Duration = Duration::from_secs(10);

/// Returns a comment as the permit's viewer sees it.
fn view<N: Need>(permit: &Permit<N>, row: CommentRow) -> Result<Comment> {
    let editable = may(permit, &row, CommentAct::Edit) == Verdict::Allowed;
    let deletable = may(permit, &row, CommentAct::Delete) == Verdict::Allowed;
    let author_role = row.author_role()?;
    let CommentRow { comment, author, .. } = row;
    Ok(Comment {
        id: CommentId(comment.number),
        author: author.0,
        body: comment.body,
        html: String::new(),
        tag: comment.tag.map(|tag| oci::Tag::parse(&tag)).transpose().map_err(|_| Error::Corrupt("comment.tag"))?,
        parent: comment.root.map(CommentId),
        created_at: Timestamp::from_micros(comment.created_at),
        edited_at: comment.edited_at.map(Timestamp::from_micros),
        deleted: comment.deleted_at.is_some(),
        author_role,
        editable,
        deletable,
    })
}

/// Whether the permit's viewer may edit or delete a comment; [`Verdict::Absent`] if it is deleted.
fn may<N: Need>(permit: &Permit<N>, row: &CommentRow, act: CommentAct) -> Verdict {
    if row.comment.deleted_at.is_some() {
        return Verdict::Absent;
    }
    let is_author = permit.account().map(|id| id.0) == Some(row.comment.author_id);
    comment_verdict(permit.standing(), is_author, act)
}

impl Store {
    /// Returns threads, newest first, each with its replies, oldest first. A deleted first comment is included without
    /// its text while it has replies. The HTML is left empty.
    pub async fn threads(&self, permit: &Permit<See>, page: &PageRequest) -> Result<Page<Thread>> {
        let before = page.cursor.as_deref().map_or(Ok(i64::MAX), |text| text.parse().map_err(|_| cursor::wrong()))?;
        let limit = page.limit();
        let repository = permit.repository().0;
        let roots = row::select(repository)
            .filter(comment::Column::Root.is_null())
            .filter(comment::Column::Number.lt(before))
            .filter(row::stands())
            .order_by_desc(comment::Column::Number)
            .limit(u64::from(limit) + 1)
            .into_model::<CommentRow>()
            .all(self.database().read(permit))
            .await?;
        let page = Page::from_surplus(roots, limit, |row| row.comment.number.to_string());
        let mut replies = self.replies(permit, &page.items).await?;
        let mut threads = Vec::new();
        for root in page.items {
            let replies = replies.remove(&root.comment.number).unwrap_or_default();
            let replies = replies.into_iter().map(|row| view(permit, row)).collect::<Result<_>>()?;
            threads.push(Thread { root: view(permit, root)?, replies });
        }
        Ok(Page { items: threads, next: page.next })
    }

    /// Returns the replies of these threads; each has at most [`MAX_REPLIES`].
    async fn replies(&self, permit: &Permit<See>, roots: &[CommentRow]) -> Result<BTreeMap<i64, Vec<CommentRow>>> {
        let mut replies: BTreeMap<i64, Vec<CommentRow>> = BTreeMap::new();
        if roots.is_empty() {
            return Ok(replies);
        }
        let rows = row::select(permit.repository().0)
            .filter(comment::Column::Root.is_in(roots.iter().map(|root| root.comment.number)))
            .filter(comment::Column::DeletedAt.is_null())
            .order_by_asc(comment::Column::Number)
            .into_model::<CommentRow>()
            .all(self.database().read(permit))
            .await?;
        for row in rows {
            replies.entry(row.thread()).or_default().push(row);
        }
        Ok(replies)
    }

    /// Returns one comment; [`Error::Absent`] if it is deleted, even if its thread still shows a placeholder.
    pub async fn comment(&self, permit: &Permit<See>, id: CommentId) -> Result<Comment> {
        view(permit, alive(self.database().read(permit), permit, id).await?)
    }

    /// Creates a comment. A reply to a reply joins the same thread. The comment replied to must exist. If the author
    /// posted the same text there a moment ago, returns that comment: forms are sent twice by impatient people.
    pub async fn post_comment(&self, permit: &Permit<access::Comment>, form: &NewComment) -> Result<Comment> {
        let author = permit.require_account()?.0;
        let body = body(&form.body)?;
        let tag = match form.tag.as_deref().map(str::trim).filter(|tag| !tag.is_empty()) {
            Some(tag) => {
                let tag = oci::Tag::parse(tag).map_err(|_| Fault::invalid("tag", Reason::TagSyntax))?;
                Some(tag.as_str().to_owned())
            }
            None => None,
        };
        let tag = tag.as_deref();
        let parent = form.parent;
        let now = self.clock().now();
        let row = self
            .database()
            .write(permit, |tx| async move {
                ledger::manifests::lock(&*tx, permit.repository()).await?;
                let root = match parent {
                    Some(parent) => Some(open_thread(&*tx, permit.repository().0, parent).await?),
                    None => None,
                };
                let since = now.minus(REPEATED);
                if let Some(comment) = repeated(&*tx, permit.repository().0, author, root, tag, body, since).await? {
                    return row::find(&*tx, permit.repository().0, comment).await?.ok_or(Error::Absent);
                }
                let comment = next(&*tx, permit.repository().0).await?;
                let new = comment::ActiveModel {
                    repository_id: ActiveValue::Set(permit.repository().0),
                    number: ActiveValue::Set(comment.0),
                    author_id: ActiveValue::Set(author),
                    root: ActiveValue::Set(root),
                    tag: ActiveValue::Set(tag.map(str::to_owned)),
                    body: ActiveValue::Set(body.to_owned()),
                    created_at: ActiveValue::Set(now.micros()),
                    ..Default::default()
                };
                comment::Entity::insert(new).exec_without_returning(&*tx).await?;
                count(&*tx, permit.repository().0, 1).await?;
                let row = row::find(&*tx, permit.repository().0, comment).await?.ok_or(Error::Absent)?;
                outbox::append(&*tx, &outbox::event(permit, EventKind::CommentCreated { comment }), now).await?;
                Ok::<_, Error>(row)
            })
            .await?;
        self.notifier().notify();
        view(permit, row)
    }

    /// Changes the text of the viewer's own comment.
    pub async fn edit_comment(&self, permit: &Permit<Participate>, id: CommentId, text: &str) -> Result<Comment> {
        let body = body(text)?;
        let now = self.clock().now();
        let row = self
            .database()
            .write(permit, |tx| async move {
                let mut row = alive(&*tx, permit, id).await?;
                may(permit, &row, CommentAct::Edit).require()?;
                comment::Entity::update_many()
                    .col_expr(comment::Column::Body, Expr::val(body))
                    .col_expr(comment::Column::EditedAt, Expr::val(now.micros()))
                    .filter(comment::Column::RepositoryId.eq(permit.repository().0))
                    .filter(comment::Column::Number.eq(id.0))
                    .exec(&*tx)
                    .await?;
                outbox::append(&*tx, &outbox::event(permit, EventKind::CommentEdited { comment: id }), now).await?;
                row.comment.body = body.to_owned();
                row.comment.edited_at = Some(now.micros());
                Ok::<_, Error>(row)
            })
            .await?;
        self.notifier().notify();
        view(permit, row)
    }

    /// Deletes a comment. Authors may delete their own comments, and maintainers any. The text is removed immediately.
    pub async fn delete_comment(&self, permit: &Permit<Participate>, id: CommentId) -> Result<()> {
        let now = self.clock().now();
        self.database()
            .write(permit, |tx| async move {
                let row = alive(&*tx, permit, id).await?;
                may(permit, &row, CommentAct::Delete).require()?;
                let deleted = comment::Entity::update_many()
                    .col_expr(comment::Column::Body, Expr::val(""))
                    .col_expr(comment::Column::DeletedAt, Expr::val(now.micros()))
                    .filter(comment::Column::RepositoryId.eq(permit.repository().0))
                    .filter(comment::Column::Number.eq(id.0))
                    .filter(comment::Column::DeletedAt.is_null())
                    .exec(&*tx)
                    .await?;
                if deleted.rows_affected == 0 {
                    return Err(Error::Absent);
                }
                count(&*tx, permit.repository().0, -1).await?;
                outbox::append(&*tx, &outbox::event(permit, EventKind::CommentDeleted { comment: id }), now).await
            })
            .await?;
        self.notifier().notify();
        Ok(())
    }
}

/// Returns a comment of the permit's repository; [`Error::Absent`] if it is missing or deleted.
async fn alive<N: Need>(on: &impl ConnectionTrait, permit: &Permit<N>, id: CommentId) -> Result<CommentRow> {
    row::find(on, permit.repository().0, id).await?.ok_or(Error::Absent)
}

/// Returns the number of the next comment on a repository, whose row must be locked. Numbers of all repositories
/// together would tell how much is written in hidden ones.
async fn next(on: &impl ConnectionTrait, repository: i64) -> Result<CommentId> {
    let last = comment::Entity::find()
        .select_only()
        .column(comment::Column::Number)
        .filter(comment::Column::RepositoryId.eq(repository))
        .order_by_desc(comment::Column::Number)
        .limit(1)
        .into_tuple::<i64>()
        .one(on)
        .await?;
    Ok(CommentId(last.unwrap_or(0) + 1))
}

/// Returns the number of the first comment in `parent`'s thread, which must have room for another reply. `parent` must be a
/// comment on the same repository.
async fn open_thread(on: &impl ConnectionTrait, repository: i64, parent: CommentId) -> Result<i64> {
    let row = row::find(on, repository, parent).await?;
    let root = row.ok_or_else(|| Fault::invalid("parent", Reason::ParentNotFound))?.thread();
    let replies = comment::Entity::find().filter(comment::Column::RepositoryId.eq(repository));
    if replies.filter(comment::Column::Root.eq(root)).count(on).await? >= MAX_REPLIES {
        return Err(Error::Fault(Fault::invalid("parent", Reason::ThreadFull { max: MAX_REPLIES })));
    }
    Ok(root)
}

/// Returns the author's newest comment with the same text at the same place, if it was posted after `since`.
async fn repeated(
    on: &impl ConnectionTrait,
    repository: i64,
    author: i64,
    root: Option<i64>,
    tag: Option<&str>,
    body: &str,
    since: Timestamp,
) -> Result<Option<CommentId>> {
    let comment = comment::Entity::find()
        .select_only()
        .column(comment::Column::Number)
        .filter(comment::Column::RepositoryId.eq(repository))
        .filter(comment::Column::AuthorId.eq(author))
        .filter(comment::Column::CreatedAt.gt(since.micros()))
        .filter(comment::Column::DeletedAt.is_null())
        .filter(comment::Column::Body.eq(body))
        .filter(root.map_or(comment::Column::Root.is_null(), |root| comment::Column::Root.eq(root)))
        .filter(tag.map_or(comment::Column::Tag.is_null(), |tag| comment::Column::Tag.eq(tag)))
        .order_by_desc(comment::Column::Number)
        .into_tuple::<i64>()
        .one(on)
        .await?;
    Ok(comment.map(CommentId))
}

/// Adds `step` to the repository's comment count.
async fn count(on: &impl ConnectionTrait, repository: i64, step: i64) -> Result<()> {
    repository::Entity::update_many()
        .col_expr(repository::Column::CommentCount, Expr::col(repository::Column::CommentCount).add(step))
        .filter(repository::Column::Id.eq(repository))
        .exec(on)
        .await?;
    Ok(())
}

/// Validates a comment's text and trims it.
fn body(text: &str) -> Result<&str> {
    let text = text.trim();
    cursor::no_zero("body", text)?;
    if text.is_empty() {
        return Err(Error::Fault(Fault::invalid("body", Reason::CommentEmpty)));
    }
    if text.len() > MAX_BODY {
        return Err(Error::Fault(Fault::invalid("body", Reason::CommentTooLarge { kib: MAX_BODY / 1024 })));
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
