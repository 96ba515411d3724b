//! The state that all handlers share: the store, the engine, the search index, the settings and the clock.

use std::ops::Deref;
use std::sync::Arc;

use app::portal::Site;
use model::clock::Clock;
use registry::Engine;
use registry::storage::Storage;
use store::Store;

use crate::assets::Assets;
use crate::config::Config;
use crate::limits::RateLimits;
use crate::metrics::Metrics;
use crate::pictures::Pictures;
use crate::pulls::PullCounter;
use crate::search::Search;
use crate::texts::Texts;

/// The parts of a running hub.
pub struct Parts {
    /// The database, with its access checks.
    pub store: Store,
    /// The registry engine over the store's ledger.
    pub engine: Engine,
    /// The storage for the bytes of blobs.
    pub storage: Arc<dyn Storage>,
    /// This node's search index.
    pub search: Search,
    /// The cache of rendered READMEs and comments.
    pub texts: Texts,
    /// The pictures of other hosts that READMEs and comments show.
    pub pictures: Pictures,
    /// Pulls that are not written yet.
    pub pulls: PullCounter,
    /// The limits of callers.
    pub limits: RateLimits,
    /// The settings, as resolved at startup.
    pub config: Config,
    /// The clock.
    pub clock: Clock,
    /// Facts about the site for every page.
    pub site: Arc<Site>,
    /// The built-in stylesheet, icons and islands.
    pub assets: Assets,
    /// The request metrics.
    pub metrics: Arc<Metrics>,
}

/// A handle to the hub's parts. Cheap to clone.
#[derive(Clone)]
pub struct State(Arc<Parts>);

impl State {
    /// Creates a handle.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for State {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
