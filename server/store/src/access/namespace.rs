//! Permits to create a repository at a path, and checks whether a viewer may create one.

use model::account::AccountName;
use model::oci::RepositoryName;
use model::role::{Role, Visibility};
use model::token::TokenAction;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QuerySelect};

use super::roles::{is_admin, namespace_role_of, role_of_rank};
use super::scope::is_library;
use super::standing::NamespaceStanding;
use super::verdict::{Verdict, create_verdict};
use super::viewer::Viewer;
use crate::Store;
use crate::entity::account;
use crate::entity::column::Text;
use crate::error::{Error, Result};

/// Proof that a viewer may create a repository at a path.
#[derive(Debug)]
pub(crate) struct CreatePermit {
    viewer: Viewer,
    path: RepositoryName,
    namespace: i64,
    default_visibility: Visibility,
    official: bool,
}

impl CreatePermit {
    /// The viewer who creates the repository.
    pub(crate) const fn viewer(&self) -> &Viewer {
        &self.viewer
    }

    /// The repository's path.
    pub(crate) const fn path(&self) -> &RepositoryName {
        &self.path
    }

    /// The id of the namespace.
    pub(crate) const fn namespace(&self) -> i64 {
        self.namespace
    }

    /// The namespace's default visibility for new repositories.
    pub(crate) const fn default_visibility(&self) -> Visibility {
        self.default_visibility
    }

    /// Whether the namespace is `library`, which administrators curate.
    pub(crate) const fn official(&self) -> bool {
        self.official
    }
}

#[derive(Debug, FromQueryResult)]
struct NamespaceRow {
    id: i64,
    name: Text<AccountName>,
    default_visibility: Text<Visibility>,
    granted: Option<i32>,
    admin: Option<bool>,
}

impl NamespaceRow {
    fn standing(&self, viewer: &Viewer, path: &RepositoryName) -> Result<NamespaceStanding> {
        let role = match self.admin {
            Some(true) => Some(Role::Owner),
            Some(false) if !is_library(&self.name.0) => self.granted.map(role_of_rank).transpose()?,
            // Only administrators may create repositories in the library; a disabled account counts as anonymous.
            Some(false) | None => None,
        };
        Ok(NamespaceStanding { signed_in: self.admin.is_some(), role, allowed: viewer.allowed(path.as_str()) })
    }
}

impl Store {
    /// Returns a permit to create a repository at a path. The viewer's token must allow `action` on it.
    /// [`Error::Absent`] if the namespace does not exist or is disabled.
    pub(crate) async fn create_permit(
        &self,
        viewer: &Viewer,
        path: &RepositoryName,
        action: TokenAction,
    ) -> Result<CreatePermit> {
        let row = self.namespace(viewer, path).await?.ok_or(Error::Absent)?;
        create_verdict(&row.standing(viewer, path)?, action).require()?;
        Ok(CreatePermit {
            viewer: viewer.clone(),
            path: path.clone(),
            namespace: row.id,
            default_visibility: row.default_visibility.0,
            official: is_library(&row.name.0),
        })
    }

    /// Whether the viewer may create a repository at the path, with a token that allows at least one of `actions`, so that
    /// they may be told that there is none.
    pub async fn may_create(&self, viewer: &Viewer, path: &RepositoryName, actions: &[TokenAction]) -> Result<bool> {
        let allowed = self.actions_if_missing(viewer, path).await?;
        Ok(actions.iter().any(|action| allowed.contains(action)))
    }

    /// Returns the actions of the viewer's token on a path where they may create a repository; all without a token, and
    /// none if they may not create one.
    pub(crate) async fn actions_if_missing(&self, viewer: &Viewer, path: &RepositoryName) -> Result<Vec<TokenAction>> {
        if !viewer.is_signed_in() {
            return Ok(Vec::new());
        }
        let Some(row) = self.namespace(viewer, path).await? else { return Ok(Vec::new()) };
        let standing = row.standing(viewer, path)?;
        let actions = [TokenAction::Push, TokenAction::Pull, TokenAction::Delete].into_iter();
        Ok(actions.filter(|action| create_verdict(&standing, *action) == Verdict::Allowed).collect())
    }

    async fn namespace(&self, viewer: &Viewer, path: &RepositoryName) -> Result<Option<NamespaceRow>> {
        let account = viewer.account_id().map(|id| id.0);
        let find = account::Entity::find()
            .select_only()
            .columns([account::Column::Id, account::Column::Name, account::Column::DefaultVisibility])
            .expr_as(namespace_role_of(Expr::value(account)), "granted")
            .expr_as(is_admin(account), "admin")
            .filter(account::Column::Name.eq(path.namespace()))
            .filter(account::Column::DisabledAt.is_null());
        Ok(find.into_model::<NamespaceRow>().one(self.database().read(viewer)).await?)
    }
}
