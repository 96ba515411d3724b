//! Rows of `repository` without the overview, as a viewer sees them.

use model::account::AccountName;
use model::clock::Timestamp;
use model::id::{AccountId, RepositoryId};
use model::oci::RepositoryName;
use model::repository::{CommentPolicy, Repository};
use model::role::{Role, Visibility};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ColumnTrait, EntityTrait, FromQueryResult, IntoSimpleExpr, QueryFilter, QuerySelect, QueryTrait, Select,
};

use crate::access::{role_of, role_of_rank};
use crate::entity::column::{Json, Text};
use crate::entity::{repository, star};
use crate::error::{Error, Result};
use crate::sql::unsigned;

/// A repository without its overview.
#[derive(Clone, Debug, FromQueryResult)]
pub(crate) struct RepositoryRow {
    pub(crate) id: i64,
    pub(crate) path: Text<RepositoryName>,
    pub(crate) description: String,
    pub(crate) visibility: Text<Visibility>,
    pub(crate) comments: Text<CommentPolicy>,
    pub(crate) official: bool,
    pub(crate) topics: Json<Vec<String>>,
    pub(crate) star_count: i64,
    pub(crate) pull_count: i64,
    pub(crate) comment_count: i64,
    pub(crate) tag_count: i64,
    pub(crate) size: i64,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) pushed_at: Option<i64>,
    pub(crate) changed_at: i64,
}

/// A repository with a viewer's role and star.
#[derive(Clone, Debug, FromQueryResult)]
pub(crate) struct ViewedRow {
    #[sea_orm(nested)]
    pub(crate) repository: RepositoryRow,
    /// The rank of the role granted to the viewer, without administrators' rights.
    pub(crate) granted: Option<i32>,
    pub(crate) starred: bool,
}

impl RepositoryRow {
    /// Selects the columns of a row.
    pub(crate) fn select() -> Select<repository::Entity> {
        use repository::Column;
        repository::Entity::find().select_only().columns([
            Column::Id,
            Column::Path,
            Column::Description,
            Column::Visibility,
            Column::Comments,
            Column::Official,
            Column::Topics,
            Column::StarCount,
            Column::PullCount,
            Column::CommentCount,
            Column::TagCount,
            Column::Size,
            Column::CreatedAt,
            Column::UpdatedAt,
            Column::PushedAt,
            Column::ChangedAt,
        ])
    }

    pub(crate) fn id(&self) -> RepositoryId {
        RepositoryId(self.id)
    }

    /// Returns the repository as a viewer with this role sees it.
    pub(crate) fn view(&self, role: Option<Role>, starred: bool) -> Result<Repository> {
        let path = self.path.0.clone();
        let namespace = AccountName::parse(path.namespace()).map_err(|_| Error::Corrupt("repository.path"))?;
        Ok(Repository {
            namespace,
            name: path.name().to_owned(),
            path,
            description: self.description.clone(),
            visibility: self.visibility.0,
            official: self.official,
            comments: self.comments.0,
            topics: self.topics.0.clone(),
            stars: unsigned(self.star_count),
            pulls: unsigned(self.pull_count),
            tags: unsigned(self.tag_count),
            size: unsigned(self.size),
            role,
            starred,
            created_at: Timestamp::from_micros(self.created_at),
            updated_at: Timestamp::from_micros(self.updated_at),
            pushed_at: self.pushed_at.map(Timestamp::from_micros),
        })
    }
}

impl ViewedRow {
    /// Selects the columns of a repository, and the role and star of this account.
    pub(crate) fn select(account: Option<AccountId>) -> Select<repository::Entity> {
        let select = RepositoryRow::select();
        // Anonymous viewers have no roles or stars. Looking for them in each row would be most of the work of a list.
        let Some(AccountId(account)) = account else {
            let no_role = Expr::value(None::<i32>);
            return select.expr_as(no_role, "granted").expr_as(Expr::value(false), "starred");
        };
        let star = star::Entity::find()
            .select_only()
            .column(star::Column::AccountId)
            .filter(star::Column::RepositoryId.into_simple_expr().eq(repository::Column::Id.into_simple_expr()))
            .filter(star::Column::AccountId.eq(account))
            .into_query();
        select.expr_as(role_of(Expr::value(account)), "granted").expr_as(Expr::exists(star), "starred")
    }

    /// Returns the role granted to the viewer.
    pub(crate) fn role(&self) -> Result<Option<Role>> {
        self.granted.map(role_of_rank).transpose()
    }
}
