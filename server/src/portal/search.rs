//! Search in what the viewer may see.

use app::portal::{PortalResult, Search};
use async_trait::async_trait;
use model::fault::Fault;
use model::reason::Reason;
use model::repository::Repository;
use model::search::{MAX_QUERY, SearchRequest, SearchResults};

use super::Visit;

#[async_trait]
impl Search for Visit {
    async fn search(&self, request: SearchRequest) -> PortalResult<SearchResults> {
        bounded(&request.q)?;
        self.state.search.search(&self.state.store, &self.viewer, request).await
    }

    async fn suggest(&self, typed: &str) -> PortalResult<Vec<Repository>> {
        bounded(typed)?;
        self.state.search.suggest(&self.state.store, &self.viewer, typed).await
    }
}

fn bounded(query: &str) -> Result<(), Fault> {
    if query.len() > MAX_QUERY {
        return Err(Fault::invalid("q", Reason::QueryTooLong { max: MAX_QUERY }));
    }
    Ok(())
}
