//! The data shared by a repository's pages: viewer, head and query parameters.

use model::account::Me;
use model::fault::Fault;
use model::repository::RepositoryHead;

use super::asked;
use crate::portal::{Flash, PortalHandle, PortalResult};

/// The data shared by a repository's pages.
pub(crate) struct Visit {
    pub(crate) portal: PortalHandle,
    pub(crate) me: Option<Me>,
    pub(crate) head: RepositoryHead,
    pub(crate) flash: Option<Flash>,
}

impl Visit {
    /// Returns an error unless `able`: a visitor must sign in first, and an account is not allowed to do this.
    pub(crate) fn require(&self, able: bool) -> PortalResult<()> {
        match (able, &self.me) {
            (true, _) => Ok(()),
            (false, None) => Err(Fault::sign_in()),
            (false, Some(_)) => Err(Fault::forbidden()),
        }
    }
}

/// The query parameters of the pages.
pub(crate) struct Query {
    pub(crate) cursor: String,
    pub(crate) contains: String,
    pub(crate) sort: String,
    pub(crate) platform: String,
    pub(crate) reply: String,
    pub(crate) edit: String,
    pub(crate) delete: String,
}

impl Query {
    /// Reads them from the router.
    pub(crate) fn read() -> Self {
        Self {
            cursor: asked("cursor"),
            contains: asked("contains"),
            sort: asked("sort"),
            platform: asked("platform"),
            reply: asked("reply"),
            edit: asked("edit"),
            delete: asked("delete"),
        }
    }
}
