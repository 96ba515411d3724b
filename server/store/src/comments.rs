//! Comments: threads of one level under a repository, as Markdown; HTML is made elsewhere.
//! It refuses to know who may write one: it takes a permit; who may change one it settles by authorship and role.

use std::collections::BTreeMap;

use model::account::AccountName;
use model::clock::Timestamp;
use model::comment::{Comment, MAX_BODY, NewComment, Thread};
use model::event::What;
use model::fault::Fault;
use model::id::CommentId;
use model::oci;
use model::page::{Page, PageRequest};
use model::reason::Reason;
use model::role::Role;
use model::token::TokenAction;
use sea_orm::{ConnectionTrait, FromQueryResult, QueryResult};

use crate::access::{self, Need, Permit, See, Viewer};
use crate::error::{Error, Result};
use crate::repositories::change;
use crate::{Store, cursor, outbox, sql};

#[derive(Debug, FromQueryResult)]
struct Row {
    id: i64,
    author_id: i64,
    author: String,
    root_id: Option<i64>,
    tag: Option<String>,
    body: String,
    created_at: i64,
    edited_at: Option<i64>,
    deleted_at: Option<i64>,
    namespace_id: Option<i64>,
    membership: Option<String>,
    collaboration: Option<String>,
}

/// A comment with its author's name and roles; conditions speak of `c`.
const SELECT: &str = "
    SELECT c.id, c.author_id, a.name AS author, c.root_id, c.tag, c.body, c.created_at, c.edited_at, c.deleted_at,
        r.namespace_id,
        (SELECT m.role FROM membership m
            WHERE m.namespace_id = r.namespace_id AND m.account_id = c.author_id) AS membership,
        (SELECT o.role FROM collaborator o
            WHERE o.repository_id = c.repository_id AND o.account_id = c.author_id) AS collaboration
    FROM comment c JOIN account a ON a.id = c.author_id JOIN repository r ON r.id = c.repository_id";

/// Who looks at comments, and what they may do with them.
#[derive(Clone, Copy)]
struct Eyes {
    account: Option<i64>,
    /// Whether a token's limits leave writing here.
    writes: bool,
    moderates: bool,
}

impl Eyes {
    fn of<N: Need>(permit: &Permit<N>, reach: bool) -> Self {
        Self {
            account: permit.account().map(|id| id.0),
            writes: reach,
            moderates: permit.role() >= Some(Role::Maintainer),
        }
    }

    fn edits(self, row: &Row) -> bool {
        self.writes && row.deleted_at.is_none() && self.account == Some(row.author_id)
    }

    fn deletes(self, row: &Row) -> bool {
        self.edits(row) || (self.writes && row.deleted_at.is_none() && self.moderates)
    }

    fn view(self, row: Row) -> Result<Comment> {
        let editable = self.edits(&row);
        let deletable = self.deletes(&row);
        let role = |text: Option<String>| {
            text.map(|text| text.parse::<Role>().map_err(|_| Error::Corrupt("role"))).transpose()
        };
        let author_role = if row.namespace_id == Some(row.author_id) {
            Some(Role::Owner)
        } else {
            role(row.membership)?.max(role(row.collaboration)?)
        };
        Ok(Comment {
            id: CommentId(row.id),
            author: AccountName::parse(&row.author).map_err(|_| Error::Corrupt("account.name"))?,
            body: row.body,
            html: String::new(),
            tag: row.tag.map(|tag| oci::Tag::parse(&tag)).transpose().map_err(|_| Error::Corrupt("comment.tag"))?,
            parent: row.root_id.map(CommentId),
            created_at: Timestamp::from_micros(row.created_at),
            edited_at: row.edited_at.map(Timestamp::from_micros),
            deleted: row.deleted_at.is_some(),
            author_role,
            editable,
            deletable,
        })
    }
}

impl Store {
    /// Threads, the newest first, each with its answers, the oldest first. A deleted comment stands, without its text, only
    /// while it has answers. The HTML of all is left empty.
    pub async fn threads(&self, permit: &Permit<See>, viewer: &Viewer, page: &PageRequest) -> Result<Page<Thread>> {
        let before = page.cursor.as_deref().map_or(Ok(i64::MAX), |text| text.parse().map_err(|_| cursor::wrong()))?;
        let limit = page.limit();
        let roots = format!(
            "{SELECT} WHERE c.repository_id = $1 AND c.root_id IS NULL AND c.id < $2
                 AND (c.deleted_at IS NULL
                     OR EXISTS (SELECT 1 FROM comment d WHERE d.root_id = c.id AND d.deleted_at IS NULL))
             ORDER BY c.id DESC LIMIT $3"
        );
        let repository = permit.repository().0;
        let values = [repository.into(), before.into(), (i64::from(limit) + 1).into()];
        let roots = parse(&sql::all(self.database().pool(), &roots, values).await?)?;
        let page = Page::from_surplus(roots, limit, |row| row.id.to_string());
        let eyes = Eyes::of(permit, writes(viewer, permit));
        let mut replies = self.replies(repository, &page.items).await?;
        let mut threads = Vec::new();
        for root in page.items {
            let replies = replies.remove(&root.id).unwrap_or_default();
            let replies = replies.into_iter().map(|row| eyes.view(row)).collect::<Result<_>>()?;
            threads.push(Thread { root: eyes.view(root)?, replies });
        }
        Ok(Page { items: threads, next: page.next })
    }

    async fn replies(&self, repository: i64, roots: &[Row]) -> Result<BTreeMap<i64, Vec<Row>>> {
        let mut replies: BTreeMap<i64, Vec<Row>> = BTreeMap::new();
        if roots.is_empty() {
            return Ok(replies);
        }
        let find = format!(
            "{SELECT} WHERE c.repository_id = $1 AND c.root_id IN ({}) AND c.deleted_at IS NULL ORDER BY c.id",
            sql::list(2, roots.len())
        );
        let values = std::iter::once(repository.into()).chain(roots.iter().map(|root| root.id.into()));
        for row in parse(&sql::all(self.database().pool(), &find, values).await?)? {
            replies.entry(row.root_id.unwrap_or(row.id)).or_default().push(row);
        }
        Ok(replies)
    }

    /// One comment. A deleted one is absent here, though it may stand in its thread.
    pub async fn comment(&self, permit: &Permit<See>, viewer: &Viewer, id: CommentId) -> Result<Comment> {
        let row = alive(self.database().pool(), permit, id).await?;
        Eyes::of(permit, writes(viewer, permit)).view(row)
    }

    /// Writes a comment. An answer to an answer joins the thread; what it answers must be there.
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
            .write(|tx| async move {
                let root = match parent {
                    Some(parent) => Some(root_of(&*tx, permit.repository().0, parent).await?),
                    None => None,
                };
                let insert = "INSERT INTO comment (repository_id, author_id, root_id, tag, body, created_at)
                     VALUES ($1, $2, $3, $4, $5, $6) RETURNING id";
                let values = [
                    permit.repository().0.into(),
                    author.into(),
                    root.into(),
                    tag.into(),
                    body.into(),
                    now.micros().into(),
                ];
                let row = sql::first(&*tx, insert, values).await?.ok_or(Error::Corrupt("comment.id"))?;
                let comment = CommentId(row.try_get_by_index(0)?);
                count(&*tx, permit.repository().0, 1).await?;
                let row = find(&*tx, permit.repository().0, comment).await?.ok_or(Error::Absent)?;
                outbox::append(&*tx, &change::event(permit, What::Commented { comment }), now).await?;
                Ok::<_, Error>(row)
            })
            .await?;
        self.news().notify_waiters();
        Eyes::of(permit, true).view(row)
    }

    /// Changes the text of one's own comment.
    pub async fn edit_comment(
        &self,
        permit: &Permit<See>,
        viewer: &Viewer,
        id: CommentId,
        text: &str,
    ) -> Result<Comment> {
        let body = body(text)?;
        let eyes = Eyes::of(permit, writes(viewer, permit));
        let now = self.clock().now();
        let row = self
            .database()
            .write(|tx| async move {
                let row = alive(&*tx, permit, id).await?;
                if !eyes.edits(&row) {
                    return Err(refusal(viewer));
                }
                let update = "UPDATE comment SET body = $3, edited_at = $4 WHERE repository_id = $1 AND id = $2";
                let values = [permit.repository().0.into(), id.0.into(), body.into(), now.micros().into()];
                sql::execute(&*tx, update, values).await?;
                outbox::append(&*tx, &change::event(permit, What::Changed), now).await?;
                Ok(Row { body: body.to_owned(), edited_at: Some(now.micros()), ..row })
            })
            .await?;
        self.news().notify_waiters();
        eyes.view(row)
    }

    /// Deletes one's own comment, or anybody's as a maintainer. Its text is gone at once.
    pub async fn delete_comment(&self, permit: &Permit<See>, viewer: &Viewer, id: CommentId) -> Result<()> {
        let eyes = Eyes::of(permit, writes(viewer, permit));
        let now = self.clock().now();
        self.database()
            .write(|tx| async move {
                let row = alive(&*tx, permit, id).await?;
                if !eyes.deletes(&row) {
                    return Err(refusal(viewer));
                }
                let delete = "UPDATE comment SET body = '', deleted_at = $3
                     WHERE repository_id = $1 AND id = $2 AND deleted_at IS NULL";
                let values = [permit.repository().0.into(), id.0.into(), now.micros().into()];
                if sql::execute(&*tx, delete, values).await? == 0 {
                    return Err(Error::Absent);
                }
                count(&*tx, permit.repository().0, -1).await?;
                outbox::append(&*tx, &change::event(permit, What::Changed), now).await
            })
            .await?;
        self.news().notify_waiters();
        Ok(())
    }
}

/// Whether the viewer's token leaves writing comments here.
fn writes(viewer: &Viewer, permit: &Permit<See>) -> bool {
    viewer.reach(permit.path().as_str()).includes(TokenAction::Manage)
}

/// To somebody who is not signed in: sign in; to others, also with a token for something else: no.
fn refusal(viewer: &Viewer) -> Error {
    if viewer.is_signed_in() { Error::Forbidden } else { Error::SignIn }
}

/// A comment of the permit's repository that was not deleted.
async fn alive(on: &impl ConnectionTrait, permit: &Permit<See>, id: CommentId) -> Result<Row> {
    let row = find(on, permit.repository().0, id).await?;
    row.filter(|row| row.deleted_at.is_none()).ok_or(Error::Absent)
}

async fn find(on: &impl ConnectionTrait, repository: i64, id: CommentId) -> Result<Option<Row>> {
    let find = format!("{SELECT} WHERE c.repository_id = $1 AND c.id = $2");
    let row = sql::first(on, &find, [repository.into(), id.0.into()]).await?;
    Ok(row.map(|row| Row::from_query_result(&row, "")).transpose()?)
}

/// The comment that began the thread of `parent`, in the same repository.
async fn root_of(on: &impl ConnectionTrait, repository: i64, parent: CommentId) -> Result<i64> {
    let row = find(on, repository, parent).await?.filter(|row| row.deleted_at.is_none());
    let row = row.ok_or_else(|| Fault::invalid("parent", Reason::ParentNotFound))?;
    Ok(row.root_id.unwrap_or(row.id))
}

async fn count(on: &impl ConnectionTrait, repository: i64, step: i64) -> Result<()> {
    let count = "UPDATE repository SET comment_count = comment_count + $2 WHERE id = $1";
    sql::execute(on, count, [repository.into(), step.into()]).await?;
    Ok(())
}

fn parse(rows: &[QueryResult]) -> Result<Vec<Row>> {
    rows.iter().map(|row| Ok(Row::from_query_result(row, "")?)).collect()
}

/// A body as it is kept.
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
