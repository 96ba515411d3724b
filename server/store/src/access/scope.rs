//! What a viewer may see in lists, as SQL conditions, search terms and globs. A scope decides for many repositories
//! what `verdict` decides for one with the need `See`; a test compares the two.

use std::collections::HashMap;
use std::sync::Arc;

use model::account::AccountName;
use model::id::AccountId;
use model::role::{Role, Visibility};
use model::token::TokenScope;
use sea_orm::sea_query::{Expr, ExprTrait, UnionType};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, QueryTrait};

use super::roles::{granted_to, role_of};
use super::viewer::{System, Viewer};
use crate::Store;
use crate::entity::column::Text;
use crate::entity::{account, collaborator, membership, repository, repository_team, team_member};
use crate::error::Result;

/// What a viewer may see in lists.
#[derive(Clone, Debug)]
pub struct Scope {
    sees: ScopeKind,
    limits: Option<Arc<[TokenScope]>>,
}

#[derive(Clone, Copy, Debug)]
enum ScopeKind {
    /// The site itself (`None`) or an administrator.
    Everything(Option<AccountId>),
    Member(AccountId),
    Public,
}

/// The search term of public repositories.
const PUBLIC: &str = "public";
/// The search term of internal repositories.
const INTERNAL: &str = "internal";

/// The search term for a namespace's account and members.
fn namespace_term(namespace: i64) -> String {
    format!("n{namespace}")
}

/// The search term for members of a team with a role on the repository.
fn team_term(team: i64) -> String {
    format!("t{team}")
}

/// The search term for a collaborator.
fn collaborator_term(account: i64) -> String {
    format!("c{account}")
}

impl Scope {
    /// The token scopes, at least one of which must match a repository's path; `None` if there is no restriction.
    pub fn globs(&self) -> Option<&[TokenScope]> {
        self.limits.as_deref()
    }

    /// Whether the viewer's token covers this path.
    pub fn covers(&self, path: &str) -> bool {
        self.globs().is_none_or(|scopes| scopes.iter().any(|scope| scope.covers(path)))
    }

    /// The id of the viewer's account.
    pub(crate) const fn account(&self) -> Option<AccountId> {
        match self.sees {
            ScopeKind::Everything(id) => id,
            ScopeKind::Member(id) => Some(id),
            ScopeKind::Public => None,
        }
    }

    /// Whether the viewer sees all repositories.
    pub(crate) const fn is_everything(&self) -> bool {
        matches!(self.sees, ScopeKind::Everything(_))
    }

    /// Returns the viewer's role on a repository on which the database grants them `granted`.
    pub(crate) fn role(&self, granted: Option<Role>) -> Option<Role> {
        match self.sees {
            ScopeKind::Everything(_) => Some(Role::Owner),
            ScopeKind::Member(_) => granted,
            ScopeKind::Public => None,
        }
    }

    /// Returns disjoint conditions on `repository` that together select what the viewer may see. Each covers one
    /// visibility, so that a list can read each part in order from an index.
    ///
    /// Token scopes are not included, because SQL has no such globs: check rows with [`Scope::covers`] too.
    pub(crate) fn parts(&self) -> Vec<Condition> {
        let listed = || Condition::all().add(repository::Column::Pending.eq(false));
        let of = |visibility: Visibility| listed().add(repository::Column::Visibility.eq(Text(visibility)));
        match self.sees {
            ScopeKind::Everything(_) => Visibility::ALL.map(of).into(),
            ScopeKind::Public => vec![of(Visibility::Public)],
            ScopeKind::Member(id) => vec![
                of(Visibility::Public),
                of(Visibility::Internal),
                // `NOT IN` instead of `= 'private'`, so that the query starts from the few granted rows instead of
                // reading all private ones in order.
                listed()
                    .add(repository::Column::Visibility.is_not_in([Visibility::Public, Visibility::Internal].map(Text)))
                    .add(repository::Column::Id.in_subquery(granted_to(id.0))),
            ],
        }
    }

    /// Returns the same as [`Scope::parts`] as a single condition, for queries that select rows by other conditions. No
    /// index supports it.
    pub(crate) fn condition(&self) -> Condition {
        let visibility = repository::Column::Visibility;
        let visible = match self.sees {
            ScopeKind::Everything(_) => Condition::all(),
            ScopeKind::Public => {
                Condition::all().add(visibility.is_not_in([Visibility::Internal, Visibility::Private].map(Text)))
            }
            ScopeKind::Member(id) => Condition::any()
                .add(visibility.is_in([Visibility::Public, Visibility::Internal].map(Text)))
                .add(role_of(Expr::value(id.0)).is_not_null()),
        };
        Condition::all().add(repository::Column::Pending.eq(false)).add(visible)
    }
}

impl Store {
    /// Returns what the viewer may see in lists; a disabled account sees what an anonymous viewer sees.
    pub async fn scope(&self, viewer: &Viewer) -> Result<Scope> {
        let sees = if viewer.is_system() {
            ScopeKind::Everything(None)
        } else if let Some(id) = viewer.account_id().filter(|_| viewer.is_current()) {
            if viewer.is_admin() { ScopeKind::Everything(Some(id)) } else { ScopeKind::Member(id) }
        } else if let Some(id) = viewer.account_id() {
            let admin = account::Entity::find_by_id(id.0)
                .select_only()
                .column(account::Column::Admin)
                .filter(account::Column::DisabledAt.is_null())
                .into_tuple::<bool>()
                .one(self.database().read(viewer))
                .await?;
            match admin {
                Some(true) => ScopeKind::Everything(Some(id)),
                Some(false) => ScopeKind::Member(id),
                None => ScopeKind::Public,
            }
        } else {
            ScopeKind::Public
        };
        Ok(Scope { sees, limits: viewer.list_limits() })
    }

    /// Returns the search terms of which a document must contain at least one to be visible; `None` if every document
    /// is. Documents contain the ids of namespaces and teams, not of their members, so that new members find the
    /// repositories at once.
    pub async fn search_terms(&self, scope: &Scope) -> Result<Option<Vec<String>>> {
        let account = match scope.sees {
            ScopeKind::Everything(_) => return Ok(None),
            ScopeKind::Public => return Ok(Some(vec![PUBLIC.to_owned()])),
            ScopeKind::Member(id) => id.0,
        };
        let namespaces = membership::Entity::find()
            .select_only()
            .column_as(membership::Column::NamespaceId, "id")
            .expr_as(Expr::value(false), "is_team")
            .filter(membership::Column::AccountId.eq(account));
        let by_team = team_member::Entity::find()
            .select_only()
            .column_as(team_member::Column::TeamId, "id")
            .expr_as(Expr::value(true), "is_team")
            .filter(team_member::Column::AccountId.eq(account));
        let mut grants = namespaces;
        QuerySelect::query(&mut grants).union(UnionType::All, by_team.into_query());
        let grants = grants.into_tuple::<(i64, bool)>().all(self.database().read(scope)).await?;
        let mut terms =
            vec![PUBLIC.to_owned(), INTERNAL.to_owned(), namespace_term(account), collaborator_term(account)];
        terms.extend(grants.into_iter().map(|(id, is_team)| if is_team { team_term(id) } else { namespace_term(id) }));
        Ok(Some(terms))
    }

    /// Returns the terms of the teams and collaborators of these repositories, by repository.
    pub(crate) async fn document_grants(
        &self,
        system: &System,
        repositories: &[i64],
    ) -> Result<HashMap<i64, Vec<String>>> {
        let collaborators = collaborator::Entity::find()
            .select_only()
            .column(collaborator::Column::RepositoryId)
            .column_as(collaborator::Column::AccountId, "id")
            .expr_as(Expr::value(false), "is_team")
            .filter(collaborator::Column::RepositoryId.is_in(repositories.iter().copied()));
        let by_team = repository_team::Entity::find()
            .select_only()
            .column(repository_team::Column::RepositoryId)
            .column_as(repository_team::Column::TeamId, "id")
            .expr_as(Expr::value(true), "is_team")
            .filter(repository_team::Column::RepositoryId.is_in(repositories.iter().copied()));
        let mut grants = collaborators;
        QuerySelect::query(&mut grants).union(UnionType::All, by_team.into_query());
        let mut terms: HashMap<i64, Vec<String>> = HashMap::new();
        for (repository, id, is_team) in
            grants.into_tuple::<(i64, i64, bool)>().all(self.database().read(system)).await?
        {
            let term = if is_team { team_term(id) } else { collaborator_term(id) };
            terms.entry(repository).or_default().push(term);
        }
        Ok(terms)
    }
}

/// Returns the terms of a repository's document: one for its visibility unless it is private, one for its namespace,
/// and those of its teams and collaborators.
pub(crate) fn document_terms(namespace: Option<i64>, visibility: Visibility, grants: Vec<String>) -> Vec<String> {
    let visibility = match visibility {
        Visibility::Public => Some(PUBLIC.to_owned()),
        Visibility::Internal => Some(INTERNAL.to_owned()),
        Visibility::Private => None,
    };
    visibility.into_iter().chain(namespace.map(namespace_term)).chain(grants).collect()
}

/// Whether a namespace is the `library`, which administrators curate.
pub(crate) fn is_library(namespace: &AccountName) -> bool {
    namespace.as_str() == LIBRARY
}

/// The name of the namespace that administrators curate.
pub(crate) const LIBRARY: &str = "library";
