//! What a verdict rests on: whether a viewer is signed in, their role, what their token allows, and the repository's settings.
//! Rows that were read are kept for a second.

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

/// How long a role or a visibility that another node changed may go unnoticed.
const AGE: Duration = Duration::from_secs(1);

/// What of all actions a viewer's token leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllowedActions(u8);

impl AllowedActions {
    /// Everything.
    pub const ALL: Self = Self(0b1111);
    /// Nothing.
    pub const NONE: Self = Self(0);

    /// Those actions for which `allows` holds.
    pub fn of(allows: impl Fn(TokenAction) -> bool) -> Self {
        Self(TokenAction::ALL.into_iter().filter(|action| allows(*action)).fold(0, |bits, action| bits | bit(action)))
    }

    /// Both together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether it includes an action.
    pub const fn includes(self, action: TokenAction) -> bool {
        self.0 & bit(action) != 0
    }

    /// Whether it includes any action at all.
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

/// What of a repository the policy asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepositoryFacts {
    /// Who may see it without a role.
    pub visibility: Visibility,
    /// Who may comment.
    pub comments: CommentPolicy,
}

/// Everything that a verdict rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether somebody is signed in, with an account that is not disabled.
    pub signed_in: bool,
    /// The greatest role they have by namespace, membership, collaboration or administration.
    pub role: Option<Role>,
    /// What their token leaves of it.
    pub reach: AllowedActions,
    /// The repository; `None` when there is none.
    pub ground: Option<RepositoryFacts>,
}

/// What a caller is to a namespace, where they want to create a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamespaceStanding {
    /// Whether somebody is signed in, with an account that is not disabled.
    pub signed_in: bool,
    /// The greatest role they have on everything in it, by being it, by membership or by administration.
    pub role: Option<Role>,
    /// What their token leaves on the repository's path.
    pub reach: AllowedActions,
}

/// What a caller is to the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteStanding {
    /// Nobody is signed in.
    Anonymous,
    /// Somebody is.
    Member {
        /// Whether they administer the site.
        admin: bool,
        /// Whether they came with a token that has scopes.
        limited: bool,
    },
    /// It is the site itself.
    System,
}

/// A repository that was found, before any limits of a token.
#[derive(Clone, Debug)]
pub(super) struct RepositoryAccess {
    pub(super) repository: RepositoryId,
    pub(super) path: RepositoryName,
    pub(super) signed_in: bool,
    pub(super) role: Option<Role>,
    pub(super) ground: RepositoryFacts,
}

impl RepositoryAccess {
    /// With the limits that the viewer came with. A token that names a repository by the path it had before still means it.
    pub(super) fn standing(&self, viewer: &Viewer, asked: &RepositoryName) -> Standing {
        Standing {
            signed_in: self.signed_in,
            role: self.role,
            reach: viewer.reach(self.path.as_str()).with(viewer.reach(asked.as_str())),
            ground: Some(self.ground),
        }
    }

    /// The standing that counts for a need: the viewer's own, or anybody's where their token does not reach and anybody may
    /// read. A token narrows its owner's rights, not what needs none.
    pub(super) fn standing_for(&self, viewer: &Viewer, asked: &RepositoryName, need: NeedKind) -> Standing {
        let own = self.standing(viewer, asked);
        let anybodys = Standing { signed_in: false, role: None, reach: AllowedActions::ALL, ground: own.ground };
        let reads = matches!(need, NeedKind::See | NeedKind::Pull);
        let allows = |standing| verdict(standing, need) == Verdict::Allowed;
        if reads && !allows(&own) && allows(&anybodys) { anybodys } else { own }
    }
}

/// What was found lately, for each asker and path; `None` where there was nothing.
#[derive(Debug)]
pub(crate) struct Standings {
    found: Cache<(u64, Requester, RepositoryName), Option<RepositoryAccess>>,
    /// Part of every key: raising it forgets all, also what is being read at that moment.
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

    /// Forgets everything; to be called after each change of a role, a visibility or a path.
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
    granted: Option<i32>,
    admin: Option<bool>,
}

/// A standing together with more of the same row.
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

/// The condition on the repository that has a path, or had it before it was renamed. One statement for what exists, what was
/// renamed and what is missing, so that they take the same time.
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
    /// What is at a path for a viewer, whether they may see it or not.
    pub(super) async fn find(&self, viewer: &Viewer, path: &RepositoryName) -> Result<Option<RepositoryAccess>> {
        let asker = Requester::of(viewer);
        let standings = self.standings();
        let key = (standings.generation.load(Ordering::SeqCst), asker, path.clone());
        if let Some(found) = standings.found.get(&key) {
            return Ok(found);
        }
        let account = viewer.account_id().map(|id| id.0);
        let find = repository::Entity::find()
            .select_only()
            .columns([Column::Id, Column::Path, Column::Visibility, Column::Comments])
            .expr_as(role_of(Expr::value(account)), "granted")
            .expr_as(is_admin(account), "admin")
            .filter(is_at(path));
        let row = find.into_model::<StandingRow>().one(self.database().read(viewer)).await?;
        let found = row.map(|row| found(row, asker)).transpose()?;
        standings.found.insert(key, found.clone());
        Ok(found)
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
    /// A permit to see what is at a path, and more of its row, in one statement. `select` reads at least the repository's
    /// columns and the role that was `granted` to the viewer.
    pub(crate) async fn see<R: FromQueryResult>(
        &self,
        viewer: &Viewer,
        path: &RepositoryName,
        select: Select<repository::Entity>,
    ) -> Result<(Permit<See>, R)> {
        let path = path.clone().within_hub();
        let (asker, standings) = (Requester::of(viewer), self.standings());
        let key = (standings.generation.load(Ordering::SeqCst), asker, path.clone());
        let find = select.expr_as(is_admin(viewer.account_id().map(|id| id.0)), "admin").filter(is_at(&path));
        let both = find.into_model::<RowWithStanding<R>>().one(self.database().read(viewer)).await?;
        let Some(RowWithStanding { standing, row }) = both else {
            standings.found.insert(key, None);
            return Err(Error::Absent);
        };
        let found = found(standing, asker)?;
        standings.found.insert(key, Some(found.clone()));
        Ok((Permit::to(viewer, &path, found)?, row))
    }
}

fn found(row: StandingRow, asker: Requester) -> Result<RepositoryAccess> {
    let (signed_in, role) = match (asker, row.admin) {
        (Requester::System, _) | (Requester::Account(_), Some(true)) => (true, Some(Role::Owner)),
        (Requester::Account(_), Some(false)) => (true, row.granted.map(role_of_rank).transpose()?),
        // A disabled account is nobody.
        (Requester::Account(_) | Requester::Anonymous, _) => (false, None),
    };
    Ok(RepositoryAccess {
        repository: RepositoryId(row.id),
        path: row.path.0,
        signed_in,
        role,
        ground: RepositoryFacts { visibility: row.visibility.0, comments: row.comments.0 },
    })
}
