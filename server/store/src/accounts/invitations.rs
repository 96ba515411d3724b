//! Invitations: links that allow one person each to sign up.

use std::sync::Arc;
use std::time::Duration;

use model::account::{AccountName, Invitation, NewInvitation, Registration};
use model::clock::Timestamp;
use model::fault::{Fault, FaultCode};
use model::id::AccountId;
use model::page::{Page, PageRequest};
use model::reason::Reason;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, FromQueryResult, JoinType, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, RelationTrait,
};
use uuid::Uuid;

use super::registration;
use crate::access::{Exemption, System, Viewer};
use crate::database::Tx;
use crate::entity::column::Text;
use crate::entity::{account, invitation};
use crate::error::{Error, Result};
use crate::{Store, cursor, secret};

const DAY: Duration = Duration::from_hours(24);
/// The lifetime of an invitation without an expiry time.
const DEFAULT_LIFETIME: Duration = DAY.saturating_mul(7);
/// The longest lifetime of an invitation.
const MAX_LIFETIME: Duration = DAY.saturating_mul(365);
/// The most invitations that can be open at a time.
const MAX_OPEN: u64 = 10_000;

/// An invitation with its creator's name.
#[derive(FromQueryResult)]
struct InvitationRow {
    #[sea_orm(nested)]
    invitation: invitation::Model,
    creator: Option<Text<AccountName>>,
}

fn invalid() -> Error {
    Error::Fault(Fault { code: FaultCode::Forbidden, ..Fault::invalid("invitation", Reason::InvitationInvalid) })
}

fn closed() -> Error {
    Error::Fault(Fault::new(FaultCode::Forbidden, Reason::SignUpClosed))
}

impl Store {
    /// Creates an invitation and returns it with its secret, of which only a hash is stored. For administrators, unless
    /// registration is closed.
    pub async fn invite(
        &self,
        viewer: &Viewer,
        form: &NewInvitation,
        registration: Registration,
    ) -> Result<(Invitation, String)> {
        let administrator = viewer.administrator()?;
        if registration == Registration::Closed {
            return Err(closed());
        }
        let email = form.email.as_deref().map(str::trim).filter(|email| !email.is_empty());
        let email = email.map(registration::address).transpose()?;
        let now = self.clock().now();
        let expires_at = form.expires_at.unwrap_or_else(|| now.plus(DEFAULT_LIFETIME));
        if expires_at <= now || expires_at > now.plus(MAX_LIFETIME) {
            return Err(Error::Fault(Fault::invalid("expires_at", Reason::ExpiryDays { max: 365 })));
        }
        let secret = secret::generate("");
        let row = &invitation::Model {
            // Sorts by the time of creation.
            id: Uuid::now_v7().simple().to_string(),
            secret_hash: secret::hash(&secret),
            email,
            created_by: viewer.account_id().map(|id| id.0),
            created_at: now.micros(),
            expires_at: expires_at.micros(),
            used_by: None,
        };
        let keep = |tx: Arc<Tx>| async move {
            if invitation::Entity::find().filter(open(now)).count(&*tx).await? >= MAX_OPEN {
                return Err(Error::Fault(Fault::new(
                    FaultCode::Conflict,
                    Reason::TooManyInvitations { max: MAX_OPEN },
                )));
            }
            let insert = invitation::Entity::insert(invitation::ActiveModel::from(row.clone()));
            insert.exec_without_returning(&*tx).await?;
            Ok(())
        };
        self.database().write(&administrator, keep).await?;
        let creator = viewer.account().map(|(_, name)| name.clone());
        Ok((view(row.clone(), creator), secret))
    }

    /// Returns the invitations that can still be used, the newest first. For administrators.
    pub async fn invitations(&self, viewer: &Viewer, page: &PageRequest) -> Result<Page<Invitation>> {
        let administrator = viewer.administrator()?;
        let after =
            page.cursor.as_deref().map(|text| Uuid::try_parse(text).map_err(|_| cursor::wrong())).transpose()?;
        let limit = page.limit();
        let rows = invitation::Entity::find()
            .column_as(account::Column::Name, "creator")
            .join(JoinType::LeftJoin, invitation::Relation::Creator.def())
            .filter(open(self.clock().now()))
            .apply_if(after, |query, after| query.filter(invitation::Column::Id.lt(after.simple().to_string())))
            .order_by_desc(invitation::Column::Id)
            .limit(u64::from(limit) + 1)
            .into_model::<InvitationRow>()
            .all(self.database().read(&administrator))
            .await?;
        let page = Page::from_surplus(rows, limit, |row| row.invitation.id.clone());
        Ok(page.map(|row| view(row.invitation, row.creator.map(|name| name.0))))
    }

    /// Deletes an invitation, so that its link becomes invalid. For administrators.
    pub async fn revoke_invitation(&self, viewer: &Viewer, id: &str) -> Result<()> {
        let administrator = viewer.administrator()?;
        let id = Uuid::try_parse(id).map_err(|_| Error::Absent)?.simple().to_string();
        let open = &open(self.clock().now()).add(invitation::Column::Id.eq(id));
        let delete =
            |tx: Arc<Tx>| async move { invitation::Entity::delete_many().filter(open.clone()).exec(&*tx).await };
        match self.database().write(&administrator, delete).await?.rows_affected {
            0 => Err(Error::Absent),
            _ => Ok(()),
        }
    }

    /// Deletes used and expired invitations and returns their number.
    pub async fn sweep_invitations(&self, system: &System) -> Result<u64> {
        let closed = &open(self.clock().now()).not();
        let delete =
            |tx: Arc<Tx>| async move { invitation::Entity::delete_many().filter(closed.clone()).exec(&*tx).await };
        Ok(self.database().write(system, delete).await?.rows_affected)
    }

    /// Returns the address that an invitation is for, if any; an error unless its secret is valid.
    pub async fn invitation(&self, secret: &str, registration: Registration) -> Result<Option<String>> {
        Ok(self.valid_invitation(secret, registration).await?.email)
    }

    pub(super) async fn valid_invitation(&self, secret: &str, registration: Registration) -> Result<invitation::Model> {
        if registration == Registration::Closed {
            return Err(closed());
        }
        let find = invitation::Entity::find().filter(good(&secret::hash(secret), self.clock().now()));
        find.one(self.database().read(&Exemption::SignUp)).await?.ok_or_else(invalid)
    }
}

fn view(row: invitation::Model, created_by: Option<AccountName>) -> Invitation {
    Invitation {
        id: row.id,
        email: row.email,
        created_by,
        created_at: Timestamp::from_micros(row.created_at),
        expires_at: Timestamp::from_micros(row.expires_at),
    }
}

/// The condition for invitations that can still be used.
fn open(now: Timestamp) -> Condition {
    Condition::all().add(invitation::Column::UsedBy.is_null()).add(invitation::Column::ExpiresAt.gt(now.micros()))
}

/// The condition for a valid invitation with this secret.
fn good(hash: &str, now: Timestamp) -> Condition {
    open(now).add(invitation::Column::SecretHash.eq(hash))
}

/// Marks an invitation as used. Runs in the transaction that creates the account, so that it works only once.
pub(super) async fn redeem(tx: &Tx, hash: &str, account: AccountId, now: Timestamp) -> Result<()> {
    let redeem = invitation::Entity::update_many()
        .col_expr(invitation::Column::UsedBy, Expr::value(account.0))
        .filter(good(hash, now));
    match redeem.exec(tx).await?.rows_affected {
        0 => Err(invalid()),
        _ => Ok(()),
    }
}
