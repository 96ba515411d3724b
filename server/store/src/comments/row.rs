//! Rows of comments, with the author's name and role.

use model::account::AccountName;
use model::id::CommentId;
use model::role::Role;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, IntoSimpleExpr, JoinType, QueryFilter,
    QuerySelect, RelationTrait, Select,
};

use crate::access::{role_of, role_of_rank};
use crate::entity::column::Text;
use crate::entity::{account, comment};
use crate::error::Result;

/// A comment with its author and their role.
#[derive(Debug, FromQueryResult)]
pub(super) struct CommentRow {
    #[sea_orm(nested)]
    pub(super) comment: comment::Model,
    pub(super) author: Text<AccountName>,
    granted: Option<i32>,
}

impl CommentRow {
    /// The number of the first comment in the thread, which may be this one.
    pub(super) fn thread(&self) -> i64 {
        self.comment.root.unwrap_or(self.comment.number)
    }

    /// The author's role on the repository.
    pub(super) fn author_role(&self) -> Result<Option<Role>> {
        self.granted.map(role_of_rank).transpose()
    }
}

/// Selects the comments of a repository as [`CommentRow`]s.
pub(super) fn select(repository: i64) -> Select<comment::Entity> {
    comment::Entity::find()
        .column_as(account::Column::Name, "author")
        .expr_as(role_of(comment::Column::AuthorId.into_simple_expr()), "granted")
        .join(JoinType::InnerJoin, comment::Relation::Account.def())
        .join(JoinType::InnerJoin, comment::Relation::Repository.def())
        .filter(comment::Column::RepositoryId.eq(repository))
}

/// Matches the first comments of threads in which at least one comment is not deleted.
pub(super) fn stands() -> Condition {
    let replies = Query::select()
        .expr(Expr::val(1))
        .from_as(comment::Entity, "reply")
        .and_where(
            Expr::col(("reply", comment::Column::RepositoryId))
                .equals((comment::Entity, comment::Column::RepositoryId)),
        )
        .and_where(Expr::col(("reply", comment::Column::Root)).equals((comment::Entity, comment::Column::Number)))
        .and_where(Expr::col(("reply", comment::Column::DeletedAt)).is_null())
        .take();
    Condition::any().add(comment::Column::DeletedAt.is_null()).add(Expr::exists(replies))
}

/// Returns a comment of a repository; `None` if it is missing or deleted.
pub(super) async fn find(on: &impl ConnectionTrait, repository: i64, id: CommentId) -> Result<Option<CommentRow>> {
    let alive =
        select(repository).filter(comment::Column::Number.eq(id.0)).filter(comment::Column::DeletedAt.is_null());
    Ok(alive.into_model::<CommentRow>().one(on).await?)
}
