//! Browser sessions, stored in the database so that all nodes share them and ending one ends it everywhere.

use std::sync::Arc;

use async_trait::async_trait;
use model::account::Me;
use model::clock::Timestamp;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue, ColumnTrait, DerivePartialModel, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};
use time::OffsetDateTime;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store;

use crate::access::{Exemption, System, Viewer};
use crate::accounts::AccountRow;
use crate::database::Tx;
use crate::entity::column::Json;
use crate::entity::{account as accounts, session};
use crate::error::Result;
use crate::spare::SpareSession;
use crate::{Store, secret};

/// The key of the account's id in a session's data.
pub const ACCOUNT: &str = "account";

/// The maximum number of expired sessions deleted by one call.
const SWEEP: u64 = 500;

/// The account signed in with a session.
#[derive(Clone, Debug)]
pub struct SessionAccount {
    /// The viewer of the session.
    pub viewer: Viewer,
    /// Their account as they see it.
    pub me: Me,
    /// Whether the session contains anything besides the account.
    pub holds_more: bool,
    /// When the session expires.
    pub expires_at: Timestamp,
}

#[derive(DerivePartialModel)]
#[sea_orm(entity = "session::Entity")]
struct SessionRow {
    data: Json<serde_json::Map<String, serde_json::Value>>,
    expires_at: i64,
    #[sea_orm(nested)]
    account: AccountRow,
}

/// The session store of tower-sessions.
#[derive(Clone, Debug)]
pub struct Sessions {
    store: Store,
}

impl Sessions {
    /// The sessions in `store`.
    pub const fn new(store: Store) -> Self {
        Self { store }
    }
}

/// Sessions are stored under a hash of their id, so that reading the table is not enough to take one over.
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
    tracing::error!(%error, source, "cannot read or write a session");
    session_store::Error::Backend(error.to_string())
}

fn encode(record: &Record) -> session_store::Result<String> {
    serde_json::to_string(&record.data).map_err(|error| session_store::Error::Encode(error.to_string()))
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        let data = encode(record)?;
        loop {
            let row = &session::ActiveModel {
                id: ActiveValue::Set(key(&record.id.to_string())),
                account_id: ActiveValue::Set(account(record)),
                data: ActiveValue::Set(data.clone()),
                expires_at: ActiveValue::Set(expiry(record)),
            };
            let insert = |tx: Arc<Tx>| async move {
                let keep = OnConflict::column(session::Column::Id).do_nothing().to_owned();
                session::Entity::insert_many([row.clone()]).on_conflict(keep).exec_without_returning(&*tx).await
            };
            let inserted: Result<u64> =
                self.store.database().write(&Exemption::Session, insert).await.map_err(crate::Error::from);
            match inserted {
                Ok(1) => return Ok(()),
                Ok(_) => record.id = Id::default(),
                Err(error) if error.is_full() => return self.keep_spare(record).await.map_err(backend),
                Err(error) => return Err(backend(error)),
            }
        }
    }

    /// Only updates an existing row, so that a session that was ended in the meantime stays ended. If the database is
    /// full, the change is lost: what matters is in the first version of a session, and a page is shown without it.
    async fn save(&self, record: &Record) -> session_store::Result<()> {
        let id = &key(&record.id.to_string());
        if let Some(spare) = self.store.spare().session(id) {
            self.store.spare().keep(id.clone(), SpareSession { record: record.clone(), ..spare });
            return Ok(());
        }
        let changes = &session::ActiveModel {
            account_id: ActiveValue::Set(account(record)),
            data: ActiveValue::Set(encode(record)?),
            expires_at: ActiveValue::Set(expiry(record)),
            ..Default::default()
        };
        let save = |tx: Arc<Tx>| async move {
            let row = session::Entity::update_many().set(changes.clone());
            row.filter(session::Column::Id.eq(id.as_str())).exec(&*tx).await
        };
        match self.store.database().write(&Exemption::Session, save).await.map_err(crate::Error::from) {
            Err(error) if !error.is_full() => Err(backend(error)),
            _ => Ok(()),
        }
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        if let Some(spare) = self.store.spare().session(&key(&id.to_string())) {
            return Ok(Some(spare.record));
        }
        let now = self.store.clock().now();
        let find =
            session::Entity::find_by_id(key(&id.to_string())).filter(session::Column::ExpiresAt.gt(now.micros()));
        let row = find.one(self.store.database().read(&Exemption::Session)).await.map_err(backend)?;
        let Some(row) = row else { return Ok(None) };
        let data = serde_json::from_str(&row.data).map_err(|error| session_store::Error::Decode(error.to_string()))?;
        let expiry_date: OffsetDateTime = Timestamp::from_micros(row.expires_at).date();
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        let id = &key(&id.to_string());
        if self.store.spare().end(id) {
            return Ok(());
        }
        let delete = |tx: Arc<Tx>| async move { session::Entity::delete_by_id(id.as_str()).exec(&*tx).await };
        match self.store.database().write(&Exemption::Session, delete).await.map_err(crate::Error::from) {
            Err(error) if !(error.is_full() && self.is_anonymous(id).await.map_err(backend)?) => Err(backend(error)),
            _ => Ok(()),
        }
    }
}

impl Sessions {
    /// Keeps a new session in memory.
    async fn keep_spare(&self, record: &Record) -> Result<()> {
        tracing::warn!("the database is full; a new session is only kept in memory");
        let password_hash = match account(record) {
            Some(id) => self.store.credentials_of(id).await?.and_then(|(_, hash)| hash),
            None => None,
        };
        self.store.spare().keep(key(&record.id.to_string()), SpareSession { record: record.clone(), password_hash });
        Ok(())
    }

    /// Whether nobody is signed in with the session. Keeping it does no harm.
    async fn is_anonymous(&self, key: &str) -> Result<bool> {
        let row = session::Entity::find_by_id(key).one(self.store.database().read(&Exemption::Session)).await?;
        Ok(row.is_none_or(|row| row.account_id.is_none()))
    }
}

impl Store {
    /// Returns the viewer of a session, anonymous if it is unknown or expired or its account is disabled.
    pub async fn session_viewer(&self, session_id: &str) -> Result<Viewer> {
        Ok(self.session_account(session_id).await?.map_or_else(Viewer::nobody, |account| account.viewer))
    }

    /// Returns the account of a session; `None` if [`Store::session_viewer`] returns an anonymous viewer.
    pub async fn session_account(&self, session_id: &str) -> Result<Option<SessionAccount>> {
        let key = key(session_id);
        if let Some(spare) = self.spare().session(&key) {
            return self.spare_account(spare).await;
        }
        let find = session::Entity::find()
            .inner_join(accounts::Entity)
            .filter(session::Column::Id.eq(key))
            .filter(session::Column::ExpiresAt.gt(self.clock().now().micros()))
            .filter(accounts::Column::DisabledAt.is_null());
        let row = find.into_partial_model::<SessionRow>().one(self.database().read(&Exemption::Session)).await?;
        Ok(row.map(|row| SessionAccount {
            viewer: row.account.viewer().read_now(),
            me: row.account.me(),
            holds_more: row.data.0.len() > 1,
            expires_at: Timestamp::from_micros(row.expires_at),
        }))
    }

    /// Returns the account of a session that is kept in memory.
    async fn spare_account(&self, session: SpareSession) -> Result<Option<SessionAccount>> {
        let Some(id) = account(&session.record) else { return Ok(None) };
        let found = self.credentials_of(id).await?;
        Ok(found.filter(|(_, hash)| *hash == session.password_hash).map(|(row, _)| SessionAccount {
            viewer: row.viewer().read_now(),
            me: row.me(),
            holds_more: session.record.data.len() > 1,
            expires_at: Timestamp::from_micros(expiry(&session.record)),
        }))
    }

    /// Deletes a batch of expired sessions and returns their number.
    pub async fn sweep_sessions(&self, system: &System) -> Result<u64> {
        let now = self.clock().now();
        let delete = |tx: Arc<Tx>| async move {
            let expired = session::Entity::find()
                .select_only()
                .column(session::Column::Id)
                .filter(session::Column::ExpiresAt.lte(now.micros()))
                .order_by_asc(session::Column::ExpiresAt)
                .limit(SWEEP)
                .into_query();
            session::Entity::delete_many().filter(session::Column::Id.in_subquery(expired)).exec(&*tx).await
        };
        Ok(self.database().write(system, delete).await?.rows_affected)
    }
}
