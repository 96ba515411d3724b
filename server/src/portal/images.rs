//! Tags and images: a permit, then the store.

use app::portal::{Images, PortalResult, TagFilter};
use async_trait::async_trait;
use model::fault::Fault;
use model::image::{Image, Tag};
use model::oci::{self, Reference, RepositoryName};
use model::page::{Page, PageRequest};
use model::repository::Freeable;
use store::access::{Delete, See};

use super::{Visit, told};

impl Visit {
    /// One tag.
    pub(crate) async fn tag(&self, path: &RepositoryName, tag: &oci::Tag) -> PortalResult<Tag> {
        let permit = self.permit::<See>(path).await?;
        self.state.store.tag(&permit, tag).await.map_err(told)
    }
}

#[async_trait]
impl Images for Visit {
    async fn tags(&self, path: &RepositoryName, filter: TagFilter, page: PageRequest) -> PortalResult<Page<Tag>> {
        let permit = self.permit::<See>(path).await?;
        self.state.store.tags(&permit, &filter.contains, filter.sort, &page).await.map_err(told)
    }

    async fn image(&self, path: &RepositoryName, reference: &Reference) -> PortalResult<Image> {
        let permit = self.permit::<See>(path).await?;
        self.state.store.image(&permit, reference).await.map_err(told)
    }

    async fn freed_by_tag(&self, path: &RepositoryName, tag: &str) -> PortalResult<Option<Freeable>> {
        if self.state.config.sweep.untagged.is_none() {
            return Ok(None);
        }
        let permit = self.permit::<Delete>(path).await?;
        let tag = oci::Tag::parse(tag).map_err(|_| Fault::not_found())?;
        let scope = self.scope().await?;
        self.state.store.freed_by_tag(&permit, scope, &tag).await.map(Some).map_err(told)
    }

    async fn delete_tag(&self, path: &RepositoryName, tag: &str) -> PortalResult<()> {
        let permit = self.permit::<Delete>(path).await?;
        let tag = oci::Tag::parse(tag).map_err(|_| Fault::not_found())?;
        self.state.store.delete_tag(&permit, &tag).await.map_err(told)?;
        self.state.engine.forget(permit.repository());
        Ok(())
    }
}
