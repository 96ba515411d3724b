//! Sessions of browsers as rows, so that any node can answer and ending one ends it everywhere.
//! It refuses to know cookies, and what else than the account lies in a session.

use async_trait::async_trait;
use model::clock::Timestamp;
use model::id::AccountId;
use sea_orm::FromQueryResult;
use time::OffsetDateTime;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store;

use crate::access::{System, Viewer};
use crate::accounts::AccountRow;
use crate::accounts::{backoff, tokens};
use crate::error::Result;
use crate::{Store, secret, sql};

/// The key of a session's data under which the account's identity lies.
pub const ACCOUNT: &str = "account";

/// How many rows that ran out one call takes away.
const SWEEP: i64 = 500;

/// The sessions of a store, for the session layer.
#[derive(Clone, Debug)]
pub struct Sessions {
    store: Store,
}

impl Sessions {
    /// The sessions that lie in `store`.
    pub const fn new(store: Store) -> Self {
        Self { store }
    }
}

/// A session's row is found by a hash of its identity: who reads the table cannot take a session over.
fn key(id: &str) -> String {
    secret::hash(id)
}

fn expiry(record: &Record) -> i64 {
    i64::try_from(record.expiry_date.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX)
}

fn account(record: &Record) -> Option<i64> {
    record.data.get(ACCOUNT).and_then(serde_json::Value::as_i64)
}

fn backend(error: impl Into<crate::Error>) -> session_store::Error {
    let error = error.into();
    let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    tracing::error!(%error, source, "a session could not be kept or read");
    session_store::Error::Backend(error.to_string())
}

fn encode(record: &Record) -> session_store::Result<String> {
    serde_json::to_string(&record.data).map_err(|error| session_store::Error::Encode(error.to_string()))
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        let insert = "INSERT INTO session (id, account_id, data, expires_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (id) DO NOTHING";
        let data = encode(record)?;
        loop {
            let values = [
                key(&record.id.to_string()).into(),
                account(record).into(),
                data.as_str().into(),
                expiry(record).into(),
            ];
            if sql::execute(self.store.database().pool(), insert, values).await.map_err(backend)? == 1 {
                return Ok(());
            }
            record.id = Id::default();
        }
    }

    /// A session that ended meanwhile stays ended: there is nothing to save it to.
    async fn save(&self, record: &Record) -> session_store::Result<()> {
        let update = "UPDATE session SET account_id = $2, data = $3, expires_at = $4 WHERE id = $1";
        let values =
            [key(&record.id.to_string()).into(), account(record).into(), encode(record)?.into(), expiry(record).into()];
        sql::execute(self.store.database().pool(), update, values).await.map_err(backend)?;
        Ok(())
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let find = "SELECT data, expires_at FROM session WHERE id = $1 AND expires_at > $2";
        let now = self.store.clock().now();
        let values = [key(&id.to_string()).into(), now.micros().into()];
        let Some(row) = sql::first(self.store.database().pool(), find, values).await.map_err(backend)? else {
            return Ok(None);
        };
        let data: String = row.try_get_by_index(0).map_err(backend)?;
        let expires_at: i64 = row.try_get_by_index(1).map_err(backend)?;
        let data = serde_json::from_str(&data).map_err(|error| session_store::Error::Decode(error.to_string()))?;
        let expiry_date: OffsetDateTime = Timestamp::from_micros(expires_at).date();
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        let delete = "DELETE FROM session WHERE id = $1";
        sql::execute(self.store.database().pool(), delete, [key(&id.to_string()).into()]).await.map_err(backend)?;
        Ok(())
    }
}

impl Store {
    /// The viewer of a session: whoever signed in with it, or nobody when it is unknown, over, or its account disabled.
    pub async fn session_viewer(&self, session_id: &str) -> Result<Viewer> {
        let find = format!(
            "SELECT {} FROM session s JOIN account a ON a.id = s.account_id
             WHERE s.id = $1 AND s.expires_at > $2 AND a.disabled_at IS NULL",
            AccountRow::COLUMNS
        );
        let values = [key(session_id).into(), self.clock().now().micros().into()];
        let Some(row) = sql::first(self.database().pool(), &find, values).await? else { return Ok(Viewer::nobody()) };
        let row = AccountRow::from_query_result(&row, "")?;
        Ok(Viewer::member(AccountId(row.id), row.name()?, row.admin))
    }

    /// Takes away some sessions, failures to sign in and refresh tokens that ran out; how many sessions. For the site's own
    /// upkeep.
    pub async fn sweep_sessions(&self, _: &System) -> Result<u64> {
        let now = self.clock().now();
        backoff::forget_old(self.database().pool(), now).await?;
        tokens::forget_unused(self.database().pool(), now, SWEEP).await?;
        let delete = "DELETE FROM session
             WHERE id IN (SELECT id FROM session WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
        Ok(sql::execute(self.database().pool(), delete, [now.micros().into(), SWEEP.into()]).await?)
    }
}
