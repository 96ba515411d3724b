//! The first administrator: made once, by whoever holds the secret that the log showed at the first start.
//! It refuses to know how the secret is shown.

use model::account::{AccountKind, SignUp};
use model::fault::{Fault, FaultCode};
use model::reason::Reason;
use sea_orm::ConnectionTrait;

use super::registration;
use crate::access::Viewer;
use crate::error::{Error, Result};
use crate::{Store, secret, sql};

/// The setting that holds the secret's hash.
const SETTING: &str = "setup_secret";

fn closed() -> Error {
    Error::Fault(Fault::new(FaultCode::Forbidden, Reason::SetupLinkInvalid))
}

impl Store {
    /// Makes a new one-time secret while there is no person's account at all; `None` once there is one.
    ///
    /// A secret that an earlier start made is good no longer.
    pub async fn setup_secret(&self) -> Result<Option<String>> {
        if somebody_is_there(self.database().pool()).await? {
            return Ok(None);
        }
        let secret = secret::generate("");
        let keep = "INSERT INTO setting (name, value) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        sql::execute(self.database().pool(), keep, [SETTING.into(), secret::hash(&secret).into()]).await?;
        Ok(Some(secret))
    }

    /// Whether the setup secret is good; refused when it is not.
    pub async fn setup_open(&self, secret: &str) -> Result<()> {
        let find = "SELECT 1 FROM setting WHERE name = $1 AND value = $2";
        let values = [SETTING.into(), secret::hash(secret).into()];
        sql::first(self.database().pool(), find, values).await?.map(|_| ()).ok_or_else(closed)
    }

    /// Makes the first administrator and uses the secret up.
    pub async fn set_up(&self, secret: &str, form: &SignUp) -> Result<Viewer> {
        self.setup_open(secret).await?;
        let registrant = self.registrant(form, true).await?;
        let now = self.clock().now();
        let hash = &secret::hash(secret);
        let new = &registrant;
        let id = self
            .database()
            .write(|tx| async move {
                let delete = "DELETE FROM setting WHERE name = $1 AND value = $2";
                let deleted = sql::execute(&*tx, delete, [SETTING.into(), hash.as_str().into()]).await?;
                if deleted == 0 || somebody_is_there(&*tx).await? {
                    return Err(closed());
                }
                registration::insert(&tx, new, now).await
            })
            .await?;
        Ok(Viewer::member(id, registrant.name, true))
    }
}

async fn somebody_is_there(on: &impl ConnectionTrait) -> Result<bool> {
    let find = "SELECT 1 FROM account WHERE kind = $1 LIMIT 1";
    Ok(sql::first(on, find, [AccountKind::Person.as_str().into()]).await?.is_some())
}
