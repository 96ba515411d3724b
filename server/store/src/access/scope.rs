//! Proof of what a viewer may see in lists: a condition in SQL here, terms and globs for the search index outside.
//! It says for many repositories at once what `verdict` says of one for `See`; a test holds the two together.

use std::sync::Arc;

use model::account::AccountName;
use model::id::AccountId;
use model::role::{Role, Visibility};
use model::token::TokenScope;
use sea_orm::Value;

use super::viewer::Viewer;
use crate::error::{Error, Result};
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

    /// The role on a repository of this namespace, from the roles of membership and collaboration that its row came with.
    pub(crate) fn role(&self, namespace: Option<i64>, roles: &[Option<String>]) -> Result<Option<Role>> {
        let id = match self.sees {
            Sees::Everything(_) => return Ok(Some(Role::Owner)),
            Sees::Member(id) => id,
            Sees::Public => return Ok(None),
        };
        if namespace == Some(id.0) {
            return Ok(Some(Role::Owner));
        }
        let parse = |role: &String| role.parse().map_err(|_| Error::Corrupt("role"));
        Ok(roles.iter().flatten().map(parse).collect::<Result<Vec<Role>>>()?.into_iter().max())
    }

    /// The condition on a repository called `r`, its values appended to `values`. The limits of a token are not in it:
    /// SQL has no such globs, so rows are also asked by [`Scope::covers`].
    pub(crate) fn condition(&self, values: &mut Vec<Value>) -> String {
        match self.sees {
            Sees::Everything(_) => "TRUE".to_owned(),
            Sees::Public => format!("r.visibility = '{}'", Visibility::Public),
            Sees::Member(id) => {
                values.push(id.0.into());
                let place = values.len();
                format!(
                    "(r.visibility IN ('{}', '{}') OR {})",
                    Visibility::Public,
                    Visibility::Internal,
                    has_role(place)
                )
            }
        }
    }
}

/// That the account whose identity is the value at `place` has a role on a repository called `r`.
pub(crate) fn has_role(place: usize) -> String {
    format!(
        "(r.namespace_id = ${place} \
          OR EXISTS (SELECT 1 FROM membership m WHERE m.namespace_id = r.namespace_id AND m.account_id = ${place}) \
          OR EXISTS (SELECT 1 FROM collaborator c WHERE c.repository_id = r.id AND c.account_id = ${place}))"
    )
}

impl Store {
    /// What the viewer may see in lists; a disabled account sees what anyone sees.
    pub async fn scope(&self, viewer: &Viewer) -> Result<Scope> {
        let sees = if viewer.is_system() {
            Sees::Everything(None)
        } else if let Some(id) = viewer.account_id() {
            let find = "SELECT admin FROM account WHERE id = $1 AND disabled_at IS NULL";
            match sql::first(self.database().pool(), find, [id.0.into()]).await? {
                Some(row) if row.try_get_by_index::<bool>(0)? => Sees::Everything(Some(id)),
                Some(_) => Sees::Member(id),
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
