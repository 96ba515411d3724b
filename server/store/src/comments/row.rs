//! Comments as they are read: each with its author's name and roles.

use model::account::AccountName;
use model::id::CommentId;
use model::role::Role;
use sea_orm::sea_query::{Expr, ExprTrait, IntoCondition, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, JoinType, QueryFilter, QuerySelect,
    RelationTrait, Select,
};

use crate::entity::column::Text;
use crate::entity::{account, collaborator, comment, membership, repository};
use crate::error::Result;

/// A comment, who wrote it, and as whom.
#[derive(Debug, FromQueryResult)]
pub(super) struct Row {
    #[sea_orm(nested)]
    pub(super) comment: comment::Model,
    pub(super) author: Text<AccountName>,
    namespace_id: Option<i64>,
    membership: Option<Text<Role>>,
    collaboration: Option<Text<Role>>,
}

impl Row {
    /// The comment that began the thread: itself, unless it is a reply.
    pub(super) fn thread(&self) -> i64 {
        self.comment.root_id.unwrap_or(self.comment.id)
    }

    /// The author's role on the repository.
    pub(super) fn author_role(&self) -> Option<Role> {
        if self.namespace_id == Some(self.comment.author_id) {
            return Some(Role::Owner);
        }
        let role = |column: Option<Text<Role>>| column.map(|Text(role)| role);
        role(self.membership).max(role(self.collaboration))
    }
}

/// The comments of a repository, to be read as [`Row`]s.
pub(super) fn select(repository: i64) -> Select<comment::Entity> {
    let membership = comment::Entity::belongs_to(membership::Entity)
        .from(comment::Column::AuthorId)
        .to(membership::Column::AccountId)
        .on_condition(|_, _| {
            Expr::col((membership::Entity, membership::Column::NamespaceId))
                .equals((repository::Entity, repository::Column::NamespaceId))
                .into_condition()
        });
    let collaborator = comment::Entity::belongs_to(collaborator::Entity)
        .from((comment::Column::AuthorId, comment::Column::RepositoryId))
        .to((collaborator::Column::AccountId, collaborator::Column::RepositoryId));
    comment::Entity::find()
        .column_as(account::Column::Name, "author")
        .column_as(repository::Column::NamespaceId, "namespace_id")
        .column_as(membership::Column::Role, "membership")
        .column_as(collaborator::Column::Role, "collaboration")
        .join(JoinType::InnerJoin, comment::Relation::Account.def())
        .join(JoinType::InnerJoin, comment::Relation::Repository.def())
        .join(JoinType::LeftJoin, membership.into())
        .join(JoinType::LeftJoin, collaborator.into())
        .filter(comment::Column::RepositoryId.eq(repository))
}

/// Of comments that begin threads: those that stand, because they or any of their replies were not deleted.
pub(super) fn stands() -> Condition {
    let replies = Query::select()
        .expr(Expr::val(1))
        .from_as(comment::Entity, "reply")
        .and_where(Expr::col(("reply", comment::Column::RootId)).equals((comment::Entity, comment::Column::Id)))
        .and_where(Expr::col(("reply", comment::Column::DeletedAt)).is_null())
        .take();
    Condition::any().add(comment::Column::DeletedAt.is_null()).add(Expr::exists(replies))
}

/// One comment of a repository, unless it was deleted.
pub(super) async fn find(on: &impl ConnectionTrait, repository: i64, id: CommentId) -> Result<Option<Row>> {
    let alive = select(repository).filter(comment::Column::Id.eq(id.0)).filter(comment::Column::DeletedAt.is_null());
    Ok(alive.into_model::<Row>().one(on).await?)
}
