//! What pages can read and do, as traits implemented by the server for one viewer and one request. Access control
//! happens behind these calls.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use leptos::prelude::use_context;
use model::account::{Account, CreatedInvitation, Invitation, Me, NewInvitation, ProfilePatch, Registration, SignUp};
use model::clock::Timestamp;
use model::comment::{Comment, NewComment, Thread};
use model::fault::Fault;
use model::id::{CommentId, TokenId};
use model::image::{Image, Tag, TagSort};
use model::language::Language;
use model::oci::{Reference, RepositoryName};
use model::page::{Page, PageRequest};
use model::repository::{
    Collaborator, Freeable, NewRepository, Overview, Repository, RepositoryFilter, RepositoryHead, RepositoryPatch,
};
use model::role::Role;
use model::search::{SearchRequest, SearchResults};
use model::token::{CreatedToken, NewToken, Token};
use serde::{Deserialize, Serialize};

/// The result of a call.
pub type PortalResult<T> = Result<T, Fault>;

/// Accounts and sessions.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Returns the account that is signed in.
    async fn me(&self) -> PortalResult<Option<Me>>;
    /// Returns an account or organisation by name.
    async fn account(&self, name: &str) -> PortalResult<Account>;
    /// Returns who may sign up.
    async fn registration(&self) -> PortalResult<Registration>;
    /// Returns the mail address that an invitation is for, if any. If its secret is invalid, the error contains the
    /// reason.
    async fn invitation(&self, secret: &str) -> PortalResult<Option<String>>;
    /// Returns the invitations that can still be used, the newest first. For administrators.
    async fn invitations(&self, page: PageRequest) -> PortalResult<Page<Invitation>>;
    /// Creates an invitation. For administrators.
    async fn invite(&self, form: NewInvitation) -> PortalResult<CreatedInvitation>;
    /// Revokes an invitation. For administrators.
    async fn revoke_invitation(&self, id: &str) -> PortalResult<()>;
    /// Checks the one-time setup secret.
    async fn setup_open(&self, secret: &str) -> PortalResult<()>;
    /// Creates an account and signs in.
    async fn sign_up(&self, form: SignUp) -> PortalResult<Me>;
    /// Creates the first administrator with the setup secret and signs in.
    async fn set_up(&self, secret: &str, form: SignUp) -> PortalResult<Me>;
    /// Signs in with an account name or mail address, and a password.
    async fn sign_in(&self, name: &str, password: &str) -> PortalResult<Me>;
    /// Ends this session.
    async fn sign_out(&self) -> PortalResult<()>;
    /// Changes one's own profile.
    async fn update_profile(&self, patch: ProfilePatch) -> PortalResult<Me>;
    /// Stores one's own language; `None` follows the browser.
    async fn set_language(&self, language: Option<Language>) -> PortalResult<()>;
    /// Changes one's own password; requires the current one.
    async fn change_password(&self, old: &str, new: &str) -> PortalResult<()>;
    /// Returns one's own personal access tokens, newest first.
    async fn tokens(&self) -> PortalResult<Vec<Token>>;
    /// Creates a personal access token.
    async fn create_token(&self, form: NewToken) -> PortalResult<CreatedToken>;
    /// Creates a personal access token for a form, and replaces the one of a form that was just sent twice.
    async fn create_token_once(&self, form: NewToken) -> PortalResult<CreatedToken>;
    /// Revokes a personal access token.
    async fn revoke_token(&self, id: TokenId) -> PortalResult<()>;
}

/// Repositories and collaborators.
#[async_trait]
pub trait Repositories: Send + Sync {
    /// Returns the repositories that the viewer may see.
    async fn repositories(&self, filter: RepositoryFilter, page: PageRequest) -> PortalResult<Page<Repository>>;
    /// Returns the namespaces in which the viewer may create repositories, their own first.
    async fn namespaces(&self) -> PortalResult<Vec<Account>>;
    /// Returns the head of a repository's pages.
    async fn head(&self, path: &RepositoryName) -> PortalResult<RepositoryHead>;
    /// Returns the data of the overview page.
    async fn overview(&self, path: &RepositoryName) -> PortalResult<Overview>;
    /// Creates a repository.
    async fn create_repository(&self, form: NewRepository) -> PortalResult<Repository>;
    /// Changes a repository's texts and settings.
    async fn update_repository(&self, path: &RepositoryName, patch: RepositoryPatch) -> PortalResult<Repository>;
    /// Renames a repository within its namespace; the old name redirects.
    async fn rename_repository(&self, path: &RepositoryName, name: &str) -> PortalResult<Repository>;
    /// Returns the storage that deleting a repository frees.
    async fn freed_by_repository(&self, path: &RepositoryName) -> PortalResult<Freeable>;
    /// Deletes a repository with its contents.
    async fn delete_repository(&self, path: &RepositoryName) -> PortalResult<()>;
    /// Adds or removes a star and returns the number of stars.
    async fn set_star(&self, path: &RepositoryName, on: bool) -> PortalResult<u64>;
    /// Returns a repository's collaborators.
    async fn collaborators(&self, path: &RepositoryName, page: PageRequest) -> PortalResult<Page<Collaborator>>;
    /// Sets an account's role.
    async fn set_collaborator(&self, path: &RepositoryName, account: &str, role: Role) -> PortalResult<()>;
    /// Removes an account's role.
    async fn remove_collaborator(&self, path: &RepositoryName, account: &str) -> PortalResult<()>;
}

/// Filter and order of a list of tags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagFilter {
    /// Only tags whose name contains this.
    pub contains: String,
    /// The order.
    pub sort: TagSort,
}

/// Tags and images.
#[async_trait]
pub trait Images: Send + Sync {
    /// Returns a repository's tags.
    async fn tags(&self, path: &RepositoryName, filter: TagFilter, page: PageRequest) -> PortalResult<Page<Tag>>;
    /// Returns an image by tag or digest.
    async fn image(&self, path: &RepositoryName, reference: &Reference) -> PortalResult<Image>;
    /// Returns the storage that deleting a tag frees; `None` if images without a tag are kept.
    async fn freed_by_tag(&self, path: &RepositoryName, tag: &str) -> PortalResult<Option<Freeable>>;
    /// Deletes a tag.
    async fn delete_tag(&self, path: &RepositoryName, tag: &str) -> PortalResult<()>;
}

/// Comments.
#[async_trait]
pub trait Comments: Send + Sync {
    /// Returns a repository's threads, newest first.
    async fn threads(&self, path: &RepositoryName, page: PageRequest) -> PortalResult<Page<Thread>>;
    /// Posts a comment.
    async fn post_comment(&self, path: &RepositoryName, form: NewComment) -> PortalResult<Comment>;
    /// Edits a comment.
    async fn edit_comment(&self, path: &RepositoryName, id: CommentId, body: &str) -> PortalResult<Comment>;
    /// Deletes a comment.
    async fn delete_comment(&self, path: &RepositoryName, id: CommentId) -> PortalResult<()>;
    /// Renders Markdown as sanitised HTML.
    async fn preview(&self, markdown: &str) -> PortalResult<String>;
}

/// Search.
#[async_trait]
pub trait Search: Send + Sync {
    /// Searches the repositories that the viewer may see.
    async fn search(&self, request: SearchRequest) -> PortalResult<SearchResults>;
    /// Returns up to eight repositories that match what has been typed.
    async fn suggest(&self, typed: &str) -> PortalResult<Vec<Repository>>;
}

/// The state of a submitted form for the page that shows it again; can be read once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    /// The form, such as `comments/post`.
    pub form: String,
    /// Why it was rejected; `None` if it succeeded.
    pub fault: Option<Fault>,
    /// A success message, such as a new token's secret to show once.
    pub notice: Option<String>,
    /// The input; never includes passwords or tokens.
    pub fields: BTreeMap<String, String>,
}

/// The HTTP response, and properties of the request that pages use.
#[async_trait]
pub trait Answer: Send + Sync {
    /// Sets the status of the response.
    fn status(&self, status: u16);
    /// Redirects the browser to a path on this site after the action (303).
    fn redirect(&self, path: &str);
    /// The path of the form's page on this site (from `Referer`, same origin only); `/` if unknown.
    fn came_from(&self) -> String;
    /// The path and query of this request.
    fn path(&self) -> String;
    /// Whether a script of the page sent the request and expects a value instead of a page.
    fn scripted(&self) -> bool;
    /// The language of the pages: from the account, otherwise from the cookie, otherwise from the browser.
    fn language(&self) -> Language;
    /// Stores the language in a cookie for a year; `None` deletes it.
    fn keep_language(&self, language: Option<Language>);
    /// The theme cookie: `light`, `dark` or `auto`.
    fn theme(&self) -> &'static str;
    /// Stores the theme in a cookie for a year; scripts of the page can read and write it.
    fn set_theme(&self, theme: &str);
    /// The current time, for relative times.
    fn now(&self) -> Timestamp;
    /// The request's id in the log, for internal errors.
    fn request_id(&self) -> String;
    /// Answers the form with the page at `path` itself instead of redirecting to it, and shows the message there. The
    /// message is not stored, so it may contain a secret.
    fn show(&self, path: &str, flash: Flash);
    /// The page to answer with, if [`Answer::show`] was called.
    fn shown(&self) -> Option<String>;
    /// Stores a flash message in the session.
    async fn set_flash(&self, flash: Flash) -> PortalResult<()>;
    /// Stores a form that requires signing in, to be shown on its page after its sender signed in.
    async fn set_waiting(&self, flash: Flash) -> PortalResult<()>;
    /// Returns and removes the flash message; if there is none, the form waiting for this page, which is kept until its
    /// sender signs in.
    async fn take_flash(&self) -> PortalResult<Option<Flash>>;
}

/// The complete portal for one viewer and one request.
pub trait Portal: Accounts + Repositories + Images + Comments + Search + Answer {}

impl<T: Accounts + Repositories + Images + Comments + Search + Answer> Portal for T {}

/// The portal in the Leptos context of each request.
pub type PortalHandle = Arc<dyn Portal>;

/// Properties of the site that pages show. They are the same for all requests and provided as an [`Arc`] in the
/// context.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// The public URL without a trailing slash, such as `https://hub.example`.
    pub public_url: String,
    /// The host before a repository's path in a pull command, such as `hub.example`.
    pub registry_host: String,
    /// Portolan's version.
    pub version: String,
    /// The stylesheet's path, which contains a hash of its content.
    pub stylesheet: String,
    /// The icon sprite's path.
    pub icons: String,
    /// The favicon's path.
    pub favicon: String,
    /// The islands' script and wasm paths; `None` when built without them.
    pub islands: Option<Islands>,
}

/// The islands' bundle.
#[derive(Clone, Debug)]
pub struct Islands {
    /// The module's path.
    pub script: String,
    /// The WebAssembly's path.
    pub wasm: String,
}

/// Returns the portal of this request.
///
/// An internal error outside of a request, such as while the list of routes is generated at startup.
pub fn portal() -> PortalResult<PortalHandle> {
    use_context::<PortalHandle>().ok_or_else(Fault::internal)
}

/// Returns the site of this process; empty outside of a request, such as while the list of routes is generated at
/// startup.
pub fn site() -> Arc<Site> {
    use_context::<Arc<Site>>().unwrap_or_default()
}
