//! What everyone sees of an account, and what its owner sees and changes.
//! It refuses to know what an account may do with repositories.

use model::account::{Account, AccountName, Me, ProfilePatch};
use model::fault::{Fault, FaultCode};
use model::id::AccountId;
use model::language::Language;
use model::reason::Reason;
use sea_orm::{ConnectionTrait, FromQueryResult};

use super::{password, tokens};
use crate::access::Viewer;
use crate::accounts::AccountRow;
use crate::database::Tx;
use crate::error::{Error, Result};
use crate::{Store, cursor, sql};

/// The longest display name, in characters.
const MAX_DISPLAY_NAME: usize = 100;
/// The longest text about oneself, in characters.
const MAX_BIO: usize = 500;

impl Store {
    /// An account or organisation by name, as everyone may see it; a disabled one is absent for all but administrators.
    pub async fn account(&self, viewer: &Viewer, name: &str) -> Result<Account> {
        let row = by_name(self.database().pool(), name).await?;
        match row {
            Some(row) if row.disabled_at.is_none() || viewer.administers().is_ok() => row.account(),
            _ => Err(Error::Absent),
        }
    }

    /// Who is signed in, as they see themselves.
    pub async fn me(&self, viewer: &Viewer) -> Result<Me> {
        let (id, _) = viewer.account().ok_or(Error::SignIn)?;
        let row = by_id(self.database().pool(), id).await?;
        row.filter(|row| row.disabled_at.is_none()).ok_or(Error::SignIn)?.me()
    }

    /// Changes one's own profile.
    pub async fn update_profile(&self, viewer: &Viewer, patch: &ProfilePatch) -> Result<Me> {
        let (id, _) = viewer.whole_account()?;
        let line = |text: &Option<String>| text.as_ref().map(|text| text.trim().to_owned());
        let (display_name, bio) = (line(&patch.display_name), line(&patch.bio));
        let shows = |text: &String| text.chars().count() <= MAX_DISPLAY_NAME && !text.chars().any(char::is_control);
        if !display_name.as_ref().is_none_or(shows) {
            let reason = Reason::DisplayNameTooLong { max: MAX_DISPLAY_NAME };
            return Err(Error::Fault(Fault::invalid("display_name", reason)));
        }
        cursor::no_zero("bio", bio.as_deref().unwrap_or_default())?;
        if bio.as_ref().is_some_and(|text| text.chars().count() > MAX_BIO) {
            return Err(Error::Fault(Fault::invalid("bio", Reason::BioTooLong { max: MAX_BIO })));
        }
        let update =
            "UPDATE account SET display_name = COALESCE($2, display_name), bio = COALESCE($3, bio) WHERE id = $1";
        sql::execute(self.database().pool(), update, [id.0.into(), display_name.into(), bio.into()]).await?;
        self.me(viewer).await
    }

    /// Keeps the language in which one reads the pages; `None` follows the browser.
    pub async fn set_language(&self, viewer: &Viewer, language: Option<Language>) -> Result<()> {
        let (id, _) = viewer.whole_account()?;
        let language = language.map(Language::as_str);
        let update = "UPDATE account SET language = $2 WHERE id = $1";
        sql::execute(self.database().pool(), update, [id.0.into(), language.into()]).await?;
        Ok(())
    }

    /// Changes one's own password; the old one is asked again, and wrong ones count as failures to sign in do.
    ///
    /// All sessions and refresh tokens end, this one's too: whoever calls it begins a new session.
    pub async fn change_password(&self, viewer: &Viewer, old: &str, new: &str) -> Result<()> {
        let (id, name) = viewer.whole_account()?;
        if let Some(field) = password::fault("new", new) {
            return Err(Error::Fault(Fault::invalid(field.field, field.reason)));
        }
        self.sign_in(name.as_str(), old, None).await.map_err(|error| match error {
            Error::Fault(fault) if fault.code == FaultCode::SignIn => {
                Error::Fault(Fault::invalid("old", Reason::OldPasswordWrong))
            }
            error => error,
        })?;
        self.set_password(id, new).await
    }

    /// Sets a password that was checked, and ends whatever rests on the one before.
    pub(super) async fn set_password(&self, id: AccountId, new: &str) -> Result<()> {
        let hash = &self.passwords().turn().await?.hash(new).await?;
        self.database()
            .write(|tx| async move {
                let update = "UPDATE account SET password_hash = $2 WHERE id = $1";
                sql::execute(&*tx, update, [id.0.into(), hash.as_str().into()]).await?;
                end_sign_ins(&tx, id).await
            })
            .await
    }
}

/// Ends an account's sessions and refresh tokens.
pub(super) async fn end_sign_ins(tx: &Tx, id: AccountId) -> Result<()> {
    sql::execute(tx, "DELETE FROM session WHERE account_id = $1", [id.0.into()]).await?;
    let end = "DELETE FROM token WHERE account_id = $1 AND kind = $2";
    sql::execute(tx, end, [id.0.into(), tokens::REFRESH.into()]).await?;
    Ok(())
}

/// An account by its name.
pub(crate) async fn by_name(on: &impl ConnectionTrait, name: &str) -> Result<Option<AccountRow>> {
    // What cannot be a name is not looked for.
    let Ok(name) = AccountName::parse(name) else { return Ok(None) };
    let find = format!("SELECT {} FROM account a WHERE a.name = $1", AccountRow::COLUMNS);
    let row = sql::first(on, &find, [name.as_str().into()]).await?;
    Ok(row.map(|row| AccountRow::from_query_result(&row, "")).transpose()?)
}

/// An account by its identity.
pub(crate) async fn by_id(on: &impl ConnectionTrait, id: AccountId) -> Result<Option<AccountRow>> {
    let find = format!("SELECT {} FROM account a WHERE a.id = $1", AccountRow::COLUMNS);
    let row = sql::first(on, &find, [id.0.into()]).await?;
    Ok(row.map(|row| AccountRow::from_query_result(&row, "")).transpose()?)
}
