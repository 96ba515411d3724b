//! What each of a repository's pages is given: who looks, the repository's head, and the address's query.

use model::account::Me;
use model::fault::Fault;
use model::repository::RepositoryHead;

use super::asked;
use crate::portal::{Flash, PortalHandle, PortalResult};

/// What each of a repository's pages is given.
pub(crate) struct Visit {
    pub(crate) portal: PortalHandle,
    pub(crate) me: Option<Me>,
    pub(crate) head: RepositoryHead,
    pub(crate) flash: Option<Flash>,
}

impl Visit {
    /// That somebody is signed in and may do this; else led to sign in, or told so.
    pub(crate) fn require(&self, able: bool) -> PortalResult<()> {
        match (able, &self.me) {
            (true, _) => Ok(()),
            (false, None) => Err(Fault::sign_in()),
            (false, Some(_)) => Err(Fault::forbidden()),
        }
    }
}

/// What the pages look at after the question mark.
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
    /// Reads it while the router is at hand.
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
