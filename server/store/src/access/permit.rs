//! Proof that one viewer may do one thing with one repository, for the length of one request.

use std::marker::PhantomData;

use model::clock::Timestamp;
use model::id::{AccountId, RepositoryId};
use model::oci::RepositoryName;
use model::repository::Abilities;
use model::role::Role;

use super::need::{Comment, Delete, Manage, Need, NeedKind, Own, Participate, Pull, Push, See, Star};
use super::standing::{RepositoryAccess, Standing};
use super::verdict::{Verdict, verdict};
use super::viewer::Viewer;
use crate::Store;
use crate::error::{Error, Result};

/// Proof that a viewer may do `N` with a repository. It can be narrowed, never widened, copied or kept for another.
#[derive(Debug)]
pub struct Permit<N: Need> {
    viewer: Viewer,
    repository: RepositoryId,
    path: RepositoryName,
    standing: Standing,
    need: PhantomData<N>,
}

/// That a permit for `Self` is also one for `Lesser`.
pub trait Covers<Lesser: Need>: Need {}

macro_rules! covers {
    ($($greater:ident => $($lesser:ident),+;)+) => {$($(impl Covers<$lesser> for $greater {})+)+};
}

covers! {
    Pull => See;
    Star => See;
    Comment => See;
    Participate => See;
    Push => See;
    Delete => See;
    Manage => See, Participate;
    Own => See, Manage, Participate;
}

impl<N: Need> Permit<N> {
    /// A permit for the viewer on what was found at a path.
    pub(super) fn to(viewer: &Viewer, path: &RepositoryName, found: RepositoryAccess) -> Result<Self> {
        let standing = found.standing_for(viewer, path, N::KIND);
        verdict(&standing, N::KIND).require()?;
        // Whoever is let in as anybody acts as nobody.
        let viewer = if standing.signed_in { viewer.clone() } else { Viewer::nobody() };
        Ok(Self { viewer, repository: found.repository, path: found.path, standing, need: PhantomData })
    }

    /// The repository.
    pub const fn repository(&self) -> RepositoryId {
        self.repository
    }

    /// Its path now, which need not be the one that was asked for.
    pub const fn path(&self) -> &RepositoryName {
        &self.path
    }

    /// As whom the caller acts: as nobody where they were let in as anybody would be, though they are signed in.
    pub const fn viewer(&self) -> &Viewer {
        &self.viewer
    }

    /// The role of who acts, where they have one.
    pub const fn role(&self) -> Option<Role> {
        self.standing.role
    }

    /// What the viewer may do with the repository.
    pub fn abilities(&self) -> Abilities {
        let may = |need| verdict(&self.standing, need) == Verdict::Allowed;
        Abilities {
            star: may(NeedKind::Star),
            comment: may(NeedKind::Comment),
            push: may(NeedKind::Push),
            delete: may(NeedKind::Delete),
            manage: may(NeedKind::Manage),
            own: may(NeedKind::Own),
        }
    }

    /// What the verdict rested on.
    pub(crate) const fn standing(&self) -> &Standing {
        &self.standing
    }

    /// The identity of who acts.
    pub(crate) fn account(&self) -> Option<AccountId> {
        self.viewer.account_id()
    }

    /// The account of who acts, for what only an account can do.
    pub(crate) fn require_account(&self) -> Result<AccountId> {
        self.account().ok_or(Error::SignIn)
    }

    /// A permit for less.
    pub fn narrow<M: Need>(&self) -> Permit<M>
    where
        N: Covers<M>,
    {
        Permit {
            viewer: self.viewer.clone(),
            repository: self.repository,
            path: self.path.clone(),
            standing: self.standing,
            need: PhantomData,
        }
    }
}

impl Store {
    /// A permit for `N` on the repository of that path, or of the one that had that path before it was renamed.
    ///
    /// A one-word path is one in the `library`. What the viewer may not see is [`Error::Absent`], like what is not there.
    /// Where a token does not reach, its holder still reads what is public, as anybody would.
    pub async fn permit<N: Need>(&self, viewer: &Viewer, path: &RepositoryName) -> Result<Permit<N>> {
        let path = path.clone().within_hub();
        Permit::to(viewer, &path, self.find(viewer, &path).await?.ok_or(Error::Absent)?)
    }

    /// A permit to push. A repository that is not there is made, with the visibility that is its namespace's default, when
    /// the viewer may make one there.
    pub async fn push_permit(&self, viewer: &Viewer, path: &RepositoryName, now: Timestamp) -> Result<Permit<Push>> {
        match self.permit(viewer, path).await {
            Err(Error::Absent) => {
                self.create_by_push(viewer, &path.clone().within_hub(), now).await?;
                self.permit(viewer, path).await
            }
            answer => answer,
        }
    }

    /// Whether the viewer may do this with what is at the path, as the token service asks it.
    pub(crate) async fn may(&self, viewer: &Viewer, path: &RepositoryName, need: NeedKind) -> Result<bool> {
        let found = self.find(viewer, path).await?;
        Ok(found.is_some_and(|found| verdict(&found.standing_for(viewer, path, need), need) == Verdict::Allowed))
    }

    /// Whether there is anything at the path, seen or not; never to be told to anybody.
    pub(crate) async fn is_there(&self, viewer: &Viewer, path: &RepositoryName) -> Result<bool> {
        Ok(self.find(viewer, path).await?.is_some())
    }
}
