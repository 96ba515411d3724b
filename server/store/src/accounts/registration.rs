//! How an account comes to be: signing up, and what a name, an address and a password must look like.
//! It refuses to know who pays for a mail; addresses are not verified here.

use model::account::{AccountKind, AccountName, Registration, SignUp};
use model::clock::Timestamp;
use model::fault::{Fault, FaultCode, FieldFault};
use model::id::AccountId;
use model::reason::Reason;
use model::role::Visibility;

use super::{invitations, password};
use crate::access::{LIBRARY, Viewer};
use crate::database::Tx;
use crate::error::{Error, Result};
use crate::{Store, sql};

/// The longest mail address, in bytes (RFC 5321, 4.5.3.1.3, without the angle brackets).
const MAX_EMAIL: usize = 254;

/// A form that was checked, its password hashed.
pub(super) struct Registrant {
    pub(super) name: AccountName,
    pub(super) email: String,
    pub(super) hash: String,
    pub(super) admin: bool,
}

impl Store {
    /// Makes an account from a form, as far as registration allows, and gives its viewer.
    ///
    /// All that is wrong with the form is told at once ([`FaultCode::Invalid`]); a taken name or address is a conflict.
    pub async fn sign_up(&self, form: &SignUp, registration: Registration) -> Result<Viewer> {
        let invitation = match registration {
            Registration::Open => None,
            Registration::Invitation => {
                let secret = form.invitation.as_deref().unwrap_or_default();
                self.invitation(secret).await?;
                Some(crate::secret::hash(secret))
            }
            Registration::Closed => {
                return Err(Error::Fault(Fault::new(FaultCode::Forbidden, Reason::SignUpClosed)));
            }
        };
        let registrant = self.registrant(form, false).await?;
        let now = self.clock().now();
        let (new, invitation) = (&registrant, invitation.as_deref());
        let id = self
            .database()
            .write(|tx| async move {
                let id = insert(&tx, new, now).await?;
                if let Some(invitation) = invitation {
                    invitations::redeem(&tx, invitation, id, now).await?;
                }
                Ok::<_, Error>(id)
            })
            .await?;
        Ok(Viewer::member(id, registrant.name, registrant.admin))
    }

    /// Checks a form and hashes its password.
    pub(super) async fn registrant(&self, form: &SignUp, admin: bool) -> Result<Registrant> {
        let mut fields = Vec::new();
        let name = AccountName::parse_new(form.name.trim()).map_err(|fault| fields.extend(fault.fields)).ok();
        let email = form.email.trim().to_lowercase();
        if !is_address(&email) {
            fields.push(FieldFault { field: "email".to_owned(), reason: Reason::EmailSyntax });
        }
        fields.extend(password::fault("password", &form.password));
        let Some(name) = name.filter(|_| fields.is_empty()) else {
            return Err(Error::Fault(Fault { fields, ..Fault::new(FaultCode::Invalid, Reason::FieldsInvalid) }));
        };
        let hash = self.passwords().turn().await?.hash(&form.password).await?;
        Ok(Registrant { name, email, hash, admin })
    }

    /// Makes the namespace that administrators curate, once.
    pub(crate) async fn make_library(&self) -> Result<()> {
        let make = "INSERT INTO account (name, kind, display_name, default_visibility, created_at)
             VALUES ($1, $2, 'Library', $3, $4) ON CONFLICT (name) DO NOTHING";
        let values = [
            LIBRARY.into(),
            AccountKind::Organisation.as_str().into(),
            Visibility::Public.as_str().into(),
            self.clock().now().micros().into(),
        ];
        sql::execute(self.database().pool(), make, values).await?;
        Ok(())
    }
}

/// Stores a new person; a conflict names the field that is taken.
pub(super) async fn insert(tx: &Tx, registrant: &Registrant, now: Timestamp) -> Result<AccountId> {
    let insert = "INSERT INTO account (name, kind, email, password_hash, admin, default_visibility, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING id";
    let values = [
        registrant.name.as_str().into(),
        AccountKind::Person.as_str().into(),
        registrant.email.as_str().into(),
        registrant.hash.as_str().into(),
        registrant.admin.into(),
        Visibility::Private.as_str().into(),
        now.micros().into(),
    ];
    if let Some(row) = sql::first(tx, insert, values).await? {
        return Ok(AccountId(row.try_get_by_index(0)?));
    }
    let taken = "SELECT 1 FROM account WHERE name = $1";
    let name_taken = sql::first(tx, taken, [registrant.name.as_str().into()]).await?.is_some();
    Err(Error::Fault(if name_taken {
        Fault::conflict("name", Reason::AccountNameTaken)
    } else {
        Fault::conflict("email", Reason::EmailTaken)
    }))
}

/// Whether a text can be a mail address: something, one `@`, and a host; whether mail arrives only a mail can tell.
fn is_address(text: &str) -> bool {
    let plain =
        |part: &str| !part.is_empty() && part.chars().all(|c| !c.is_whitespace() && !c.is_control() && c != '@');
    text.len() <= MAX_EMAIL && text.split_once('@').is_some_and(|(local, host)| plain(local) && plain(host))
}
