//! What a page may ask for and do, as traits that the server implements for one viewer and one request.
//! Pages know no other way to data; who the viewer is and what they may is settled behind these calls.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use leptos::prelude::use_context;
use model::account::{Account, Me, ProfilePatch, Registration, SignUp};
use model::clock::Timestamp;
use model::comment::{Comment, NewComment, Thread};
use model::fault::Fault;
use model::id::{CommentId, TokenId};
use model::image::{Image, Tag, TagSort};
use model::language::Language;
use model::oci::{Reference, RepositoryName};
use model::page::{Page, PageRequest};
use model::repository::{
    Collaborator, NewRepository, Overview, Repository, RepositoryHead, RepositoryPatch, RepositorySort,
};
use model::role::Role;
use model::search::{SearchRequest, SearchResults};
use model::token::{CreatedToken, NewToken, Token};
use serde::{Deserialize, Serialize};

/// What a call gives: a view, or the one error that people may see.
pub type PortalResult<T> = Result<T, Fault>;

/// Who is here, and how they come and go.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Who is signed in.
    async fn me(&self) -> PortalResult<Option<Me>>;
    /// An account or organisation by name.
    async fn account(&self, name: &str) -> PortalResult<Account>;
    /// Who may sign up.
    async fn registration(&self) -> PortalResult<Registration>;
    /// Whether an invitation's secret is good; refused with its reason when it is not.
    async fn invitation(&self, secret: &str) -> PortalResult<()>;
    /// Whether the one-time setup secret is good.
    async fn setup_open(&self, secret: &str) -> PortalResult<()>;
    /// Makes an account and signs it in.
    async fn sign_up(&self, form: SignUp) -> PortalResult<Me>;
    /// Makes the first administrator with the one-time setup secret and signs them in.
    async fn set_up(&self, secret: &str, form: SignUp) -> PortalResult<Me>;
    /// Signs in by account name (or mail address) and password.
    async fn sign_in(&self, name: &str, password: &str) -> PortalResult<Me>;
    /// Ends this session.
    async fn sign_out(&self) -> PortalResult<()>;
    /// Changes one's own profile.
    async fn update_profile(&self, patch: ProfilePatch) -> PortalResult<Me>;
    /// Keeps one's own language; `None` follows the browser.
    async fn set_language(&self, language: Option<Language>) -> PortalResult<()>;
    /// Changes one's own password; the old one is asked again.
    async fn change_password(&self, old: &str, new: &str) -> PortalResult<()>;
    /// One's own personal access tokens, newest first.
    async fn tokens(&self) -> PortalResult<Vec<Token>>;
    /// Makes a personal access token.
    async fn create_token(&self, form: NewToken) -> PortalResult<CreatedToken>;
    /// Ends a personal access token.
    async fn revoke_token(&self, id: TokenId) -> PortalResult<()>;
}

/// Which repositories a list is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepositoryFilter {
    /// Only those of this namespace.
    pub namespace: Option<String>,
    /// Only those that this account starred.
    pub starred_by: Option<String>,
    /// Only those that the viewer has a role on.
    pub mine: bool,
    /// Only official ones.
    pub official: bool,
    /// The order.
    pub sort: RepositorySort,
}

/// Repositories and the people on them.
#[async_trait]
pub trait Repositories: Send + Sync {
    /// Repositories that the viewer may see.
    async fn repositories(&self, filter: RepositoryFilter, page: PageRequest) -> PortalResult<Page<Repository>>;
    /// The namespaces in which the viewer may make repositories, their own first.
    async fn namespaces(&self) -> PortalResult<Vec<Account>>;
    /// The head of a repository's pages.
    async fn head(&self, path: &RepositoryName) -> PortalResult<RepositoryHead>;
    /// The overview page.
    async fn overview(&self, path: &RepositoryName) -> PortalResult<Overview>;
    /// Makes a repository.
    async fn create_repository(&self, form: NewRepository) -> PortalResult<Repository>;
    /// Changes text and settings.
    async fn update_repository(&self, path: &RepositoryName, patch: RepositoryPatch) -> PortalResult<Repository>;
    /// Renames within the namespace; the old name keeps redirecting.
    async fn rename_repository(&self, path: &RepositoryName, name: &str) -> PortalResult<Repository>;
    /// Deletes it and all that is in it.
    async fn delete_repository(&self, path: &RepositoryName) -> PortalResult<()>;
    /// Stars it or takes the star back; the number of stars it has then.
    async fn set_star(&self, path: &RepositoryName, on: bool) -> PortalResult<u64>;
    /// Those with a role of their own.
    async fn collaborators(&self, path: &RepositoryName) -> PortalResult<Vec<Collaborator>>;
    /// Gives somebody a role, or another one.
    async fn set_collaborator(&self, path: &RepositoryName, account: &str, role: Role) -> PortalResult<()>;
    /// Takes somebody's role away.
    async fn remove_collaborator(&self, path: &RepositoryName, account: &str) -> PortalResult<()>;
}

/// Which tags a list is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagFilter {
    /// Only those whose name contains this.
    pub contains: String,
    /// The order.
    pub sort: TagSort,
}

/// Tags and images.
#[async_trait]
pub trait Images: Send + Sync {
    /// A repository's tags.
    async fn tags(&self, path: &RepositoryName, filter: TagFilter, page: PageRequest) -> PortalResult<Page<Tag>>;
    /// One image by tag or digest.
    async fn image(&self, path: &RepositoryName, reference: &Reference) -> PortalResult<Image>;
    /// Deletes a tag.
    async fn delete_tag(&self, path: &RepositoryName, tag: &str) -> PortalResult<()>;
}

/// Comments.
#[async_trait]
pub trait Comments: Send + Sync {
    /// A repository's threads, newest first.
    async fn threads(&self, path: &RepositoryName, page: PageRequest) -> PortalResult<Page<Thread>>;
    /// Writes a comment.
    async fn post_comment(&self, path: &RepositoryName, form: NewComment) -> PortalResult<Comment>;
    /// Changes a comment's text.
    async fn edit_comment(&self, path: &RepositoryName, id: CommentId, body: &str) -> PortalResult<Comment>;
    /// Deletes a comment.
    async fn delete_comment(&self, path: &RepositoryName, id: CommentId) -> PortalResult<()>;
    /// Markdown as it would look, sanitised.
    async fn preview(&self, markdown: &str) -> PortalResult<String>;
}

/// Search.
#[async_trait]
pub trait Search: Send + Sync {
    /// What a query finds among what the viewer may see.
    async fn search(&self, request: SearchRequest) -> PortalResult<SearchResults>;
    /// Up to eight repositories for what is typed so far.
    async fn suggest(&self, typed: &str) -> PortalResult<Vec<Repository>>;
}

/// What a form left behind when it was refused, for the page that shows it again; kept for one reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    /// Which form it was, such as `comments/post`.
    pub form: String,
    /// Why it was refused; `None` where it only says that it worked.
    pub fault: Option<Fault>,
    /// A sentence where it worked, such as a new token's secret to show once.
    pub notice: Option<String>,
    /// The fields as filled in; never a password or a token.
    pub fields: BTreeMap<String, String>,
}

/// The HTTP side of the answer, and what the request said that pages look at.
#[async_trait]
pub trait Answer: Send + Sync {
    /// Sets the status of the page.
    fn status(&self, status: u16);
    /// Sends the browser to a path of this site once the action is done (303).
    fn redirect(&self, path: &str);
    /// The path of this site that the form was on (from `Referer`, same origin only); `/` when unknown.
    fn came_from(&self) -> String;
    /// The path and query of this request.
    fn path(&self) -> String;
    /// Whether the caller is a script of ours that wants the value rather than a page.
    fn scripted(&self) -> bool;
    /// The language of the pages: the account's, else the cookie's, else what the browser asks for.
    fn language(&self) -> Language;
    /// Keeps the language in a cookie for a year; `None` drops it.
    fn keep_language(&self, language: Option<Language>);
    /// The theme cookie: `light`, `dark` or `auto`.
    fn theme(&self) -> &'static str;
    /// Keeps the theme in a cookie that scripts of the page may read and write, for a year.
    fn set_theme(&self, theme: &str);
    /// The time now, against which ages are told.
    fn now(&self) -> Timestamp;
    /// The request's identity in the log, for pages that say that something broke.
    fn request_id(&self) -> String;
    /// Keeps a flash in the session.
    async fn set_flash(&self, flash: Flash) -> PortalResult<()>;
    /// Keeps a form that needs its sender signed in, for them to find on the page that it was on once they are.
    async fn set_waiting(&self, flash: Flash) -> PortalResult<()>;
    /// Takes the flash out of the session; where there is none, the form that waits for this page. To who is not signed in
    /// yet the one that waits is only shown.
    async fn take_flash(&self) -> PortalResult<Option<Flash>>;
}

/// All of it, for one viewer and one request.
pub trait Portal: Accounts + Repositories + Images + Comments + Search + Answer {}

impl<T: Accounts + Repositories + Images + Comments + Search + Answer> Portal for T {}

/// The portal as it lies in the Leptos context of each request.
pub type PortalHandle = Arc<dyn Portal>;

/// What every page says about the site itself; the same for all requests, provided as an [`Arc`] in the context.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// The public address without a trailing slash, such as `https://hub.example`.
    pub public_url: String,
    /// What comes before a repository's path in a pull command, such as `hub.example`.
    pub registry_host: String,
    /// Portolan's version.
    pub version: String,
    /// The stylesheet's path, its content's hash included.
    pub stylesheet: String,
    /// The icon sprite's path.
    pub icons: String,
    /// The favicon's path.
    pub favicon: String,
    /// The islands' script and wasm paths; `None` when built without them.
    pub islands: Option<Islands>,
}

/// Where the islands' bundle is.
#[derive(Clone, Debug)]
pub struct Islands {
    /// The module's path.
    pub script: String,
    /// The WebAssembly's path.
    pub wasm: String,
}

/// The portal of this request.
///
/// Refused with an internal fault outside a request, as while the route list is made at start.
pub fn portal() -> PortalResult<PortalHandle> {
    use_context::<PortalHandle>().ok_or_else(Fault::internal)
}

/// The site that this process serves; blank outside a request, as while the route list is made at start.
pub fn site() -> Arc<Site> {
    use_context::<Arc<Site>>().unwrap_or_default()
}
