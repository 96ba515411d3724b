//! Proof of what a viewer may see in lists: conditions in SQL, and terms and globs for the search index.
//! It says for many repositories at once what `verdict` says of one for `See`; a test compares the two.

use std::sync::Arc;

use model::account::AccountName;
use model::id::AccountId;
use model::role::{Role, Visibility};
use model::token::TokenScope;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect};

use super::roles::{granted_to, role_of};
use super::viewer::Viewer;
use crate::entity::column::Text;
use crate::entity::{account, repository};
use crate::error::Result;
use crate::{Store, sql};

/// What a viewer may see in lists.
#[derive(Clone, Debug)]
pub struct Scope {
    sees: Sees,
    limits: Option<Arc<[TokenScope]>>,
}

#[derive(Clone, Copy, Debug)]
enum Sees {
    /// The site itself, or an administrator.
    Everything(Option<AccountId>),
    Member(AccountId),
    Public,
}

/// The term that a public repository's document holds.
pub(crate) const PUBLIC: &str = "public";
/// The term that an internal repository's document holds.
pub(crate) const INTERNAL: &str = "internal";

/// The term of an account that has a role on a repository.
pub(crate) fn account_term(account: AccountId) -> String {
    format!("a{account}")
}

impl Scope {
    /// The terms one of which a repository's document must hold; `None` when all may be seen.
    pub fn readers(&self) -> Option<Vec<String>> {
        match self.sees {
            Sees::Everything(_) => None,
            Sees::Member(id) => Some(vec![PUBLIC.to_owned(), INTERNAL.to_owned(), account_term(id)]),
            Sees::Public => Some(vec![PUBLIC.to_owned()]),
        }
    }

    /// The scopes one of which must match a repository's path; `None` when all may.
    pub fn globs(&self) -> Option<&[TokenScope]> {
        self.limits.as_deref()
    }

    /// Whether the viewer's token reaches this path at all.
    pub fn covers(&self, path: &str) -> bool {
        let Some(limits) = &self.limits else { return true };
        limits.iter().any(|scope| scope.actions().iter().any(|action| scope.allows(path, *action)))
    }

    /// The account whose list it is.
    pub(crate) const fn account(&self) -> Option<AccountId> {
        match self.sees {
            Sees::Everything(id) => id,
            Sees::Member(id) => Some(id),
            Sees::Public => None,
        }
    }

    /// The role on a repository on which the viewer was granted `granted`.
    pub(crate) fn role(&self, granted: Option<Role>) -> Option<Role> {
        match self.sees {
            Sees::Everything(_) => Some(Role::Owner),
            Sees::Member(_) => granted,
            Sees::Public => None,
        }
    }

    /// The conditions on `repository` that together hold for what the viewer may see, and no two of them for the same
    /// repository. Each names one visibility, so that a list can read each in its order by an index.
    ///
    /// The limits of a token are not in them: SQL has no such globs, so rows are also asked by [`Scope::covers`].
    pub(crate) fn parts(&self) -> Vec<Condition> {
        let of = |visibility: Visibility| Condition::all().add(repository::Column::Visibility.eq(Text(visibility)));
        match self.sees {
            Sees::Everything(_) => Visibility::ALL.map(of).into(),
            Sees::Public => vec![of(Visibility::Public)],
            Sees::Member(id) => vec![
                of(Visibility::Public),
                of(Visibility::Internal),
                // The grants find the few rows; an equal visibility would have every private one read in its order.
                Condition::all()
                    .add(repository::Column::Visibility.is_not_in([Visibility::Public, Visibility::Internal].map(Text)))
                    .add(repository::Column::Id.in_subquery(granted_to(id.0))),
            ],
        }
    }

    /// The same as one condition, for rows that something else finds: no index can serve it.
    pub(crate) fn condition(&self) -> Condition {
        let visibility = repository::Column::Visibility;
        match self.sees {
            Sees::Everything(_) => Condition::all(),
            Sees::Public => {
                Condition::all().add(visibility.is_not_in([Visibility::Internal, Visibility::Private].map(Text)))
            }
            Sees::Member(id) => Condition::any()
                .add(visibility.is_in([Visibility::Public, Visibility::Internal].map(Text)))
                .add(role_of(Expr::value(id.0)).is_not_null()),
        }
    }
}

impl Store {
    /// What the viewer may see in lists; a disabled account sees what anyone sees.
    pub async fn scope(&self, viewer: &Viewer) -> Result<Scope> {
        let sees = if viewer.is_system() {
            Sees::Everything(None)
        } else if let Some(id) = viewer.account_id() {
            let admin = account::Entity::find_by_id(id.0)
                .select_only()
                .column(account::Column::Admin)
                .filter(account::Column::DisabledAt.is_null())
                .into_tuple::<bool>()
                .one(self.database().pool())
                .await?;
            match admin {
                Some(true) => Sees::Everything(Some(id)),
                Some(false) => Sees::Member(id),
                None => Sees::Public,
            }
        } else {
            Sees::Public
        };
        Ok(Scope { sees, limits: viewer.list_limits() })
    }

    /// The terms that a repository's document holds, so that exactly those find it who may see it.
    pub(crate) async fn readers_of(&self, repository: i64, visibility: Visibility) -> Result<Vec<String>> {
        let find = "
            SELECT namespace_id AS id FROM repository WHERE id = $1 AND namespace_id IS NOT NULL
            UNION SELECT m.account_id FROM membership m JOIN repository r ON r.namespace_id = m.namespace_id WHERE r.id = $1
            UNION SELECT account_id FROM collaborator WHERE repository_id = $1";
        let mut readers = Vec::new();
        match visibility {
            Visibility::Public => readers.push(PUBLIC.to_owned()),
            Visibility::Internal => readers.push(INTERNAL.to_owned()),
            Visibility::Private => {}
        }
        for row in sql::all(self.database().pool(), find, [repository.into()]).await? {
            readers.push(account_term(AccountId(row.try_get_by_index(0)?)));
        }
        Ok(readers)
    }
}

/// Whether a namespace is the one that administrators curate.
pub(crate) fn is_library(namespace: &AccountName) -> bool {
    namespace.as_str() == LIBRARY
}

/// The namespace that administrators curate.
pub(crate) const LIBRARY: &str = "library";
