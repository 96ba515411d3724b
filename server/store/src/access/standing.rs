//! The input of a verdict: whether a viewer is signed in, their role, the limits of their token, and the repository's
//! settings. Rows are cached for a second.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use model::id::{AccountId, RepositoryId};
use model::oci::RepositoryName;
use model::repository::CommentPolicy;
use model::role::{Role, Visibility};
use model::token::TokenAction;
use moka::sync::Cache;
use repository::Column;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Func, Query, SelectStatement};
use sea_orm::{
    DbErr, EntityTrait, FromQueryResult, IntoSimpleExpr, QueryFilter, QueryResult, QuerySelect, QueryTrait, Select,
};

use super::need::{NeedKind, See};
use super::permit::Permit;
use super::roles::{is_admin, role_of, role_of_rank};
use super::verdict::{Verdict, verdict};
use super::viewer::Viewer;
use crate::Store;
use crate::entity::column::Text;
use crate::entity::{repository, repository_alias};
use crate::error::{Error, Result};

/// Lifetime of a cache entry, and so how long a change of role or visibility on another node may go unnoticed.
const AGE: Duration = Duration::from_secs(1);

/// The set of actions that a viewer's token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllowedActions(u8);

impl AllowedActions {
    /// All actions.
    pub const ALL: Self = Self(0b1111);
    /// No actions.
    pub const NONE: Self = Self(0);

    /// The actions for which `allows` returns true.
    pub fn of(allows: impl Fn(TokenAction) -> bool) -> Self {
        Self(TokenAction::ALL.into_iter().filter(|action| allows(*action)).fold(0, |bits, action| bits | bit(action)))
    }

    /// The union of two sets.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether it contains an action.
    pub const fn includes(self, action: TokenAction) -> bool {
        self.0 & bit(action) != 0
    }

    /// Whether it contains any action.
    pub const fn any(self) -> bool {
        self.0 != 0
    }
}

const fn bit(action: TokenAction) -> u8 {
    match action {
        TokenAction::Pull => 1,
        TokenAction::Push => 2,
        TokenAction::Delete => 4,
        TokenAction::Manage => 8,
    }
}

/// The properties of a repository that the policy depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepositoryFacts {
    /// Who may see it without a role.
    pub visibility: Visibility,
    /// Who may comment.
    pub comments: CommentPolicy,
}

/// The input of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether the viewer is signed in, with an account that is not disabled.
    pub signed_in: bool,
    /// Their highest role through namespace, membership, team, collaboration or administration.
    pub role: Option<Role>,
    /// The actions that their token allows.
    pub allowed: AllowedActions,
    /// The repository; `None` if there is none.
    pub facts: Option<RepositoryFacts>,
}

/// A caller's standing in a namespace, for creating a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamespaceStanding {
    /// Whether the viewer is signed in, with an account that is not disabled.
    pub signed_in: bool,
    /// Their highest role on the whole namespace: as its account, as a member or as an administrator.
    pub role: Option<Role>,
    /// The actions that their token allows on the repository's path.
    pub allowed: AllowedActions,
}

/// A caller's standing on the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteStanding {
    /// Not signed in.
    Anonymous,
    /// Signed in.
    Member {
        /// Whether they are a site administrator.
        admin: bool,
        /// Whether they use a token with scopes.
        limited: bool,
    },
    /// The site itself.
    System,
}

/// A viewer's access to a repository, before the limits of their token.
#[derive(Clone, Debug)]
pub(super) struct RepositoryAccess {
    pub(super) repository: RepositoryId,
    pub(super) path: RepositoryName,
    pub(super) signed_in: bool,
    pub(super) role: Option<Role>,
    pub(super) facts: RepositoryFacts,
    /// Whether no manifest has been stored in it yet, so that it only exists for the push that creates it.
    pub(super) pending: bool,
}

impl RepositoryAccess {
    /// Applies the limits of the viewer's token. Scopes may match the repository's path or the requested one, which is
    /// a former path after a rename.
    pub(super) fn standing(&self, viewer: &Viewer, asked: &RepositoryName) -> Standing {
        let mut allowed = viewer.allowed(self.path.as_str());
        if *asked != self.path {
            allowed = allowed.with(viewer.allowed(asked.as_str()));
        }
        Standing { signed_in: self.signed_in, role: self.role, allowed, facts: Some(self.facts) }
    }

    /// The standing to use for a need: the viewer's own, or that of an anonymous viewer if their token does not cover a
    /// public repository. A token restricts the rights of its owner, but reading public data requires no rights.
    pub(super) fn standing_for(&self, viewer: &Viewer, asked: &RepositoryName, need: NeedKind) -> Standing {
        let own = self.standing(viewer, asked);
        let anybodys = Standing { signed_in: false, role: None, allowed: AllowedActions::ALL, facts: own.facts };
        let reads = matches!(need, NeedKind::See | NeedKind::Pull);
        let allows = |standing| verdict(standing, need) == Verdict::Allowed;
        if reads && !allows(&own) && allows(&anybodys) { anybodys } else { own }
    }
}

/// Recently read rows by requester and path; `None` caches a miss. What an account does not find is not cached: it may
/// have created the repository on another node a moment before. What it may not see is not cached either, so that hidden
/// and missing repositories take the same time.
#[derive(Debug)]
pub(crate) struct Standings {
    found: Cache<(u64, Requester, RepositoryName), Option<RepositoryAccess>>,
    /// Part of every key: incrementing it invalidates all entries, including reads in progress.
    generation: AtomicU64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Requester {
    Anonymous,
    Account(AccountId),
    System,
}

impl Standings {
    pub(crate) fn new() -> Self {
        let found = Cache::builder().max_capacity(50_000).time_to_live(AGE).build();
        Self { found, generation: AtomicU64::new(0) }
    }

    /// Invalidates all entries; must be called after a change of role, visibility or path.
    pub(crate) fn forget(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }
}

#[derive(Debug, FromQueryResult)]
struct StandingRow {
    id: i64,
    path: Text<RepositoryName>,
    visibility: Text<Visibility>,
    comments: Text<CommentPolicy>,
    pending: bool,
    granted: Option<i32>,
    admin: Option<bool>,
}

/// A standing and further columns of the same row.
struct RowWithStanding<R> {
    standing: StandingRow,
    row: R,
}

impl<R: FromQueryResult> FromQueryResult for RowWithStanding<R> {
    fn from_query_result(result: &QueryResult, prefix: &str) -> std::result::Result<Self, DbErr> {
        Ok(Self {
            standing: StandingRow::from_query_result(result, prefix)?,
            row: R::from_query_result(result, prefix)?,
        })
    }
}

/// Matches the repository that has a path now or had it before a rename. One statement covers existing, renamed and
/// missing repositories, so that all take the same time.
fn is_at(path: &RepositoryName) -> Expr {
    let present = Query::select()
        .column((Alias::new("named"), repository::Column::Id))
        .from_as(repository::Entity, "named")
        .and_where(Expr::col((Alias::new("named"), repository::Column::Path)).eq(path.as_str()))
        .take();
    let renamed = repository_alias::Entity::find()
        .select_only()
        .column(repository_alias::Column::RepositoryId)
        .filter(repository_alias::Column::Path.into_simple_expr().eq(path.as_str()))
        .into_query();
    let subquery = |select: SelectStatement| Expr::SubQuery(None, Box::new(select.into()));
    Column::Id.into_simple_expr().eq(Func::coalesce([subquery(present), subquery(renamed)]))
}

impl Store {
    /// Returns the viewer's access to the repository at a path, even if they may not see it. A pending repository counts
    /// as missing.
    pub(super) async fn find(&self, viewer: &Viewer, path: &RepositoryName) -> Result<Option<RepositoryAccess>> {
        let asker = Requester::of(viewer);
        let standings = self.standings();
        let key = (standings.generation.load(Ordering::SeqCst), asker, path.clone());
        if let Some(found) = standings.found.get(&key).filter(|found| is_cached(viewer, path, found.as_ref())) {
            return Ok(found);
        }
        let found = self.find_with_pending(viewer, path).await?.filter(|found| !found.pending);
        if is_cached(viewer, path, found.as_ref()) {
            standings.found.insert(key, found.clone());
        }
        Ok(found)
    }

    /// Returns the same as [`Store::find`], but a pending repository too, and never from the cache.
    pub(super) async fn find_with_pending(
        &self,
        viewer: &Viewer,
        path: &RepositoryName,
    ) -> Result<Option<RepositoryAccess>> {
        let account = viewer.account_id().map(|id| id.0);
        let find = repository::Entity::find()
            .select_only()
            .columns([Column::Id, Column::Path, Column::Visibility, Column::Comments, Column::Pending])
            .expr_as(role_of(Expr::value(account)), "granted")
            .expr_as(is_admin(account), "admin")
            .filter(is_at(path));
        let row = find.into_model::<StandingRow>().one(self.database().read(viewer)).await?;
        row.map(|row| found(row, Requester::of(viewer))).transpose()
    }
}

impl Requester {
    fn of(viewer: &Viewer) -> Self {
        match viewer.account_id() {
            Some(id) => Self::Account(id),
            None if viewer.is_system() => Self::System,
            None => Self::Anonymous,
        }
    }
}

impl Store {
    /// Returns a permit to see the repository at a path together with further columns, in one statement. `select` must
    /// include the repository's columns and the viewer's `granted` role.
    pub(crate) async fn see<R: FromQueryResult>(
        &self,
        viewer: &Viewer,
        path: &RepositoryName,
        select: Select<repository::Entity>,
    ) -> Result<(Permit<See>, R)> {
        let path = path.clone().within_hub();
        let (asker, standings) = (Requester::of(viewer), self.standings());
        let key = (standings.generation.load(Ordering::SeqCst), asker, path.clone());
        let find = select
            .column(Column::Pending)
            .expr_as(is_admin(viewer.account_id().map(|id| id.0)), "admin")
            .filter(is_at(&path));
        let both = find.into_model::<RowWithStanding<R>>().one(self.database().read(viewer)).await?;
        let both = both.map(|both| Ok::<_, Error>((found(both.standing, asker)?, both.row))).transpose()?;
        let both = both.filter(|(found, _)| !found.pending);
        let found = both.as_ref().map(|(found, _)| found);
        if is_cached(viewer, &path, found) {
            standings.found.insert(key, found.cloned());
        }
        let (found, row) = both.ok_or(Error::Absent)?;
        Ok((Permit::to(viewer, &path, found)?, row))
    }
}

/// Whether what was found for a viewer may come from the cache.
fn is_cached(viewer: &Viewer, path: &RepositoryName, found: Option<&RepositoryAccess>) -> bool {
    let may_see = |found: &RepositoryAccess| {
        verdict(&found.standing_for(viewer, path, NeedKind::See), NeedKind::See) == Verdict::Allowed
    };
    Requester::of(viewer) == Requester::Anonymous || found.is_some_and(may_see)
}

fn found(row: StandingRow, asker: Requester) -> Result<RepositoryAccess> {
    let (signed_in, role) = match (asker, row.admin) {
        (Requester::System, _) | (Requester::Account(_), Some(true)) => (true, Some(Role::Owner)),
        (Requester::Account(_), Some(false)) => (true, row.granted.map(role_of_rank).transpose()?),
        // A disabled account counts as anonymous.
        (Requester::Account(_) | Requester::Anonymous, _) => (false, None),
    };
    Ok(RepositoryAccess {
        repository: RepositoryId(row.id),
        path: row.path.0,
        signed_in,
        role,
        facts: RepositoryFacts { visibility: row.visibility.0, comments: row.comments.0 },
        pending: row.pending,
    })
}
