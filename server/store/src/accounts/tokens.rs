//! Personal access tokens, and the refresh tokens used by registry clients. Only their hashes are stored.

use std::sync::Arc;
use std::time::Duration;

use model::clock::Timestamp;
use model::event::EventKind;
use model::fault::Fault;
use model::id::{AccountId, TokenId};
use model::reason::Reason;
use model::token::{CreatedToken, NewToken, SECRET_PREFIX, Token, TokenScope};
use sea_orm::sea_query::{Expr, ExprTrait, Func, LockType};
use sea_orm::{
    ActiveValue, ColumnTrait, DerivePartialModel, EntityTrait, IntoSimpleExpr, JoinType, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait, RelationTrait, Select,
};

use crate::access::{Exemption, System, Viewer};
use crate::accounts::AccountRow;
use crate::database::Tx;
use crate::entity::column::Json;
use crate::entity::{account, token};
use crate::error::{Error, Result};
use crate::{Store, outbox, secret, sql};

/// The kind of a personal access token's row.
const PERSONAL: &str = "personal";
/// The kind of a refresh token's row.
pub(super) const REFRESH: &str = "refresh";
/// The prefix of refresh tokens, which differs from that of personal tokens because they cannot be used as passwords.
const REFRESH_PREFIX: &str = "ptr_";

/// The longest label, in characters.
const MAX_LABEL: usize = 100;
/// The maximum number of scopes of a token.
const MAX_SCOPES: usize = 50;
/// The maximum length of all their globs together, in bytes: it bounds the cost of a search under the token.
const MAX_GLOBS: usize = 1_500;
/// The maximum number of personal access tokens of an account.
const MAX_TOKENS: u64 = 200;
/// The maximum number of refresh tokens of an account for one service; each sign-in with a client adds one.
const MAX_REFRESH: u64 = 100;
/// A form sent again within this time is the same form: somebody clicked twice.
const REPEATED: Duration = Duration::from_secs(10);
/// Refresh tokens expire when unused for this long, in microseconds: 90 days.
const UNUSED: i64 = 90 * 24 * 60 * 60 * 1_000_000;
/// The use of a token is recorded at most this often, in microseconds.
const USE_NOTED: i64 = 60 * 1_000_000;

/// The maximum number of expired refresh tokens deleted by one call.
const SWEEP: u64 = 500;

/// A token with its account.
#[derive(DerivePartialModel)]
#[sea_orm(entity = "token::Entity")]
struct TokenRow {
    id: i64,
    scopes: Json<Option<Vec<TokenScope>>>,
    parent_id: Option<i64>,
    last_used_at: Option<i64>,
    #[sea_orm(nested)]
    account: AccountRow,
}

impl Store {
    /// Returns the viewer's own personal access tokens, newest first.
    pub async fn tokens(&self, viewer: &Viewer) -> Result<Vec<Token>> {
        let own = viewer.own_account()?;
        let rows = of_kind(own.id, PERSONAL).order_by_desc(token::Column::Id).all(self.database().read(&own)).await?;
        Ok(rows.into_iter().map(view).collect())
    }

    /// Creates a personal access token. Only the returned value contains its secret.
    pub async fn create_token(&self, viewer: &Viewer, form: &NewToken) -> Result<CreatedToken> {
        self.insert_token(viewer, form, None).await
    }

    /// Creates a personal access token for a form. If the form was already sent in the last ten seconds, its token is
    /// replaced: only the last answer is shown, and nobody has the secret of the first one.
    pub async fn create_token_once(&self, viewer: &Viewer, form: &NewToken) -> Result<CreatedToken> {
        self.insert_token(viewer, form, Some(self.clock().now().minus(REPEATED))).await
    }

    /// Creates a token, and with `replaced_since` deletes the equal ones created since then.
    async fn insert_token(
        &self,
        viewer: &Viewer,
        form: &NewToken,
        replaced_since: Option<Timestamp>,
    ) -> Result<CreatedToken> {
        let own = viewer.own_account()?;
        let label = form.label.trim();
        if label.is_empty() || label.chars().count() > MAX_LABEL || label.chars().any(char::is_control) {
            return Err(Error::Fault(Fault::invalid("label", Reason::TokenLabelLength { max: MAX_LABEL })));
        }
        let length: usize = form.scopes.iter().map(|scope| scope.glob().as_str().len()).sum();
        if form.scopes.len() > MAX_SCOPES || length > MAX_GLOBS {
            let reason = Reason::TooManyScopes { max: MAX_SCOPES, length: MAX_GLOBS };
            return Err(Error::Fault(Fault::invalid("scopes", reason)));
        }
        let now = self.clock().now();
        if form.expires_at.is_some_and(|moment| moment <= now) {
            return Err(Error::Fault(Fault::invalid("expires_at", Reason::ExpiryInPast)));
        }
        let secret = secret::generate(SECRET_PREFIX);
        let row = &token::ActiveModel {
            account_id: ActiveValue::Set(own.id.0),
            kind: ActiveValue::Set(PERSONAL.to_owned()),
            label: ActiveValue::Set(label.to_owned()),
            secret_hash: ActiveValue::Set(secret::hash(&secret)),
            scopes: ActiveValue::Set(Json(Some(form.scopes.clone()))),
            created_at: ActiveValue::Set(now.micros()),
            expires_at: ActiveValue::Set(form.expires_at.map(Timestamp::micros)),
            ..Default::default()
        };
        let id = own.id;
        let token = self
            .database()
            .write(&own, |tx| async move {
                lock_account(&tx, id).await?;
                if let Some(since) = replaced_since {
                    for token in repeated(&tx, id, label, form, since).await? {
                        token::Entity::delete_by_id(token.0).exec(&*tx).await?;
                        let event = outbox::account_event(viewer, EventKind::TokenRevoked { token });
                        outbox::append(&*tx, &event, now).await?;
                    }
                }
                if of_kind(id, PERSONAL).count(&*tx).await? >= MAX_TOKENS {
                    let reason = Reason::TooManyTokens { max: sql::signed(MAX_TOKENS) };
                    return Err(Error::Fault(Fault::invalid("label", reason)));
                }
                let row = token::Entity::insert(row.clone()).exec_with_returning(&*tx).await?;
                let kind = EventKind::TokenCreated { token: TokenId(row.id), label: row.label.clone() };
                outbox::append(&*tx, &outbox::account_event(viewer, kind), now).await?;
                Ok(view(row))
            })
            .await?;
        self.notifier().notify();
        Ok(CreatedToken { token, secret })
    }

    /// Revokes one of the viewer's own personal access tokens; [`Error::Absent`] if they have no such token.
    pub async fn revoke_token(&self, viewer: &Viewer, token: TokenId) -> Result<()> {
        let own = viewer.own_account()?;
        let id = own.id;
        let now = self.clock().now();
        let delete = |tx: Arc<Tx>| async move {
            let deleted = token::Entity::delete_many()
                .filter(token::Column::AccountId.eq(id.0))
                .filter(token::Column::Id.eq(token.0))
                .filter(token::Column::Kind.eq(PERSONAL))
                .exec(&*tx)
                .await?;
            if deleted.rows_affected == 0 {
                return Err(Error::Absent);
            }
            outbox::append(&*tx, &outbox::account_event(viewer, EventKind::TokenRevoked { token }), now).await
        };
        self.database().write(&own, delete).await?;
        self.notifier().notify();
        Ok(())
    }

    /// Returns the viewer of a personal token's secret (`ptl_…`), restricted to the token's scopes. [`Error::SignIn`]
    /// if it is unknown, expired or revoked, or its owner is disabled.
    pub async fn secret_viewer(&self, secret: &str) -> Result<Viewer> {
        self.find_secret(secret).await?.map(|(_, viewer)| viewer).ok_or(Error::SignIn)
    }

    /// Returns the account and the viewer of a personal token's secret.
    pub(super) async fn find_secret(&self, secret: &str) -> Result<Option<(AccountRow, Viewer)>> {
        let now = self.clock().now().micros();
        let find = token::Entity::find()
            .inner_join(account::Entity)
            .filter(token::Column::SecretHash.eq(secret::hash(secret)))
            .filter(token::Column::Kind.eq(PERSONAL))
            .filter(token::Column::ExpiresAt.is_null().or(token::Column::ExpiresAt.gt(now)))
            .filter(account::Column::DisabledAt.is_null());
        let row = find.into_partial_model::<TokenRow>().one(self.database().read(&Exemption::Credentials)).await?;
        let Some(row) = row else { return Ok(None) };
        self.note_use(&row, now).await;
        let viewer = row.account.viewer().by_token(TokenId(row.id));
        let viewer = match row.scopes.0 {
            Some(scopes) if !scopes.is_empty() => viewer.limited(scopes, false),
            _ => viewer,
        };
        Ok(Some((row.account, viewer)))
    }

    /// Records that a token was used. Errors are ignored, so that tokens work while the database is full.
    async fn note_use(&self, row: &TokenRow, now: i64) {
        if row.last_used_at.is_some_and(|last| now.saturating_sub(last) < USE_NOTED) {
            return;
        }
        let id = row.id;
        let note = |tx: Arc<Tx>| async move {
            token::Entity::update_many()
                .col_expr(token::Column::LastUsedAt, Expr::val(now))
                .filter(token::Column::Id.eq(id))
                .exec(&*tx)
                .await
        };
        if let Err(error) = self.database().write(&Exemption::Credentials, note).await {
            tracing::debug!(%error, "cannot record the use of a token");
        }
    }

    /// Issues a refresh token for one service with the viewer's rights. It is valid until the password changes, the
    /// account is disabled, the personal token it was requested with expires or is revoked, it is unused for 90 days,
    /// or the account has 100 newer ones for this service.
    pub async fn issue_refresh(&self, viewer: &Viewer, service: &str) -> Result<String> {
        let (id, _) = viewer.account().ok_or(Error::SignIn)?;
        let secret = secret::generate(REFRESH_PREFIX);
        let row = &token::ActiveModel {
            account_id: ActiveValue::Set(id.0),
            kind: ActiveValue::Set(REFRESH.to_owned()),
            label: ActiveValue::Set(String::new()),
            secret_hash: ActiveValue::Set(secret::hash(&secret)),
            scopes: ActiveValue::Set(Json(viewer.limits().map(<[TokenScope]>::to_vec))),
            service: ActiveValue::Set(Some(service.to_owned())),
            parent_id: ActiveValue::Set(viewer.token().map(|token| token.0)),
            created_at: ActiveValue::Set(self.clock().now().micros()),
            ..Default::default()
        };
        self.database()
            .write(viewer, |tx| async move {
                token::Entity::insert(row.clone()).exec_without_returning(&*tx).await?;
                let of_service = of_kind(id, REFRESH).filter(token::Column::Service.eq(service));
                let newest = of_service.select_only().column(token::Column::Id).order_by_desc(token::Column::Id);
                token::Entity::delete_many()
                    .filter(token::Column::AccountId.eq(id.0))
                    .filter(token::Column::Kind.eq(REFRESH))
                    .filter(token::Column::Service.eq(service))
                    .filter(token::Column::Id.not_in_subquery(newest.limit(MAX_REFRESH).into_query()))
                    .exec(&*tx)
                    .await
            })
            .await?;
        Ok(secret)
    }

    /// Returns the viewer of a refresh token issued for this service; [`Error::SignIn`] if the token is not valid.
    pub async fn refresh_viewer(&self, secret: &str, service: &str) -> Result<Viewer> {
        let now = self.clock().now().micros();
        let parent = |column: token::Column| Expr::col(("parent", column));
        let find = token::Entity::find()
            .inner_join(account::Entity)
            .join_as(JoinType::LeftJoin, token::Relation::Parent.def(), "parent")
            .filter(token::Column::SecretHash.eq(secret::hash(secret)))
            .filter(token::Column::Kind.eq(REFRESH))
            .filter(token::Column::Service.eq(service))
            .filter(account::Column::DisabledAt.is_null())
            .filter(parent(token::Column::ExpiresAt).is_null().or(parent(token::Column::ExpiresAt).gt(now)))
            .filter(last_use().gt(now.saturating_sub(UNUSED)));
        let row = find.into_partial_model::<TokenRow>().one(self.database().read(&Exemption::Credentials)).await?;
        let row = row.ok_or(Error::SignIn)?;
        self.note_use(&row, now).await;
        let mut viewer = row.account.viewer();
        if let Some(parent) = row.parent_id {
            viewer = viewer.by_token(TokenId(parent));
        }
        Ok(match row.scopes.0 {
            Some(scopes) => viewer.limited(scopes, false),
            None => viewer,
        })
    }

    /// Deletes a batch of expired refresh tokens and returns their number.
    pub async fn sweep_refresh_tokens(&self, system: &System) -> Result<u64> {
        let before = self.clock().now().micros().saturating_sub(UNUSED);
        let delete = |tx: Arc<Tx>| async move {
            let unused = token::Entity::find()
                .select_only()
                .column(token::Column::Id)
                .filter(token::Column::Kind.eq(REFRESH))
                .filter(last_use().lte(before))
                .order_by_asc(token::Column::Id)
                .limit(SWEEP)
                .into_query();
            token::Entity::delete_many().filter(token::Column::Id.in_subquery(unused)).exec(&*tx).await
        };
        Ok(self.database().write(system, delete).await?.rows_affected)
    }
}

/// An account's tokens of one kind.
/// Locks an account's row, so that the tokens of an account are created one after another.
async fn lock_account(tx: &Tx, account: AccountId) -> Result<()> {
    let row = account::Entity::find_by_id(account.0).select_only().column(account::Column::Id);
    row.lock(LockType::NoKeyUpdate).into_tuple::<i64>().one(tx).await?;
    Ok(())
}

/// Returns the tokens that a form created since then. Their expiry may differ by the time between two answers.
async fn repeated(tx: &Tx, account: AccountId, label: &str, form: &NewToken, since: Timestamp) -> Result<Vec<TokenId>> {
    let rows = of_kind(account, PERSONAL)
        .filter(token::Column::Label.eq(label))
        .filter(token::Column::CreatedAt.gte(since.micros()))
        .all(tx)
        .await?;
    let same_expiry = |expires_at: Option<i64>| match (expires_at, form.expires_at) {
        (Some(one), Some(other)) => one.abs_diff(other.micros()) <= REPEATED.as_micros().try_into().unwrap_or(u64::MAX),
        (one, other) => one.is_none() && other.is_none(),
    };
    let same =
        rows.into_iter().filter(|row| row.scopes.0.as_ref() == Some(&form.scopes) && same_expiry(row.expires_at));
    Ok(same.map(|row| TokenId(row.id)).collect())
}

fn of_kind(account: AccountId, kind: &str) -> Select<token::Entity> {
    token::Entity::find().filter(token::Column::AccountId.eq(account.0)).filter(token::Column::Kind.eq(kind))
}

/// When a token was last used, or created if it never was.
fn last_use() -> Expr {
    let columns = [token::Column::LastUsedAt, token::Column::CreatedAt];
    Func::coalesce(columns.map(IntoSimpleExpr::into_simple_expr)).into()
}

fn view(row: token::Model) -> Token {
    Token {
        id: TokenId(row.id),
        label: row.label,
        scopes: row.scopes.0.unwrap_or_default(),
        expires_at: row.expires_at.map(Timestamp::from_micros),
        last_used_at: row.last_used_at.map(Timestamp::from_micros),
        created_at: Timestamp::from_micros(row.created_at),
    }
}
