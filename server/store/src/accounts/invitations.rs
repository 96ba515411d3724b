//! Invitations: a secret that lets one person sign up, for a week.
//! It refuses to know how the secret reaches them.

use std::time::Duration;

use model::clock::Timestamp;
use model::fault::{Fault, FaultCode};
use model::id::AccountId;
use model::reason::Reason;

use crate::access::Viewer;
use crate::database::Tx;
use crate::error::{Error, Result};
use crate::{Store, secret, sql};

/// How long an invitation is good.
const GOOD_FOR: Duration = Duration::from_hours(7 * 24);

fn spent() -> Error {
    Error::Fault(Fault { code: FaultCode::Forbidden, ..Fault::invalid("invitation", Reason::InvitationInvalid) })
}

impl Store {
    /// Makes an invitation and gives its secret, which is not kept. For administrators.
    pub async fn invite(&self, viewer: &Viewer) -> Result<String> {
        viewer.administers()?;
        let (by, _) = viewer.whole_account()?;
        let secret = secret::generate("");
        let now = self.clock().now();
        let insert = "INSERT INTO invitation (secret_hash, created_by, created_at, expires_at) VALUES ($1, $2, $3, $4)";
        let values =
            [secret::hash(&secret).into(), by.0.into(), now.micros().into(), now.plus(GOOD_FOR).micros().into()];
        sql::execute(self.database().pool(), insert, values).await?;
        Ok(secret)
    }

    /// Whether an invitation's secret is good; refused with its reason when it is not.
    pub async fn invitation(&self, secret: &str) -> Result<()> {
        let find = "SELECT 1 FROM invitation WHERE secret_hash = $1 AND used_by IS NULL AND expires_at > $2";
        let values = [secret::hash(secret).into(), self.clock().now().micros().into()];
        sql::first(self.database().pool(), find, values).await?.map(|_| ()).ok_or_else(spent)
    }
}

/// Uses an invitation up, in the transaction that makes the account: of two who hold it only one gets in.
pub(super) async fn redeem(tx: &Tx, hash: &str, account: AccountId, now: Timestamp) -> Result<()> {
    let redeem = "UPDATE invitation SET used_by = $2 WHERE secret_hash = $1 AND used_by IS NULL AND expires_at > $3";
    match sql::execute(tx, redeem, [hash.into(), account.0.into(), now.micros().into()]).await? {
        0 => Err(spent()),
        _ => Ok(()),
    }
}
