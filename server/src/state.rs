//! What every request may reach: the store, the engine, the search index, the settings and the clock, in one cheap handle.

use std::ops::Deref;
use std::sync::Arc;

use app::portal::Site;
use model::clock::Clock;
use registry::Engine;
use registry::storage::Storage;
use store::Store;

use crate::assets::Assets;
use crate::config::Config;
use crate::metrics::Metrics;
use crate::pulls::PullCounter;
use crate::search::Search;
use crate::texts::Texts;

/// The parts that a running hub is made of.
pub struct Parts {
    /// Who may touch what, and the rows.
    pub store: Store,
    /// The v2 engine over the store's ledger.
    pub engine: Engine,
    /// Where blobs' bytes are.
    pub storage: Arc<dyn Storage>,
    /// This node's search index.
    pub search: Search,
    /// The HTML of READMEs and comments.
    pub texts: Texts,
    /// Pulls counted since the last flush.
    pub pulls: PullCounter,
    /// The settings as resolved at start.
    pub config: Config,
    /// The time.
    pub clock: Clock,
    /// What every page says about the site.
    pub site: Arc<Site>,
    /// The stylesheet, icons and islands that were built in.
    pub assets: Assets,
    /// Figures about requests.
    pub metrics: Arc<Metrics>,
}

/// A cheap clone of the hub's parts.
#[derive(Clone)]
pub struct State(Arc<Parts>);

impl State {
    /// A handle on these parts.
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
