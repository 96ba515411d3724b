//! The calls about accounts and their tokens. It refuses to know sessions: an account made here is not signed in.

use app::portal::Accounts as _;
use model::account::SignUp;
use model::clock::Timestamp;
use model::fault::Fault;
use model::id::TokenId;
use model::reason::Reason;
use model::token::{NewToken, TokenScope};
use serde::Deserialize;

use super::input::Input;
use super::{Answered, created, nothing, one, whole};
use crate::portal::Visit;

pub(super) async fn me(visit: &Visit) -> Answered {
    Ok(one(&visit.me().await?.ok_or_else(Fault::sign_in)?))
}

pub(super) async fn account(visit: &Visit, input: &Input<'_>) -> Answered {
    Ok(one(&visit.account(input.value("name")).await?))
}

pub(super) async fn sign_up(visit: &Visit, input: &Input<'_>) -> Answered {
    let me = visit.sign_up(input.object::<SignUp>()?).await?;
    Ok(created(&format!("/users/{}", me.account.name), &me.account))
}

pub(super) async fn tokens(visit: &Visit) -> Answered {
    Ok(whole(visit.tokens().await?))
}

/// `NewToken` as text, so that each member gets its own error.
#[derive(Deserialize)]
struct Wanted {
    label: String,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    expires_at: Option<String>,
}

impl Wanted {
    fn parse(self) -> Result<NewToken, Fault> {
        let scopes = self.scopes.iter().map(|scope| scope.parse::<TokenScope>()).collect::<Result<_, _>>()?;
        let expires_at = match self.expires_at {
            None => None,
            Some(text) => {
                Some(Timestamp::parse_rfc3339(&text).ok_or_else(|| Fault::invalid("expires_at", Reason::TimeSyntax))?)
            }
        };
        Ok(NewToken { label: self.label, scopes, expires_at })
    }
}

pub(super) async fn create_token(visit: &Visit, input: &Input<'_>) -> Answered {
    let token = visit.create_token(input.object::<Wanted>()?.parse()?).await?;
    Ok(created(&format!("/user/tokens/{}", token.token.id), &token))
}

pub(super) async fn revoke_token(visit: &Visit, input: &Input<'_>) -> Answered {
    visit.revoke_token(TokenId(input.number("id")?)).await?;
    Ok(nothing())
}
