//! Repositories as people see them, and the input for creating or changing them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::account::{Account, AccountName};
use crate::clock::Timestamp;
use crate::fault::Fault;
use crate::oci::RepositoryName;
use crate::reason::Reason;
use crate::role::{Role, Visibility};

/// The maximum length of a description, in characters.
pub const MAX_DESCRIPTION: usize = 200;
/// The maximum length of an overview (README), in bytes.
pub const MAX_OVERVIEW: usize = 64 * 1024;
/// The maximum number of topics of a repository.
pub const MAX_TOPICS: usize = 20;

/// Who may comment on a repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum CommentPolicy {
    /// Everyone who is signed in and may see it.
    #[default]
    Everyone,
    /// Accounts with a role on it.
    Members,
    /// Nobody.
    Off,
}

impl CommentPolicy {
    /// All policies, the least restrictive first.
    pub const ALL: [Self; 3] = [Self::Everyone, Self::Members, Self::Off];

    /// The name used in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Everyone => "everyone",
            Self::Members => "members",
            Self::Off => "off",
        }
    }
}

impl fmt::Display for CommentPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for CommentPolicy {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        Self::ALL
            .into_iter()
            .find(|policy| policy.as_str() == text)
            .ok_or_else(|| Fault::invalid("comments", Reason::UnknownCommentPolicy))
    }
}

/// A repository as the viewer sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Repository {
    /// The account or organisation it belongs to.
    pub namespace: AccountName,
    /// Its name within the namespace; may contain slashes.
    pub name: String,
    /// `namespace/name`.
    pub path: RepositoryName,
    /// A one-line description in plain text; may be empty.
    pub description: String,
    /// Who may see it without a role on it.
    pub visibility: Visibility,
    /// Whether it is in the namespace `library`, which administrators curate.
    pub official: bool,
    /// Who may comment on it.
    pub comments: CommentPolicy,
    /// Topics by which it can be found.
    pub topics: Vec<String>,
    /// The number of stars.
    pub stars: u64,
    /// The number of pulls.
    pub pulls: u64,
    /// The number of tags.
    pub tags: u64,
    /// The size in bytes of its manifests and blobs; each counts once.
    pub size: u64,
    /// The viewer's role on it; `null` if there is none.
    pub role: Option<Role>,
    /// Whether the viewer starred it.
    pub starred: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its texts or settings last changed.
    pub updated_at: Timestamp,
    /// When it was last pushed to; `null` if never.
    pub pushed_at: Option<Timestamp>,
}

/// What the viewer may do with a repository, so that pages only offer what works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "one answer a need, each independent of the others")]
pub struct Abilities {
    /// May star it.
    pub star: bool,
    /// May comment on it.
    pub comment: bool,
    /// May push to it.
    pub push: bool,
    /// May delete tags and manifests.
    pub delete: bool,
    /// May change texts, visibility and collaborators.
    pub manage: bool,
    /// May rename and delete it.
    pub own: bool,
}

/// The data for the head and tabs of a repository's pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryHead {
    /// The repository.
    pub repository: Repository,
    /// What the viewer may do with it.
    pub abilities: Abilities,
    /// The number of its comments.
    pub comment_count: u64,
    /// The account of its namespace.
    pub owner: Account,
}

/// The overview page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    /// The head.
    pub head: RepositoryHead,
    /// The README as Markdown.
    pub source: String,
    /// The README as sanitised HTML.
    pub html: String,
    /// The newest tag.
    pub latest: Option<crate::image::Tag>,
    /// The platforms of the newest tag's image.
    pub platforms: Vec<String>,
}

/// A repository to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewRepository {
    /// The account or organisation it will belong to.
    pub namespace: String,
    /// Its name within the namespace; may contain slashes.
    pub name: String,
    /// A one-line description in plain text, up to 200 characters.
    #[serde(default)]
    pub description: String,
    /// Who may see it. By default, the namespace's own default applies: public for `library`, private for others.
    #[serde(default)]
    pub visibility: Option<Visibility>,
}

/// Changes to a repository; missing fields keep their values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct RepositoryPatch {
    /// A one-line description in plain text, up to 200 characters.
    pub description: Option<String>,
    /// The README as Markdown, up to 64 KiB.
    pub overview: Option<String>,
    /// Who may see it without a role on it.
    pub visibility: Option<Visibility>,
    /// Who may comment on it.
    pub comments: Option<CommentPolicy>,
    /// All its topics, up to 20.
    pub topics: Option<Vec<String>>,
}

/// An account with a role on a single repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Collaborator {
    /// The account.
    pub account: Account,
    /// Its role.
    pub role: Role,
    /// When it became a collaborator.
    pub since: Timestamp,
}

/// Filters and order of a list of repositories.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepositoryFilter {
    /// Only repositories in this namespace.
    pub namespace: Option<String>,
    /// Only repositories starred by this account.
    pub starred_by: Option<String>,
    /// Only repositories on which the viewer has a role.
    pub mine: bool,
    /// Only official repositories.
    pub official: bool,
    /// The order.
    pub sort: RepositorySort,
}

/// The order of a list of repositories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum RepositorySort {
    /// By path.
    Name,
    /// Most stars first.
    Stars,
    /// Most pulls first.
    Pulls,
    /// Most recently pushed or changed first.
    #[default]
    Updated,
}

impl RepositorySort {
    /// All orders.
    pub const ALL: [Self; 4] = [Self::Name, Self::Stars, Self::Pulls, Self::Updated];

    /// The name used in URLs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Stars => "stars",
            Self::Pulls => "pulls",
            Self::Updated => "updated",
        }
    }
}

/// Parses a topic: 1 to 35 lower-case letters, digits and dashes.
pub fn parse_topic(text: &str) -> Result<String, Fault> {
    let topic = text.trim().to_lowercase();
    let fits = (1..=35).contains(&topic.len())
        && topic.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if fits { Ok(topic) } else { Err(Fault::invalid("topics", Reason::TopicSyntax)) }
}

/// The storage that a deletion frees, some time later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freeable {
    /// The number of blobs that nothing else uses.
    pub blobs: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// Whether all repositories have been considered, and not only those that the viewer may see.
    pub is_exact: bool,
    /// Whether there are more blobs, which have not been counted.
    pub more: bool,
}
