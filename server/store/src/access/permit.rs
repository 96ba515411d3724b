//! Proof that one viewer may do one thing with one repository, for the duration of a request.

use std::marker::PhantomData;

use model::clock::Timestamp;
use model::id::{AccountId, RepositoryId};
use model::oci::RepositoryName;
use model::repository::Abilities;
use model::role::Role;
use model::token::TokenAction;

use super::need::{Comment, Delete, Manage, Need, NeedKind, Own, Participate, Pull, Push, See, Star};
use super::standing::{RepositoryAccess, Standing};
use super::verdict::{Verdict, verdict};
use super::viewer::Viewer;
use crate::Store;
use crate::error::{Error, Result};

/// Proof that a viewer may do `N` with a repository. A permit can be narrowed, but not widened or copied.
#[derive(Debug)]
pub struct Permit<N: Need> {
    viewer: Viewer,
    repository: RepositoryId,
    path: RepositoryName,
    standing: Standing,
    need: PhantomData<N>,
}

/// A permit for `Self` is also a permit for `Lesser`.
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
    /// Returns a permit if the verdict on the repository found at `path` allows `N`, and the matching error otherwise.
    pub(super) fn to(viewer: &Viewer, path: &RepositoryName, found: RepositoryAccess) -> Result<Self> {
        let standing = found.standing_for(viewer, path, N::KIND);
        verdict(&standing, N::KIND).require()?;
        // A caller admitted only because the repository is public acts as an anonymous viewer.
        let viewer = if standing.signed_in { viewer.clone() } else { Viewer::nobody() };
        Ok(Self { viewer, repository: found.repository, path: found.path, standing, need: PhantomData })
    }

    /// The repository's id.
    pub const fn repository(&self) -> RepositoryId {
        self.repository
    }

    /// Its current path, which differs from the requested one after a rename.
    pub const fn path(&self) -> &RepositoryName {
        &self.path
    }

    /// The viewer the caller acts as. Callers whose token does not cover the repository act as anonymous viewers.
    pub const fn viewer(&self) -> &Viewer {
        &self.viewer
    }

    /// The role of the acting viewer, if any.
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

    /// The standing on which the verdict was based.
    pub(crate) const fn standing(&self) -> &Standing {
        &self.standing
    }

    /// The id of the acting account.
    pub(crate) fn account(&self) -> Option<AccountId> {
        self.viewer.account_id()
    }

    /// Returns the id of the acting account; [`Error::SignIn`] if there is none.
    pub(crate) fn require_account(&self) -> Result<AccountId> {
        self.account().ok_or(Error::SignIn)
    }

    /// Converts this permit into one for a lesser need.
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
    /// Returns a permit for `N` on the repository at this path, or on the one that was renamed from it.
    ///
    /// A path of one component is in the `library`. [`Error::Absent`] if there is no repository or the viewer may not
    /// see it. Any token can be used to read what an anonymous viewer can read.
    pub async fn permit<N: Need>(&self, viewer: &Viewer, path: &RepositoryName) -> Result<Permit<N>> {
        let path = path.clone().within_hub();
        Permit::to(viewer, &path, self.find(viewer, &path).await?.ok_or(Error::Absent)?)
    }

    /// Returns a permit to push. Creates a missing repository, with its namespace's default visibility, if the viewer
    /// may. It is pending until a manifest is stored: nobody but those who may create it can find it.
    pub async fn push_permit(&self, viewer: &Viewer, path: &RepositoryName, now: Timestamp) -> Result<Permit<Push>> {
        match self.continued_push_permit(viewer, path).await {
            Err(Error::Absent) => {
                self.create_by_push(viewer, &path.clone().within_hub(), now).await?;
                self.continued_push_permit(viewer, path).await
            }
            answer => answer,
        }
    }

    /// Returns a permit to push to an existing repository, or to a pending one if the viewer may create one at the path.
    pub async fn continued_push_permit(&self, viewer: &Viewer, path: &RepositoryName) -> Result<Permit<Push>> {
        self.continued(viewer, path, &[TokenAction::Push]).await
    }

    /// The same for pulling: whoever may push to a pending repository can check what has arrived.
    pub async fn continued_pull_permit(&self, viewer: &Viewer, path: &RepositoryName) -> Result<Permit<Pull>> {
        self.continued(viewer, path, &[TokenAction::Pull, TokenAction::Push]).await
    }

    /// The same for deleting what has arrived.
    pub async fn continued_delete_permit(&self, viewer: &Viewer, path: &RepositoryName) -> Result<Permit<Delete>> {
        self.continued(viewer, path, &[TokenAction::Delete]).await
    }

    async fn continued<N: Need>(
        &self,
        viewer: &Viewer,
        path: &RepositoryName,
        actions: &[TokenAction],
    ) -> Result<Permit<N>> {
        match self.permit(viewer, path).await {
            Err(Error::Absent) if viewer.is_signed_in() => {
                let path = path.clone().within_hub();
                // Both queries always run, so that hidden and missing repositories take the same time.
                let may_create = self.may_create(viewer, &path, actions).await?;
                let found = self.find_with_pending(viewer, &path).await?.ok_or(Error::Absent)?;
                if !found.pending {
                    return Permit::to(viewer, &path, found);
                }
                let (repository, standing) = (found.repository, found.standing(viewer, &path));
                let permit = Permit { viewer: viewer.clone(), repository, path, standing, need: PhantomData };
                if may_create { Ok(permit) } else { Err(Error::Absent) }
            }
            answer => answer,
        }
    }

    /// Whether the viewer may do this with the repository at the path; for the token service.
    pub(crate) async fn may(&self, viewer: &Viewer, path: &RepositoryName, need: NeedKind) -> Result<bool> {
        let found = self.find(viewer, path).await?;
        Ok(found.is_some_and(|found| verdict(&found.standing_for(viewer, path, need), need) == Verdict::Allowed))
    }

    /// Whether a repository exists at the path, even if the viewer may not see it. The answer must not be revealed to
    /// viewers who could not create a repository there.
    pub(crate) async fn is_there(&self, viewer: &Viewer, path: &RepositoryName) -> Result<bool> {
        Ok(self.find(viewer, path).await?.is_some())
    }
}
