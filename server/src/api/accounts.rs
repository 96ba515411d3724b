//! Accounts and their tokens.

use app::portal::Accounts as _;
use http::StatusCode;
use model::account::{Account, Me, SignUp};
use model::fault::Fault;
use model::id::TokenId;
use model::page::Page;
use model::token::{CreatedToken, NewToken, Token};
use serde::Deserialize;
use utoipa::IntoParams;

use super::answer::{Answer, Created, created, whole};
use super::caller::{Caller, SignedIn};
use super::extract::{Json, Path};

/// Returns the account that the credentials belong to.
#[utoipa::path(get, path = "/user", tag = "Accounts", security(("token" = []), ("password" = [])),
    responses((status = 200, body = Me)))]
pub(super) async fn read_user(SignedIn(visit): SignedIn) -> Answer<Json<Me>> {
    Ok(Json(visit.me().await?.ok_or_else(Fault::sign_in)?))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct AccountPath {
    /// The account's name.
    name: String,
}

/// Returns an account or organisation.
#[utoipa::path(get, path = "/users/{name}", tag = "Accounts",
    params(AccountPath), responses((status = 200, body = Account)))]
pub(super) async fn read_account(Caller(visit): Caller, Path(at): Path<AccountPath>) -> Answer<Json<Account>> {
    Ok(Json(visit.account(&at.name).await?))
}

/// Creates an account, if registration is open or an invitation is given.
#[utoipa::path(post, path = "/users", tag = "Accounts", responses((status = 201, body = Account)))]
pub(super) async fn create_user(Caller(visit): Caller, Json(form): Json<SignUp>) -> Answer<Created<Account>> {
    let me = visit.sign_up(form).await?;
    Ok(created(&format!("/users/{}", me.account.name), me.account))
}

/// Lists the caller's personal access tokens, newest first.
#[utoipa::path(get, path = "/user/tokens", tag = "Accounts", security(("token" = []), ("password" = [])),
    responses((status = 200, body = Page<Token>)))]
pub(super) async fn list_tokens(SignedIn(visit): SignedIn) -> Answer<Json<Page<Token>>> {
    Ok(whole(visit.tokens().await?))
}

/// Creates a personal access token. Only this response contains its secret.
#[utoipa::path(post, path = "/user/tokens", tag = "Accounts", security(("token" = []), ("password" = [])),
    responses((status = 201, body = CreatedToken)))]
pub(super) async fn create_token(
    SignedIn(visit): SignedIn,
    Json(form): Json<NewToken>,
) -> Answer<Created<CreatedToken>> {
    let token = visit.create_token(form).await?;
    Ok(created(&format!("/user/tokens/{}", token.token.id), token))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct TokenPath {
    /// The token's id.
    #[param(value_type = i64)]
    id: TokenId,
}

/// Revokes a personal access token.
#[utoipa::path(delete, path = "/user/tokens/{id}", tag = "Accounts", security(("token" = []), ("password" = [])),
    params(TokenPath), responses((status = 204, description = "Revoked.")))]
pub(super) async fn delete_token(SignedIn(visit): SignedIn, Path(at): Path<TokenPath>) -> Answer<StatusCode> {
    visit.revoke_token(at.id).await?;
    Ok(StatusCode::NO_CONTENT)
}
