//! SQL for the roles of an account: as the namespace itself, as its member, through a team, or as a collaborator.

use model::role::Role;
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait, Func, Query, SelectStatement, UnionType};
use sea_orm::{ColumnTrait, EntityName, EntityTrait, IntoSimpleExpr, QueryFilter, QuerySelect, QueryTrait, Select};

use crate::entity::{account, collaborator, membership, repository, repository_team, team_member};
use crate::error::{Error, Result};

/// The highest role of an account on the outer query's `repository`, as a [rank](rank_of); NULL if none.
pub(crate) fn role_of(account: impl Into<Expr>) -> Expr {
    let account = account.into();
    let this = repository::Column::Id.into_simple_expr();
    let [owner, member] = namespace_roles(repository::Column::NamespaceId, &account);
    let team = team_roles()
        .expr_as(rank(repository_team::Column::Role), "rank")
        .filter(repository_team::Column::RepositoryId.into_simple_expr().eq(this.clone()))
        .filter(team_member::Column::AccountId.into_simple_expr().eq(account.clone()))
        .into_query();
    let collaboration = collaborator::Entity::find()
        .select_only()
        .expr_as(rank(collaborator::Column::Role), "rank")
        .filter(collaborator::Column::RepositoryId.into_simple_expr().eq(this))
        .filter(collaborator::Column::AccountId.into_simple_expr().eq(account))
        .into_query();
    greatest_of([owner, member, team, collaboration])
}

/// The role of an account on the whole namespace of the outer query's `account`, as a [rank](rank_of); NULL if none.
pub(crate) fn namespace_role_of(account: impl Into<Expr>) -> Expr {
    greatest_of(namespace_roles(account::Column::Id, &account.into()))
}

/// Whether an account is a site administrator; NULL if it is missing or disabled.
pub(crate) fn is_admin(account: Option<i64>) -> Expr {
    let admin = account::Entity::find()
        .select_only()
        .column(account::Column::Admin)
        .filter(account::Column::Id.into_simple_expr().eq(Expr::value(account)))
        .filter(account::Column::DisabledAt.is_null());
    Expr::SubQuery(None, Box::new(admin.into_query().into()))
}

/// The ids of all repositories on which an account has a role.
pub(crate) fn granted_to(account: i64) -> SelectStatement {
    let id = || repository::Column::Id;
    let owned = repository::Entity::find()
        .select_only()
        .column(id())
        .filter(repository::Column::NamespaceId.eq(account))
        .into_query();
    let namespaces = membership::Entity::find()
        .select_only()
        .column(membership::Column::NamespaceId)
        .filter(membership::Column::AccountId.eq(account))
        .into_query();
    let member = repository::Entity::find()
        .select_only()
        .column(id())
        .filter(repository::Column::NamespaceId.in_subquery(namespaces))
        .into_query();
    let team = team_roles()
        .column(repository_team::Column::RepositoryId)
        .filter(team_member::Column::AccountId.eq(account))
        .into_query();
    let collaboration = collaborator::Entity::find()
        .select_only()
        .column(collaborator::Column::RepositoryId)
        .filter(collaborator::Column::AccountId.eq(account))
        .into_query();
    all_of([owned, member, team, collaboration])
}

/// Converts a rank from SQL back into a role.
pub(crate) fn role_of_rank(rank: i32) -> Result<Role> {
    Role::ALL.into_iter().find(|role| rank_of(*role) == rank).ok_or(Error::Corrupt("role"))
}

/// The rank of a role, from 1 for the lowest.
const fn rank_of(role: Role) -> i32 {
    match role {
        Role::Reader => 1,
        Role::Writer => 2,
        Role::Maintainer => 3,
        Role::Owner => 4,
    }
}

/// SQL for the rank of the role in a column.
fn rank(column: impl ColumnTrait) -> Expr {
    let ranks = Role::ALL.into_iter().fold(CaseStatement::new(), |ranks, role| {
        ranks.case(column.into_simple_expr().eq(role.as_str()), Expr::value(rank_of(role)))
    });
    ranks.into()
}

/// The roles that a namespace grants: to its own account and to its members.
fn namespace_roles(namespace: impl ColumnTrait, account: &Expr) -> [SelectStatement; 2] {
    let namespace = namespace.into_simple_expr();
    let owner = Query::select()
        .expr_as(Expr::value(rank_of(Role::Owner)), "rank")
        .and_where(namespace.clone().eq(account.clone()))
        .take();
    let member = membership::Entity::find()
        .select_only()
        .expr_as(rank(membership::Column::Role), "rank")
        .filter(membership::Column::NamespaceId.into_simple_expr().eq(namespace))
        .filter(membership::Column::AccountId.into_simple_expr().eq(account.clone()))
        .into_query();
    [owner, member]
}

fn greatest_of<const N: usize>(roles: [SelectStatement; N]) -> Expr {
    let greatest = Query::select().expr(Func::max(Expr::col("rank"))).from_subquery(all_of(roles), "granted").take();
    Expr::SubQuery(None, Box::new(greatest.into()))
}

fn all_of<const N: usize>(selects: [SelectStatement; N]) -> SelectStatement {
    let mut selects = selects.into_iter();
    let mut all = selects.next().unwrap_or_default();
    for select in selects {
        all.union(UnionType::All, select);
    }
    all
}

/// Team roles joined with team members.
fn team_roles() -> Select<repository_team::Entity> {
    let mut roles = repository_team::Entity::find().select_only();
    let same_team =
        team_member::Column::TeamId.into_simple_expr().eq(repository_team::Column::TeamId.into_simple_expr());
    QuerySelect::query(&mut roles).inner_join(team_member::Entity.table_ref(), same_team);
    roles
}
