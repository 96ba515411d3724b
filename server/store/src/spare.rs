//! What a node keeps in memory while its database has no room, so that people can still sign in: new sessions, and waits
//! after failed sign-ins. Other nodes do not know it, and it is lost when the process ends.

use std::time::Duration;

use model::clock::Timestamp;
use model::fault::Fault;
use moka::sync::Cache;
use tower_sessions::session::Record;

use crate::error::{Error, Result};

/// The capacity for sessions, in bytes.
const SESSIONS: u64 = 16 << 20;
/// The most waits.
const WAITS: u64 = 10_000;
/// The approximate size of a session without its data, in bytes.
const ENTRY: usize = 512;
/// How long a session is kept.
const SESSION_LIFE: Duration = Duration::from_hours(1);
/// The wait after a failed sign-in.
const WAIT: Duration = Duration::from_mins(1);

/// Sessions by the hash of their id, and the ends of waits by subject.
#[derive(Debug)]
pub(crate) struct Spare {
    sessions: Cache<String, SpareSession>,
    waits: Cache<String, Timestamp>,
}

/// A session that could not be stored.
#[derive(Clone, Debug)]
pub(crate) struct SpareSession {
    pub(crate) record: Record,
    /// The hash of the account's password. Another password ends the session.
    pub(crate) password_hash: Option<String>,
}

impl Spare {
    pub(crate) fn new() -> Self {
        let weigh = |_: &String, session: &SpareSession| {
            let values =
                session.record.data.iter().map(|(key, value)| key.len().saturating_add(value.to_string().len()));
            u32::try_from(values.sum::<usize>().saturating_add(ENTRY)).unwrap_or(u32::MAX)
        };
        let sessions = Cache::builder().max_capacity(SESSIONS).weigher(weigh).time_to_live(SESSION_LIFE).build();
        Self { sessions, waits: Cache::builder().max_capacity(WAITS).time_to_live(WAIT).build() }
    }

    pub(crate) fn session(&self, key: &str) -> Option<SpareSession> {
        self.sessions.get(key)
    }

    pub(crate) fn keep(&self, key: String, session: SpareSession) {
        self.sessions.insert(key, session);
    }

    /// Removes a session and returns whether it was there.
    pub(crate) fn end(&self, key: &str) -> bool {
        self.sessions.remove(key).is_some()
    }

    /// Makes a subject wait whose failed sign-in could not be recorded.
    pub(crate) fn hold(&self, subject: &str, now: Timestamp) {
        self.waits.insert(subject.to_owned(), now.plus(WAIT));
    }

    /// Returns an error with the seconds left if the subject has to wait.
    pub(crate) fn check(&self, subject: &str, now: Timestamp) -> Result<()> {
        match self.waits.get(subject) {
            Some(until) if now < until => {
                let seconds = now.until(until).as_secs() + 1;
                Err(Error::Fault(Fault::too_many(u32::try_from(seconds).unwrap_or(u32::MAX))))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::Arc;

    use model::account::{Registration, SignUp};
    use model::fault::FaultCode;
    use time::OffsetDateTime;
    use tower_sessions::Session;
    use tower_sessions::session::Id;

    use super::*;
    use crate::sessions::{ACCOUNT, Sessions};
    use crate::sql;
    use crate::testing::Fixture;

    const PASSWORD: &str = "correct horse battery staple";
    const TABLES: [&str; 3] = ["known_address", "session", "sign_in_failure"];
    const ADDRESS: Option<IpAddr> = Some(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7)));

    /// Makes the database refuse changes of a sign-in, as PostgreSQL does when its disk is full.
    async fn fill(fixture: &Fixture) {
        let refuse = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = '53100'; END $$";
        sql::execute(fixture.store.database().pool(), refuse, []).await.unwrap();
        for table in TABLES {
            let trigger = format!(
                "CREATE TRIGGER refuse BEFORE INSERT OR UPDATE OR DELETE ON {table}
                 FOR EACH STATEMENT EXECUTE FUNCTION refuse()"
            );
            sql::execute(fixture.store.database().pool(), &trigger, []).await.unwrap();
        }
    }

    async fn make_room(fixture: &Fixture) {
        for table in TABLES {
            let drop = format!("DROP TRIGGER refuse ON {table}");
            sql::execute(fixture.store.database().pool(), &drop, []).await.unwrap();
        }
    }

    async fn code_of(fixture: &Fixture, password: &str) -> Option<FaultCode> {
        match fixture.store.sign_in("ada", password, ADDRESS).await {
            Ok(_) => None,
            Err(Error::Fault(fault)) => Some(fault.code),
            Err(error) => panic!("{error:?}"),
        }
    }

    #[test]
    fn sessions_take_a_bounded_amount_of_memory() {
        let spare = Spare::new();
        for number in 0..1_000 {
            let data = HashMap::from([("form".to_owned(), "x".repeat(64 << 10).into())]);
            let record = Record { id: Id::default(), data, expiry_date: OffsetDateTime::UNIX_EPOCH };
            spare.keep(number.to_string(), SpareSession { record, password_hash: None });
        }
        spare.sessions.run_pending_tasks();
        assert!(spare.sessions.weighted_size() <= SESSIONS && spare.sessions.entry_count() > 200);
    }

    #[tokio::test]
    async fn people_sign_in_while_the_database_is_full() {
        let Some(fixture) = Fixture::postgres().await else { return };
        let form = SignUp {
            name: "ada".to_owned(),
            email: "ada@mail.example".to_owned(),
            password: PASSWORD.to_owned(),
            invitation: None,
        };
        let ada = fixture.store.sign_up(&form, Registration::Open).await.unwrap();
        fill(&fixture).await;
        assert_eq!(code_of(&fixture, PASSWORD).await, None);
        assert_eq!(code_of(&fixture, "wrong horse battery staple").await, Some(FaultCode::SignIn));
        assert_eq!(code_of(&fixture, PASSWORD).await, Some(FaultCode::TooMany), "the failure counts");
        fixture.pass(WAIT);
        assert_eq!(code_of(&fixture, PASSWORD).await, None);

        let session = Session::new(None, Arc::new(Sessions::new(fixture.store.clone())), None);
        session.insert(ACCOUNT, ada.account_id().unwrap()).await.unwrap();
        session.save().await.unwrap();
        let id = session.id().unwrap().to_string();
        let found = fixture.store.session_account(&id).await.unwrap().unwrap();
        assert_eq!((found.me.account.name.as_str(), found.holds_more), ("ada", false));
        session.insert("more", 1).await.unwrap();
        session.save().await.unwrap();
        assert!(fixture.store.session_account(&id).await.unwrap().unwrap().holds_more);
        assert_eq!(fixture.rows("session").await, 0);

        make_room(&fixture).await;
        assert!(fixture.store.session_account(&id).await.unwrap().is_some());
        fixture.store.change_password(&ada, PASSWORD, "another horse battery staple").await.unwrap();
        assert!(fixture.store.session_account(&id).await.unwrap().is_none(), "a new password ends it");
        session.delete().await.unwrap();
        assert!(fixture.store.spare().session(&id).is_none());
        fixture.finish().await;
    }
}
