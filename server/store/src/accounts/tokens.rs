//! Personal access tokens, and the refresh tokens that registry clients keep; of either only a hash is stored.

use model::clock::Timestamp;
use model::fault::Fault;
use model::id::TokenId;
use model::reason::Reason;
use model::token::{CreatedToken, NewToken, SECRET_PREFIX, Token, TokenScope};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryResult};

use crate::access::Viewer;
use crate::accounts::AccountRow;
use crate::entity::token as table;
use crate::error::{Error, Result};
use crate::{Store, secret, sql};

/// The kind of a personal access token's row.
const PERSONAL: &str = "personal";
/// The kind of a refresh token's row.
pub(super) const REFRESH: &str = "refresh";
/// What a refresh token's secret begins with; it is no password, so it has another prefix than those that are.
const REFRESH_PREFIX: &str = "ptr_";

/// The longest label, in characters.
const MAX_LABEL: usize = 100;
/// How many scopes a token may have, and how many tokens an account.
const MAX_SCOPES: usize = 50;
const MAX_TOKENS: i64 = 200;
/// How many refresh tokens an account keeps for one service: each sign-in with a client adds one.
const MAX_REFRESH: i64 = 100;
/// A refresh token that is not used for so long ends, in microseconds: 90 days.
const UNUSED: i64 = 90 * 24 * 60 * 60 * 1_000_000;
/// A token's use is written down no more often than this, in microseconds.
const USE_NOTED: i64 = 60 * 1_000_000;

const COLUMNS: &str = "id, label, scopes, expires_at, last_used_at, created_at";

impl Store {
    /// One's own personal access tokens, newest first.
    pub async fn tokens(&self, viewer: &Viewer) -> Result<Vec<Token>> {
        let (id, _) = viewer.whole_account()?;
        let find = format!("SELECT {COLUMNS} FROM token WHERE account_id = $1 AND kind = $2 ORDER BY id DESC");
        let rows = sql::all(self.database().pool(), &find, [id.0.into(), PERSONAL.into()]).await?;
        rows.iter().map(token).collect()
    }

    /// Makes a personal access token; its secret is in the answer and nowhere else.
    pub async fn create_token(&self, viewer: &Viewer, form: &NewToken) -> Result<CreatedToken> {
        let (id, _) = viewer.whole_account()?;
        let label = form.label.trim();
        if label.is_empty() || label.chars().count() > MAX_LABEL || label.chars().any(char::is_control) {
            return Err(Error::Fault(Fault::invalid("label", Reason::TokenLabelLength { max: MAX_LABEL })));
        }
        if form.scopes.len() > MAX_SCOPES {
            return Err(Error::Fault(Fault::invalid("scopes", Reason::TooManyScopes { max: MAX_SCOPES })));
        }
        let now = self.clock().now();
        if form.expires_at.is_some_and(|moment| moment <= now) {
            return Err(Error::Fault(Fault::invalid("expires_at", Reason::ExpiryInPast)));
        }
        let secret = secret::generate(SECRET_PREFIX);
        let scopes = &serde_json::to_string(&form.scopes).map_err(|_| Error::Corrupt("token.scopes"))?;
        let hash = &secret::hash(&secret);
        let token = self
            .database()
            .write(|tx| async move {
                let count = "SELECT COUNT(*) FROM token WHERE account_id = $1 AND kind = $2";
                let row = sql::first(&*tx, count, [id.0.into(), PERSONAL.into()]).await?;
                let held: i64 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
                if held >= MAX_TOKENS {
                    return Err(Error::Fault(Fault::invalid("label", Reason::TooManyTokens { max: MAX_TOKENS })));
                }
                let insert = format!(
                    "INSERT INTO token (account_id, kind, label, secret_hash, scopes, created_at, expires_at)
                     VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING {COLUMNS}"
                );
                let values = [
                    id.0.into(),
                    PERSONAL.into(),
                    label.into(),
                    hash.as_str().into(),
                    scopes.as_str().into(),
                    now.micros().into(),
                    form.expires_at.map(Timestamp::micros).into(),
                ];
                let row = sql::first(&*tx, &insert, values).await?.ok_or(Error::Corrupt("token"))?;
                token(&row)
            })
            .await?;
        Ok(CreatedToken { token, secret })
    }

    /// Ends one of one's own personal access tokens; another's is absent.
    pub async fn revoke_token(&self, viewer: &Viewer, token: TokenId) -> Result<()> {
        let (id, _) = viewer.whole_account()?;
        let delete = "DELETE FROM token WHERE account_id = $1 AND id = $2 AND kind = $3";
        let values = [id.0.into(), token.0.into(), PERSONAL.into()];
        match sql::execute(self.database().pool(), delete, values).await? {
            0 => Err(Error::Absent),
            _ => Ok(()),
        }
    }

    /// The viewer of a personal token's secret (`ptl_…`), held to the token's scopes. [`Error::SignIn`] when it is unknown,
    /// expired or revoked, or its owner disabled.
    pub async fn secret_viewer(&self, secret: &str) -> Result<Viewer> {
        self.find_secret(secret).await?.map(|(_, viewer)| viewer).ok_or(Error::SignIn)
    }

    /// The account and the viewer of a personal token's secret.
    pub(super) async fn find_secret(&self, secret: &str) -> Result<Option<(AccountRow, Viewer)>> {
        let find = format!(
            "SELECT {}, t.id AS token_id, t.scopes, t.last_used_at FROM token t JOIN account a ON a.id = t.account_id
             WHERE t.secret_hash = $1 AND t.kind = $2 AND (t.expires_at IS NULL OR t.expires_at > $3)
                 AND a.disabled_at IS NULL",
            AccountRow::COLUMNS
        );
        let now = self.clock().now().micros();
        let values = [secret::hash(secret).into(), PERSONAL.into(), now.into()];
        let Some(row) = sql::first(self.database().pool(), &find, values).await? else { return Ok(None) };
        self.note_use(&row, now).await?;
        let scopes: Vec<TokenScope> =
            serde_json::from_str(&row.try_get::<String>("", "scopes")?).map_err(|_| Error::Corrupt("token.scopes"))?;
        let token = TokenId(row.try_get("", "token_id")?);
        let row = AccountRow::from_query_result(&row, "")?;
        let viewer = Viewer::member(row.id(), row.name()?, row.admin).by_token(token);
        let viewer = if scopes.is_empty() { viewer } else { viewer.limited(scopes, false) };
        Ok(Some((row, viewer)))
    }

    /// Writes down that a token is used; the row has its `token_id` and `last_used_at`. A token works also where that cannot
    /// be written, as in a database that is full.
    async fn note_use(&self, row: &QueryResult, now: i64) -> Result<()> {
        let last: Option<i64> = row.try_get("", "last_used_at")?;
        if last.is_some_and(|last| now.saturating_sub(last) < USE_NOTED) {
            return Ok(());
        }
        let id: i64 = row.try_get("", "token_id")?;
        let note = table::Entity::update_many()
            .col_expr(table::Column::LastUsedAt, Expr::val(now))
            .filter(table::Column::Id.eq(id));
        if let Err(error) = note.exec(self.database().pool()).await {
            tracing::debug!(%error, "the use of a token could not be written down");
        }
        Ok(())
    }

    /// A refresh token for one service, with the viewer's rights: until the password changes, the account is disabled, the
    /// personal token that it was asked for with ends, nobody uses it for 90 days, or the account has 100 newer ones.
    pub async fn issue_refresh(&self, viewer: &Viewer, service: &str) -> Result<String> {
        let (id, _) = viewer.account().ok_or(Error::SignIn)?;
        let secret = secret::generate(REFRESH_PREFIX);
        let scopes = serde_json::to_string(&viewer.limits()).map_err(|_| Error::Corrupt("token.scopes"))?;
        let insert = "INSERT INTO token (account_id, kind, label, secret_hash, scopes, service, parent_id, created_at)
             VALUES ($1, $2, '', $3, $4, $5, $6, $7)";
        let end = "DELETE FROM token WHERE account_id = $1 AND kind = $2 AND service = $3 AND id NOT IN
             (SELECT id FROM token WHERE account_id = $1 AND kind = $2 AND service = $3 ORDER BY id DESC LIMIT $4)";
        let now = self.clock().now().micros();
        let (hash, scopes, parent) = (&secret::hash(&secret), &scopes, viewer.token().map(|token| token.0));
        self.database()
            .write(|tx| async move {
                let values = [
                    id.0.into(),
                    REFRESH.into(),
                    hash.as_str().into(),
                    scopes.as_str().into(),
                    service.into(),
                    parent.into(),
                    now.into(),
                ];
                sql::execute(&*tx, insert, values).await?;
                sql::execute(&*tx, end, [id.0.into(), REFRESH.into(), service.into(), MAX_REFRESH.into()]).await
            })
            .await?;
        Ok(secret)
    }

    /// The viewer of a refresh token that was issued for this service; [`Error::SignIn`] when there is no such token.
    pub async fn refresh_viewer(&self, secret: &str, service: &str) -> Result<Viewer> {
        let find = format!(
            "SELECT {}, t.id AS token_id, t.scopes, t.last_used_at, t.parent_id FROM token t JOIN account a ON a.id = t.account_id
                 LEFT JOIN token p ON p.id = t.parent_id
             WHERE t.secret_hash = $1 AND t.kind = $2 AND t.service = $3 AND a.disabled_at IS NULL
                 AND (p.expires_at IS NULL OR p.expires_at > $4) AND COALESCE(t.last_used_at, t.created_at) > $5",
            AccountRow::COLUMNS
        );
        let now = self.clock().now().micros();
        let values = [
            secret::hash(secret).into(),
            REFRESH.into(),
            service.into(),
            now.into(),
            now.saturating_sub(UNUSED).into(),
        ];
        let row = sql::first(self.database().pool(), &find, values).await?.ok_or(Error::SignIn)?;
        self.note_use(&row, now).await?;
        let scopes: Option<_> =
            serde_json::from_str(&row.try_get::<String>("", "scopes")?).map_err(|_| Error::Corrupt("token.scopes"))?;
        let parent: Option<i64> = row.try_get("", "parent_id")?;
        let row = AccountRow::from_query_result(&row, "")?;
        let mut viewer = Viewer::member(row.id(), row.name()?, row.admin);
        if let Some(parent) = parent {
            viewer = viewer.by_token(TokenId(parent));
        }
        Ok(match scopes {
            Some(scopes) => viewer.limited(scopes, false),
            None => viewer,
        })
    }
}

/// Takes out some refresh tokens that nobody has used for long.
pub(crate) async fn forget_unused(on: &impl ConnectionTrait, now: Timestamp, limit: i64) -> Result<()> {
    let delete = "DELETE FROM token WHERE id IN (
         SELECT id FROM token WHERE kind = $1 AND COALESCE(last_used_at, created_at) <= $2 ORDER BY id LIMIT $3)";
    let values = [REFRESH.into(), now.micros().saturating_sub(UNUSED).into(), limit.into()];
    sql::execute(on, delete, values).await?;
    Ok(())
}

fn token(row: &QueryResult) -> Result<Token> {
    let scopes: String = row.try_get("", "scopes")?;
    let moment = |column| Ok::<_, Error>(row.try_get::<Option<i64>>("", column)?.map(Timestamp::from_micros));
    Ok(Token {
        id: TokenId(row.try_get("", "id")?),
        label: row.try_get("", "label")?,
        scopes: serde_json::from_str(&scopes).map_err(|_| Error::Corrupt("token.scopes"))?,
        expires_at: moment("expires_at")?,
        last_used_at: moment("last_used_at")?,
        created_at: Timestamp::from_micros(row.try_get("", "created_at")?),
    })
}
