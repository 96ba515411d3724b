//! Sign-up: validating the form and creating the account. Also creates the `library` namespace.

use std::sync::Arc;

use model::account::{AccountKind, AccountName, Registration, SignUp};
use model::clock::Timestamp;
use model::event::{Actor, Event, EventKind};
use model::fault::{Fault, FaultCode};
use model::id::AccountId;
use model::reason::Reason;
use model::role::Visibility;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, TryInsertResult};

use super::{invitations, password};
use crate::access::{Exemption, LIBRARY, Viewer};
use crate::database::Tx;
use crate::entity::account;
use crate::entity::column::Text;
use crate::error::{Error, Result};
use crate::{Store, outbox};

/// The longest mail address, in bytes (RFC 5321, 4.5.3.1.3, without the angle brackets).
const MAX_EMAIL: usize = 254;

/// A validated sign-up form with the password hashed.
pub(super) struct PreparedSignUp {
    pub(super) name: AccountName,
    pub(super) email: String,
    /// Whether the address is known to be the person's.
    pub(super) confirmed: bool,
    pub(super) hash: String,
    pub(super) admin: bool,
}

impl Store {
    /// Creates an account from a form, if `registration` allows it, and returns its viewer.
    ///
    /// Reports all invalid fields at once ([`FaultCode::Invalid`]); a taken name is a conflict. An address that another
    /// account has is accepted, so that nobody learns who has an account; neither can be used to sign in until it is
    /// confirmed.
    pub async fn sign_up(&self, form: &SignUp, registration: Registration) -> Result<Viewer> {
        let secret = form.invitation.as_deref().filter(|secret| !secret.is_empty());
        let invitation = match (secret, registration) {
            (None, Registration::Open) => None,
            (secret, registration) => Some(self.valid_invitation(secret.unwrap_or_default(), registration).await?),
        };
        let mut registrant = self.registrant(form, false).await?;
        registrant.confirmed = invitation.as_ref().is_some_and(|row| row.email.as_ref() == Some(&registrant.email));
        let now = self.clock().now();
        let (new, invitation) = (&registrant, invitation.as_ref());
        let id = self
            .database()
            .write(&Exemption::SignUp, |tx| async move {
                let id = insert(&tx, new, None, now).await?;
                if let Some(invitation) = invitation {
                    invitations::redeem(&tx, &invitation.secret_hash, id, now).await?;
                }
                Ok::<_, Error>(id)
            })
            .await?;
        self.notifier().notify();
        Ok(Viewer::member(id, registrant.name, registrant.admin))
    }

    /// Validates a form and hashes its password. The address counts as confirmed.
    pub(super) async fn registrant(&self, form: &SignUp, admin: bool) -> Result<PreparedSignUp> {
        let mut fields = Vec::new();
        let name = AccountName::parse_new(form.name.trim()).map_err(|fault| fields.extend(fault.fields)).ok();
        let email = address(&form.email).map_err(|fault| fields.extend(fault.fields)).unwrap_or_default();
        fields.extend(password::fault("password", &form.password));
        let Some(name) = name.filter(|_| fields.is_empty()) else {
            return Err(Error::Fault(Fault { fields, ..Fault::new(FaultCode::Invalid, Reason::FieldsInvalid) }));
        };
        let hash = self.passwords().turn().await?.hash(&form.password).await?;
        Ok(PreparedSignUp { name, email, confirmed: true, hash, admin })
    }

    /// Creates the `library` namespace if it does not exist.
    pub(crate) async fn make_library(&self) -> Result<()> {
        let now = self.clock().now();
        let make = |tx: Arc<Tx>| async move {
            let name = AccountName::parse(LIBRARY).map_err(|_| Error::Corrupt("account.name"))?;
            let library = account::ActiveModel {
                name: ActiveValue::Set(Text(name)),
                kind: ActiveValue::Set(Text(AccountKind::Organisation)),
                display_name: ActiveValue::Set("Library".to_owned()),
                default_visibility: ActiveValue::Set(Text(Visibility::Public)),
                created_at: ActiveValue::Set(now.micros()),
                ..Default::default()
            };
            let insert = account::Entity::insert(library).on_conflict_do_nothing_on([account::Column::Name]);
            insert.exec_without_returning(&*tx).await?;
            Ok::<_, Error>(())
        };
        self.database().write(&Exemption::Startup, make).await
    }
}

/// Inserts a new account and its event. The actor is `by`, or the account itself. A conflict names the taken field.
pub(super) async fn insert(
    tx: &Tx,
    registrant: &PreparedSignUp,
    by: Option<Actor>,
    now: Timestamp,
) -> Result<AccountId> {
    let person = account::ActiveModel {
        name: ActiveValue::Set(Text(registrant.name.clone())),
        kind: ActiveValue::Set(Text(AccountKind::Person)),
        email: ActiveValue::Set(Some(registrant.email.clone())),
        confirmed_email: ActiveValue::Set(registrant.confirmed.then(|| registrant.email.clone())),
        password_hash: ActiveValue::Set(Some(registrant.hash.clone())),
        admin: ActiveValue::Set(registrant.admin),
        default_visibility: ActiveValue::Set(Text(Visibility::Private)),
        created_at: ActiveValue::Set(now.micros()),
        ..Default::default()
    };
    // On a conflict, either the name or the address is taken.
    let insert = account::Entity::insert(person).on_conflict(OnConflict::new().do_nothing().to_owned()).try_insert();
    if let TryInsertResult::Inserted(row) = insert.exec(tx).await? {
        let account = registrant.name.clone();
        let id = AccountId(row.last_insert_id);
        let own = || Actor { account: Some(id), name: account.clone(), credential: None };
        let actor = Some(by.unwrap_or_else(own));
        let event = Event { repository: None, actor, kind: EventKind::AccountCreated { account } };
        outbox::append(tx, &event, now).await?;
        return Ok(id);
    }
    let name_taken =
        account::Entity::find().filter(account::Column::Name.eq(registrant.name.as_str())).count(tx).await? > 0;
    Err(Error::Fault(if name_taken {
        Fault::conflict("name", Reason::AccountNameTaken)
    } else {
        Fault::conflict("email", Reason::EmailTaken)
    }))
}

/// Normalises and validates a mail address.
pub(super) fn address(text: &str) -> std::result::Result<String, Fault> {
    let address = text.trim().to_lowercase();
    if is_address(&address) { Ok(address) } else { Err(Fault::invalid("email", Reason::EmailSyntax)) }
}

/// Whether a text looks like a mail address: a local part, one `@` and a host.
fn is_address(text: &str) -> bool {
    let plain =
        |part: &str| !part.is_empty() && part.chars().all(|c| !c.is_whitespace() && !c.is_control() && c != '@');
    text.len() <= MAX_EMAIL && text.split_once('@').is_some_and(|(local, host)| plain(local) && plain(host))
}
