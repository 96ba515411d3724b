//! Bearer tokens for registries: issues signed tokens with those of the requested scopes that the viewer may have, and
//! verifies tokens and returns their viewers.

use std::time::Duration;

use jsonwebtoken::{Algorithm, Header, Validation};
use model::clock::Timestamp;
use model::id::TokenId;
use model::oci::RepositoryName;
use model::token::{TokenAction, TokenScope};
use moka::sync::Cache;
use registry::scope::ResourceScope;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::access::{Exemption, NeedKind, Viewer};
use crate::error::{Error, Result};
use crate::{Store, accounts};

/// Lifetime of a token.
const GOOD_FOR: Duration = Duration::from_mins(5);
/// How far ahead the clocks of other nodes may be.
const SKEW: Duration = Duration::from_mins(1);
/// The maximum number of scopes in a request; further ones are not granted.
const MAX_SCOPES: usize = 64;

/// A token and its contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedBearer {
    /// The token, a JWT signed with ES256.
    pub token: String,
    /// The number of seconds until it expires.
    pub expires_in: u64,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// The requested scopes that were granted.
    pub granted: Vec<ResourceScope>,
}

/// The claims (distribution, "Token Authentication Implementation"). `aud` is a single string, because the oldest
/// registries require it.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    exp: i64,
    nbf: i64,
    iat: i64,
    jti: String,
    access: Vec<ResourceScope>,
    /// Whether the catalog shows everything that the subject may see. `access` contains the catalog's scope only for
    /// administrators, because another registry would list all of its repositories for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    lists: bool,
    /// The id of the personal access token it was requested with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<TokenId>,
}

/// The capacity of the cache, in bytes.
const CAPACITY: u64 = 32 << 20;
/// The approximate size of an entry without its scopes, and of each scope, in bytes.
const ENTRY: usize = 512;
const SCOPE: usize = 2048;

/// Cache of the viewers of verified tokens and the tokens' expiry, by a digest of service and token.
#[derive(Debug)]
pub(crate) struct Bearers {
    verified: Cache<[u8; 32], (Viewer, i64)>,
}

impl Bearers {
    pub(crate) fn new() -> Self {
        let weigh = |_: &[u8; 32], (viewer, _): &(Viewer, i64)| {
            let scopes = viewer.limits().map_or(0, <[_]>::len);
            u32::try_from(scopes.saturating_mul(SCOPE).saturating_add(ENTRY)).unwrap_or(u32::MAX)
        };
        Self { verified: Cache::builder().max_capacity(CAPACITY).weigher(weigh).time_to_live(GOOD_FOR).build() }
    }
}

impl Store {
    /// Issues a token for a service with those of the requested scopes that the viewer may have.
    ///
    /// Other scopes are left out without an error, so that the answer does not reveal what exists. Pushing to a missing
    /// repository is granted if the push would create it.
    pub async fn issue_bearer(
        &self,
        viewer: &Viewer,
        service: &str,
        issuer: &str,
        asked: Vec<ResourceScope>,
    ) -> Result<IssuedBearer> {
        let mut granted = Vec::new();
        let mut lists = false;
        for scope in asked.into_iter().take(MAX_SCOPES) {
            if scope.kind == "repository" {
                granted.extend(self.grant(viewer, scope).await?);
            } else if scope.kind == "registry" && scope.name == "catalog" && viewer.limits().is_none() {
                lists = true;
                if viewer.administrator().is_ok() {
                    granted.push(ResourceScope::new(scope.kind, scope.name, ["*".to_owned()]));
                }
            }
        }
        let now = self.clock().now();
        let claims = Claims {
            iss: issuer.to_owned(),
            sub: viewer.account().map(|(_, name)| name.to_string()).unwrap_or_default(),
            aud: service.to_owned(),
            exp: now.plus(GOOD_FOR).seconds(),
            nbf: now.seconds(),
            iat: now.seconds(),
            jti: Uuid::now_v7().to_string(),
            access: granted.clone(),
            lists,
            token: viewer.token(),
        };
        let keys = self.signing_keys(|_| true).await?;
        let key = keys.first().ok_or(Error::Corrupt("signing_key"))?;
        let header = Header { kid: Some(key.kid.clone()), ..Header::new(Algorithm::ES256) };
        let token = jsonwebtoken::encode(&header, &claims, &key.signs).map_err(|_| Error::Corrupt("signing_key"))?;
        Ok(IssuedBearer { token, expires_in: GOOD_FOR.as_secs(), issued_at: now, granted })
    }

    async fn grant(&self, viewer: &Viewer, scope: ResourceScope) -> Result<Option<ResourceScope>> {
        let Ok(path) = RepositoryName::parse(&scope.name).map(RepositoryName::within_hub) else { return Ok(None) };
        let mut actions = Vec::new();
        for (action, need) in [("pull", NeedKind::Pull), ("push", NeedKind::Push), ("delete", NeedKind::Delete)] {
            if scope.allows(action) && self.may(viewer, &path, need).await? {
                actions.push(action.to_owned());
            }
        }
        if actions.is_empty() {
            // If the path is unused and the viewer could create a repository there, they may know that: a pull answers
            // 404, a push creates the repository.
            let names = self.actions_if_unused(viewer, &path).await?.into_iter().map(TokenAction::as_str);
            actions.extend(names.filter(|action| scope.allows(action)).map(str::to_owned));
        }
        let granted = (!actions.is_empty()).then(|| ResourceScope::new(scope.kind, scope.name, actions));
        Ok(granted)
    }

    /// Returns the viewer of a token issued by this site for this service: its subject, restricted to the granted
    /// scopes.
    ///
    /// [`Error::SignIn`] if it was not signed by this site, is for another service or has expired, or if its subject
    /// was disabled when the token was first verified.
    pub async fn bearer_viewer(&self, token: &str, service: &str) -> Result<Viewer> {
        let now = self.clock().now();
        let digest: [u8; 32] =
            Sha256::new().chain_update(service).chain_update([0]).chain_update(token).finalize().into();
        if let Some((viewer, expires)) = self.bearers().verified.get(&digest) {
            return if now.seconds() < expires { Ok(viewer) } else { Err(Error::SignIn) };
        }
        let claims = self.verify(token, service, now).await?;
        let viewer = self.subject(&claims).await?;
        self.bearers().verified.insert(digest, (viewer.clone(), claims.exp));
        Ok(viewer)
    }

    async fn verify(&self, token: &str, service: &str, now: Timestamp) -> Result<Claims> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| Error::SignIn)?;
        let kid = header.kid.ok_or(Error::SignIn)?;
        let keys = self.signing_keys(|key| key.is(&kid)).await?;
        let key = keys.iter().find(|key| key.is(&kid)).ok_or(Error::SignIn)?;
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&[service]);
        validation.set_required_spec_claims(&["exp", "nbf", "aud", "sub"]);
        // Expiry is checked below with the store's clock.
        validation.validate_exp = false;
        let claims: Claims = jsonwebtoken::decode(token, &key.verifies, &validation).map_err(|_| Error::SignIn)?.claims;
        let timely = now.seconds() < claims.exp && claims.nbf <= now.plus(SKEW).seconds();
        if timely { Ok(claims) } else { Err(Error::SignIn) }
    }

    async fn subject(&self, claims: &Claims) -> Result<Viewer> {
        let viewer = if claims.sub.is_empty() {
            Viewer::nobody()
        } else {
            let row = accounts::by_name(self.database().read(&Exemption::Credentials), &claims.sub).await?;
            let row = row.filter(|row| row.disabled_at.is_none()).ok_or(Error::SignIn)?;
            row.viewer()
        };
        let viewer = claims.token.map_or_else(|| viewer.clone(), |token| viewer.clone().by_token(token));
        Ok(viewer.limited(claims.access.iter().filter_map(limit).collect(), claims.lists))
    }

    /// Returns the actions of the viewer on a path without a repository, if they may create one there. Both queries always
    /// run, so that hidden and missing repositories take the same time.
    async fn actions_if_unused(&self, viewer: &Viewer, path: &RepositoryName) -> Result<Vec<TokenAction>> {
        let actions = self.actions_if_missing(viewer, path).await?;
        Ok(if self.is_there(viewer, path).await? { Vec::new() } else { actions })
    }
}

/// Converts an entry of the access claim into a scope; a path without wildcards only matches itself.
fn limit(access: &ResourceScope) -> Option<TokenScope> {
    if access.kind != "repository" {
        return None;
    }
    let path = RepositoryName::parse(&access.name).ok()?.within_hub();
    let actions: Vec<&str> = ["pull", "push", "delete"].into_iter().filter(|action| access.allows(action)).collect();
    format!("{path}:{}", actions.join(",")).parse().ok()
}

#[cfg(test)]
mod tests;
