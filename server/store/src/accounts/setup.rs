//! Creation of the first administrator with a secret that is logged at each start until then.

use std::sync::Arc;

use model::account::{AccountKind, SignUp};
use model::fault::{Fault, FaultCode};
use model::reason::Reason;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect};

use super::registration;
use crate::access::{Exemption, Viewer};
use crate::database::Tx;
use crate::entity::column::Text;
use crate::entity::{account, setting};
use crate::error::{Error, Result};
use crate::{Store, secret};

/// The setting that stores the secret's hash.
const SETTING: &str = "setup_secret";

fn closed() -> Error {
    Error::Fault(Fault::new(FaultCode::Forbidden, Reason::SetupLinkInvalid))
}

impl Store {
    /// Creates a new one-time secret; returns `None` if there is already an account of a person.
    ///
    /// Secrets of earlier starts become invalid.
    pub async fn setup_secret(&self) -> Result<Option<String>> {
        if somebody_is_there(self.database().read(&Exemption::SignUp)).await? {
            return Ok(None);
        }
        let secret = secret::generate("");
        let hash = &secret::hash(&secret);
        let keep = |tx: Arc<Tx>| async move {
            let row = setting::ActiveModel {
                name: ActiveValue::Set(SETTING.to_owned()),
                value: ActiveValue::Set(hash.clone()),
            };
            let replace = OnConflict::column(setting::Column::Name).update_column(setting::Column::Value).to_owned();
            setting::Entity::insert(row).on_conflict(replace).exec_without_returning(&*tx).await
        };
        self.database().write(&Exemption::SignUp, keep).await?;
        Ok(Some(secret))
    }

    /// Returns an error unless this is the current setup secret.
    pub async fn setup_open(&self, secret: &str) -> Result<()> {
        let find = setting::Entity::find_by_id(SETTING).filter(setting::Column::Value.eq(secret::hash(secret)));
        find.one(self.database().read(&Exemption::SignUp)).await?.map(|_| ()).ok_or_else(closed)
    }

    /// Creates the first administrator and invalidates the secret.
    pub async fn set_up(&self, secret: &str, form: &SignUp) -> Result<Viewer> {
        self.setup_open(secret).await?;
        let registrant = self.registrant(form, true).await?;
        let now = self.clock().now();
        let hash = &secret::hash(secret);
        let new = &registrant;
        let id = self
            .database()
            .write(&Exemption::SignUp, |tx| async move {
                let secret = setting::Entity::delete_many()
                    .filter(setting::Column::Name.eq(SETTING))
                    .filter(setting::Column::Value.eq(hash.as_str()));
                if secret.exec(&*tx).await?.rows_affected == 0 || somebody_is_there(&*tx).await? {
                    return Err(closed());
                }
                registration::insert(&tx, new, None, now).await
            })
            .await?;
        self.notifier().notify();
        Ok(Viewer::member(id, registrant.name, true))
    }
}

async fn somebody_is_there(on: &impl ConnectionTrait) -> Result<bool> {
    let person = account::Entity::find().filter(account::Column::Kind.eq(Text(AccountKind::Person)));
    Ok(person.limit(1).count(on).await? > 0)
}
