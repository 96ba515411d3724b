//! Accounts, the session and personal access tokens. The session only stores the account's id.

use app::portal::{Accounts, PortalResult};
use async_trait::async_trait;
use model::account::{Account, CreatedInvitation, Invitation, Me, NewInvitation, ProfilePatch, Registration, SignUp};
use model::fault::Fault;
use model::id::TokenId;
use model::language::Language;
use model::page::{Page, PageRequest};
use model::reason::Reason;
use model::token::{CreatedToken, NewToken, SECRET_PREFIX, Token};
use store::access::Viewer;
use store::sessions::ACCOUNT;

use super::answer::session_failed;
use super::{Visit, told};
use crate::limits::LimitedAction;

impl Visit {
    /// Signs `viewer` in with a new session id, which prevents session fixation.
    async fn admit(&self, viewer: &Viewer) -> PortalResult<Me> {
        let (account, _) = viewer.account().ok_or_else(Fault::sign_in)?;
        if let Some(session) = &self.session {
            session.cycle_id().await.map_err(session_failed)?;
            session.insert(ACCOUNT, account).await.map_err(session_failed)?;
        }
        self.state.store.me(viewer).await.map_err(told)
    }
}

#[async_trait]
impl Accounts for Visit {
    async fn me(&self) -> PortalResult<Option<Me>> {
        if self.me.is_some() || !self.viewer.is_signed_in() {
            return Ok(self.me.clone());
        }
        self.state.store.me(&self.viewer).await.map(Some).map_err(told)
    }

    async fn account(&self, name: &str) -> PortalResult<Account> {
        self.state.store.account(&self.viewer, name).await.map_err(told)
    }

    async fn registration(&self) -> PortalResult<Registration> {
        Ok(self.state.config.registration)
    }

    async fn invitation(&self, secret: &str) -> PortalResult<Option<String>> {
        self.state.store.invitation(secret, self.state.config.registration).await.map_err(told)
    }

    async fn invitations(&self, page: PageRequest) -> PortalResult<Page<Invitation>> {
        self.state.store.invitations(&self.viewer, &page).await.map_err(told)
    }

    async fn invite(&self, form: NewInvitation) -> PortalResult<CreatedInvitation> {
        let config = &self.state.config;
        let (invitation, secret) =
            self.state.store.invite(&self.viewer, &form, config.registration).await.map_err(told)?;
        Ok(CreatedInvitation { invitation, url: format!("{}/invites/{secret}", config.public_url) })
    }

    async fn revoke_invitation(&self, id: &str) -> PortalResult<()> {
        self.state.store.revoke_invitation(&self.viewer, id).await.map_err(told)
    }

    async fn setup_open(&self, secret: &str) -> PortalResult<()> {
        self.state.store.setup_open(secret).await.map_err(told)
    }

    async fn sign_up(&self, form: SignUp) -> PortalResult<Me> {
        self.limited(LimitedAction::SignUp)?;
        let viewer = self.state.store.sign_up(&form, self.state.config.registration).await.map_err(told)?;
        self.admit(&viewer).await
    }

    async fn set_up(&self, secret: &str, form: SignUp) -> PortalResult<Me> {
        let viewer = self.state.store.set_up(secret, &form).await.map_err(told)?;
        self.admit(&viewer).await
    }

    async fn sign_in(&self, name: &str, password: &str) -> PortalResult<Me> {
        // A token is restricted and expires; a session would be unrestricted and outlive it.
        if password.starts_with(SECRET_PREFIX) {
            return Err(Fault::invalid("password", Reason::PasswordRequired));
        }
        let viewer = self.state.store.sign_in(name, password, self.facts.source()).await.map_err(told)?;
        self.admit(&viewer).await
    }

    async fn sign_out(&self) -> PortalResult<()> {
        match &self.session {
            Some(session) => session.flush().await.map_err(session_failed),
            None => Ok(()),
        }
    }

    async fn update_profile(&self, patch: ProfilePatch) -> PortalResult<Me> {
        self.state.store.update_profile(&self.viewer, &patch).await.map_err(told)
    }

    async fn set_language(&self, language: Option<Language>) -> PortalResult<()> {
        self.state.store.set_language(&self.viewer, language).await.map_err(told)
    }

    async fn change_password(&self, old: &str, new: &str) -> PortalResult<()> {
        self.state.store.change_password(&self.viewer, old, new).await.map_err(told)?;
        self.admit(&self.viewer).await.map(drop)
    }

    async fn tokens(&self) -> PortalResult<Vec<Token>> {
        self.state.store.tokens(&self.viewer).await.map_err(told)
    }

    async fn create_token(&self, form: NewToken) -> PortalResult<CreatedToken> {
        self.state.store.create_token(&self.viewer, &form).await.map_err(told)
    }

    async fn create_token_once(&self, form: NewToken) -> PortalResult<CreatedToken> {
        self.state.store.create_token_once(&self.viewer, &form).await.map_err(told)
    }

    async fn revoke_token(&self, id: TokenId) -> PortalResult<()> {
        self.state.store.revoke_token(&self.viewer, id).await.map_err(told)
    }
}
