//! Repositories, stars and collaborators: a permit, then the store.

use app::portal::{PortalResult, Repositories};
use async_trait::async_trait;
use model::account::Account;
use model::oci::RepositoryName;
use model::page::{Page, PageRequest};
use model::repository::{
    Collaborator, Freeable, NewRepository, Overview, Repository, RepositoryFilter, RepositoryHead, RepositoryPatch,
};
use model::role::Role;
use store::access::{Manage, Own, Participate, See, Star};

use super::{Visit, told};
use crate::limits::LimitedAction;

impl Visit {
    /// Returns a repository as the viewer sees it.
    pub(crate) async fn repository(&self, path: &RepositoryName) -> PortalResult<Repository> {
        let permit = self.permit::<See>(path).await?;
        self.state.store.repository(&permit).await.map_err(told)
    }

    /// Its README as Markdown.
    pub(crate) async fn overview_source(&self, path: &RepositoryName) -> PortalResult<String> {
        let permit = self.permit::<See>(path).await?;
        self.state.store.overview_source(&permit).await.map_err(told)
    }

    /// Whether the viewer starred it.
    pub(crate) async fn starred(&self, path: &RepositoryName) -> PortalResult<bool> {
        let permit = self.permit::<See>(path).await?;
        self.state.store.is_starred(&permit).await.map_err(told)
    }

    /// The accounts that starred it, latest first.
    pub(crate) async fn stargazers(&self, path: &RepositoryName, page: PageRequest) -> PortalResult<Page<Account>> {
        let permit = self.permit::<See>(path).await?;
        self.state.store.stargazers(&permit, &page).await.map_err(told)
    }
}

#[async_trait]
impl Repositories for Visit {
    async fn repositories(&self, filter: RepositoryFilter, page: PageRequest) -> PortalResult<Page<Repository>> {
        let scope = self.scope().await?;
        self.state.store.repositories(scope, &filter, &page).await.map_err(told)
    }

    async fn namespaces(&self) -> PortalResult<Vec<Account>> {
        self.state.store.namespaces(&self.viewer).await.map_err(told)
    }

    async fn head(&self, path: &RepositoryName) -> PortalResult<RepositoryHead> {
        let (_, head) = self.state.store.head(&self.viewer, path).await.map_err(told)?;
        Ok(head)
    }

    async fn overview(&self, path: &RepositoryName) -> PortalResult<Overview> {
        let (permit, head, source) =
            self.state.store.head_and_overview_source(&self.viewer, path).await.map_err(told)?;
        let latest = self.state.store.newest_tag(&permit).await.map_err(told)?;
        let platforms = latest.as_ref().map(|tag| tag.platforms.clone()).unwrap_or_default();
        let html = self.state.texts.readme(&source).await?;
        Ok(Overview { head, html, source, latest, platforms })
    }

    async fn create_repository(&self, form: NewRepository) -> PortalResult<Repository> {
        self.limited(LimitedAction::Repository)?;
        self.state.store.create_repository(&self.viewer, &form).await.map_err(told)
    }

    async fn update_repository(&self, path: &RepositoryName, changes: RepositoryPatch) -> PortalResult<Repository> {
        let permit = self.permit::<Manage>(path).await?;
        self.state.store.update_repository(&permit, &changes).await.map_err(told)
    }

    async fn rename_repository(&self, path: &RepositoryName, name: &str) -> PortalResult<Repository> {
        let permit = self.permit::<Own>(path).await?;
        self.state.store.rename_repository(&permit, name).await.map_err(told)
    }

    async fn freed_by_repository(&self, path: &RepositoryName) -> PortalResult<Freeable> {
        let permit = self.permit::<Own>(path).await?;
        self.state.store.freed_by_repository(&permit, self.scope().await?).await.map_err(told)
    }

    async fn delete_repository(&self, path: &RepositoryName) -> PortalResult<()> {
        let permit = self.permit::<Own>(path).await?;
        self.state.store.delete_repository(permit).await.map_err(told)
    }

    async fn set_star(&self, path: &RepositoryName, on: bool) -> PortalResult<u64> {
        let permit = self.permit::<Star>(path).await?;
        self.state.store.set_star(&permit, on).await.map_err(told)
    }

    async fn collaborators(&self, path: &RepositoryName, page: PageRequest) -> PortalResult<Page<Collaborator>> {
        let permit = self.permit::<Manage>(path).await?;
        self.state.store.collaborators(&permit, &page).await.map_err(told)
    }

    async fn set_collaborator(&self, path: &RepositoryName, account: &str, role: Role) -> PortalResult<()> {
        let permit = self.permit::<Manage>(path).await?;
        self.state.store.set_collaborator(&permit, account.trim(), role).await.map_err(told)
    }

    async fn remove_collaborator(&self, path: &RepositoryName, account: &str) -> PortalResult<()> {
        let account = account.trim();
        if self.viewer.account().is_some_and(|(_, own)| own.as_str() == account) {
            let permit = self.permit::<Participate>(path).await?;
            return self.state.store.leave_repository(&permit).await.map_err(told);
        }
        let permit = self.permit::<Manage>(path).await?;
        self.state.store.remove_collaborator(&permit, account).await.map_err(told)
    }
}
