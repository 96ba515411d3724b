//! How a repository comes to be: asked for by name, or by the first push to it.
//! Where somebody may make one is settled here by the same roles that `access` reads.

use model::account::{Account, AccountName};
use model::clock::Timestamp;
use model::event::{Event, What};
use model::fault::Fault;
use model::id::RepositoryId;
use model::oci::RepositoryName;
use model::reason::Reason;
use model::repository::{MAX_DESCRIPTION, NewRepository, Repository};
use model::role::{Role, Visibility};
use model::token::TokenAction;
use sea_orm::{ConnectionTrait, FromQueryResult};

use crate::access::{Viewer, is_library};
use crate::accounts::AccountRow;
use crate::database::Tx;
use crate::error::{Error, Result};
use crate::{Store, outbox, sql};

/// A repository to be made.
struct New<'a> {
    namespace: &'a AccountRow,
    path: &'a RepositoryName,
    description: &'a str,
    visibility: Visibility,
}

impl Store {
    /// Makes a repository. A taken path, also one that a renamed repository had, is a conflict.
    pub async fn create_repository(&self, viewer: &Viewer, form: &NewRepository) -> Result<Repository> {
        viewer.account().ok_or(Error::SignIn)?;
        let namespace = form.namespace.trim();
        let found = self.namespace(viewer, namespace).await?;
        let (row, role) = found.ok_or_else(|| Error::Fault(Fault::invalid("namespace", Reason::NamespaceNotFound)))?;
        let path = repository_path(namespace, form.name.trim())?;
        let reached = viewer.reach(path.as_str()).includes(TokenAction::Manage);
        if role < Some(Role::Maintainer) || !reached {
            return Err(Error::Forbidden);
        }
        let description = description(&form.description)?;
        let visibility = form.visibility.map_or_else(|| row.default_visibility(), Ok)?;
        let new = New { namespace: &row, path: &path, description, visibility };
        if !self.insert(viewer, &new, self.clock().now()).await? {
            return Err(taken());
        }
        self.repository(&self.permit(viewer, &path).await?).await
    }

    /// The namespaces in which the viewer may make repositories, their own first.
    pub async fn namespaces(&self, viewer: &Viewer) -> Result<Vec<Account>> {
        let (id, _) = viewer.account().ok_or(Error::SignIn)?;
        let find = format!(
            "SELECT {} FROM account a
             WHERE a.disabled_at IS NULL AND (
                 a.id = $1
                 OR (a.name <> $4 AND EXISTS (SELECT 1 FROM membership m
                     WHERE m.namespace_id = a.id AND m.account_id = $1 AND m.role IN ($2, $3)))
                 OR (a.name = $4 AND EXISTS (SELECT 1 FROM account me WHERE me.id = $1 AND me.admin)))
             ORDER BY CASE WHEN a.id = $1 THEN 0 ELSE 1 END, a.name",
            AccountRow::COLUMNS
        );
        let values =
            [id.0.into(), Role::Maintainer.as_str().into(), Role::Owner.as_str().into(), crate::access::LIBRARY.into()];
        let rows = sql::all(self.database().pool(), &find, values).await?;
        rows.iter().map(|row| AccountRow::from_query_result(row, "")?.account()).collect()
    }

    /// Makes the repository that somebody pushes to, where they may; [`Error::Absent`] where they may not, just as for one
    /// that is there and hidden.
    pub(crate) async fn create_by_push(&self, viewer: &Viewer, path: &RepositoryName, now: Timestamp) -> Result<()> {
        if !self.may_create_by_push(viewer, path).await? {
            return Err(Error::Absent);
        }
        let (row, _) = self.namespace(viewer, path.namespace()).await?.ok_or(Error::Absent)?;
        let new = New { namespace: &row, path, description: "", visibility: row.default_visibility()? };
        // When somebody else's first push came first, there is a repository now all the same.
        self.insert(viewer, &new, now).await?;
        Ok(())
    }

    /// Whether a push to a path where nothing is would make a repository.
    pub async fn may_create_by_push(&self, viewer: &Viewer, path: &RepositoryName) -> Result<bool> {
        Ok(viewer.reach(path.as_str()).includes(TokenAction::Push) && self.makes_in(viewer, path.namespace()).await?)
    }

    /// Whether the viewer would see whatever is at this path, and so may be told that nothing is.
    pub async fn may_know_missing(&self, viewer: &Viewer, path: &RepositoryName) -> Result<bool> {
        let reach = viewer.reach(path.as_str());
        let reached = reach.includes(TokenAction::Pull) || reach.includes(TokenAction::Push);
        Ok(reached && self.makes_in(viewer, path.namespace()).await?)
    }

    /// Whether the viewer is one of those who make repositories in a namespace.
    async fn makes_in(&self, viewer: &Viewer, namespace: &str) -> Result<bool> {
        if !viewer.is_signed_in() {
            return Ok(false);
        }
        let found = self.namespace(viewer, namespace).await?;
        Ok(found.is_some_and(|(_, role)| role >= Some(Role::Maintainer)))
    }

    /// A namespace and what the viewer is to all that is in it.
    async fn namespace(&self, viewer: &Viewer, name: &str) -> Result<Option<(AccountRow, Option<Role>)>> {
        let Ok(name) = AccountName::parse(name) else { return Ok(None) };
        let find = format!(
            "SELECT {},
                 (SELECT m.role FROM membership m WHERE m.namespace_id = a.id AND m.account_id = $2) AS membership,
                 (SELECT me.admin FROM account me WHERE me.id = $2 AND me.disabled_at IS NULL) AS viewer_admin
             FROM account a WHERE a.name = $1 AND a.disabled_at IS NULL",
            AccountRow::COLUMNS
        );
        let account = viewer.account_id().map(|id| id.0);
        let Some(row) = sql::first(self.database().pool(), &find, [name.as_str().into(), account.into()]).await? else {
            return Ok(None);
        };
        let membership: Option<String> = row.try_get("", "membership")?;
        let admin: Option<bool> = row.try_get("", "viewer_admin")?;
        let row = AccountRow::from_query_result(&row, "")?;
        let role = match admin {
            Some(true) => Some(Role::Owner),
            // The viewer's account is gone or disabled.
            None => None,
            Some(false) if is_library(&row.name()?) => None,
            Some(false) if Some(row.id) == account => Some(Role::Owner),
            Some(false) => {
                membership.map(|role| role.parse().map_err(|_| Error::Corrupt("membership.role"))).transpose()?
            }
        };
        Ok(Some((row, role)))
    }

    /// Makes it; `false` when the path is taken.
    async fn insert(&self, viewer: &Viewer, new: &New<'_>, now: Timestamp) -> Result<bool> {
        let actor = &viewer.account().map(|(_, name)| name.clone());
        let made = self.database().write(|tx| async move { insert(&tx, new, actor.clone(), now).await }).await?;
        self.changed();
        Ok(made)
    }
}

async fn insert(tx: &Tx, new: &New<'_>, actor: Option<AccountName>, now: Timestamp) -> Result<bool> {
    let insert = "INSERT INTO repository
             (namespace_id, path, description, visibility, official, created_at, updated_at, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6, $6) ON CONFLICT (path) DO NOTHING RETURNING id";
    let values = [
        new.namespace.id.into(),
        new.path.as_str().into(),
        new.description.into(),
        new.visibility.as_str().into(),
        is_library(&new.namespace.name()?).into(),
        now.micros().into(),
    ];
    let Some(row) = sql::first(tx, insert, values).await? else { return Ok(false) };
    let id = RepositoryId(row.try_get_by_index(0)?);
    // Asked now and not before: a rename that the insertion waited for may just have left its alias.
    if is_alias(tx, new.path).await? {
        return Err(taken());
    }
    let event = Event { repository: id, path: new.path.clone(), actor, what: What::Created };
    outbox::append(tx, &event, now).await?;
    Ok(true)
}

/// Whether a repository once had this path, and has another now.
pub(super) async fn is_alias(on: &impl ConnectionTrait, path: &RepositoryName) -> Result<bool> {
    let find = "SELECT 1 FROM repository_alias WHERE path = $1";
    Ok(sql::first(on, find, [path.as_str().into()]).await?.is_some())
}

/// A path that is in use.
pub(super) fn taken() -> Error {
    Error::Fault(Fault::conflict("name", Reason::RepositoryNameTaken))
}

/// The path of a name within a namespace.
pub(super) fn repository_path(namespace: &str, name: &str) -> Result<RepositoryName> {
    RepositoryName::parse(&format!("{namespace}/{name}"))
        .map_err(|_| Error::Fault(Fault::invalid("name", Reason::RepositoryNameSyntax)))
}

/// A description as it is kept.
pub(super) fn description(text: &str) -> Result<&str> {
    let text = text.trim();
    if text.chars().count() > MAX_DESCRIPTION || text.chars().any(char::is_control) {
        let reason = Reason::DescriptionTooLong { max: MAX_DESCRIPTION };
        return Err(Error::Fault(Fault::invalid("description", reason)));
    }
    Ok(text)
}
