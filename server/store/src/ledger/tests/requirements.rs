//! The engine's tests for implementations of the ledger, on both databases.

use std::sync::Arc;

use registry::ledger::Ledger;

use crate::testing::Fixture;

/// Deletes a fixture's database when dropped.
struct FixtureGuard(Option<Fixture>);

impl Drop for FixtureGuard {
    fn drop(&mut self) {
        let Some(fixture) = self.0.take() else { return };
        let finish = fixture.finish();
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(finish));
    }
}

fn alive(fixture: Fixture) -> (Arc<dyn Ledger>, FixtureGuard) {
    (fixture.ledger.clone(), FixtureGuard(Some(fixture)))
}

mod sqlite {
    use super::{Fixture, alive};

    registry::requirements!(async { Some(alive(Fixture::sqlite().await)) });
}

mod postgres {
    use super::{Fixture, alive};

    registry::requirements!(async { Fixture::postgres().await.map(alive) });
}
