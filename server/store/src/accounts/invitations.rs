//! Invitations: secrets that allow one person to sign up, valid for a week.

use std::sync::Arc;
use std::time::Duration;

use model::clock::Timestamp;
use model::fault::{Fault, FaultCode};
use model::id::AccountId;
use model::reason::Reason;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue, ColumnTrait, Condition, EntityTrait, QueryFilter};

use crate::access::{Exemption, System, Viewer};
use crate::database::Tx;
use crate::entity::invitation;
use crate::error::{Error, Result};
use crate::{Store, secret};

/// Lifetime of an invitation.
const GOOD_FOR: Duration = Duration::from_hours(7 * 24);

fn spent() -> Error {
    Error::Fault(Fault { code: FaultCode::Forbidden, ..Fault::invalid("invitation", Reason::InvitationInvalid) })
}

impl Store {
    /// Creates an invitation and returns its secret, of which only a hash is stored. For administrators and the site.
    pub async fn invite(&self, viewer: &Viewer) -> Result<String> {
        let administrator = viewer.administrator()?;
        let by = viewer.account_id().map(|id| id.0);
        let secret = secret::generate("");
        let hash = &secret::hash(&secret);
        let now = self.clock().now();
        let keep = |tx: Arc<Tx>| async move {
            let row = invitation::ActiveModel {
                secret_hash: ActiveValue::Set(hash.clone()),
                created_by: ActiveValue::Set(by),
                created_at: ActiveValue::Set(now.micros()),
                expires_at: ActiveValue::Set(now.plus(GOOD_FOR).micros()),
                ..Default::default()
            };
            invitation::Entity::insert(row).exec_without_returning(&*tx).await
        };
        self.database().write(&administrator, keep).await?;
        Ok(secret)
    }

    /// Deletes used and expired invitations and returns their number.
    pub async fn sweep_invitations(&self, system: &System) -> Result<u64> {
        let now = self.clock().now();
        let delete = |tx: Arc<Tx>| async move {
            let spent = Condition::any()
                .add(invitation::Column::UsedBy.is_not_null())
                .add(invitation::Column::ExpiresAt.lte(now.micros()));
            invitation::Entity::delete_many().filter(spent).exec(&*tx).await
        };
        Ok(self.database().write(system, delete).await?.rows_affected)
    }

    /// Returns an error unless the secret belongs to a valid invitation.
    pub async fn invitation(&self, secret: &str) -> Result<()> {
        let find = invitation::Entity::find().filter(good(&secret::hash(secret), self.clock().now()));
        find.one(self.database().read(&Exemption::SignUp)).await?.map(|_| ()).ok_or_else(spent)
    }
}

/// The condition for a valid invitation.
fn good(hash: &str, now: Timestamp) -> Condition {
    Condition::all()
        .add(invitation::Column::SecretHash.eq(hash))
        .add(invitation::Column::UsedBy.is_null())
        .add(invitation::Column::ExpiresAt.gt(now.micros()))
}

/// Marks an invitation as used. Runs in the transaction that creates the account, so that it works only once.
pub(super) async fn redeem(tx: &Tx, hash: &str, account: AccountId, now: Timestamp) -> Result<()> {
    let redeem = invitation::Entity::update_many()
        .col_expr(invitation::Column::UsedBy, Expr::value(account.0))
        .filter(good(hash, now));
    match redeem.exec(tx).await?.rows_affected {
        0 => Err(spent()),
        _ => Ok(()),
    }
}
