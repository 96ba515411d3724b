//! Repositories as people see them, and what may be said when one is made or changed.
//! Rows, rights and blobs are not known here.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::account::{Account, AccountName};
use crate::clock::Timestamp;
use crate::fault::Fault;
use crate::oci::RepositoryName;
use crate::reason::Reason;
use crate::role::{Role, Visibility};

/// The longest description, in characters.
pub const MAX_DESCRIPTION: usize = 200;
/// The longest overview (README), in bytes.
pub const MAX_OVERVIEW: usize = 64 * 1024;
/// How many topics a repository may have.
pub const MAX_TOPICS: usize = 20;

/// Who may comment on a repository that they may see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum CommentPolicy {
    /// Anyone signed in who may see it.
    #[default]
    Everyone,
    /// Those with a role on it.
    Members,
    /// Nobody.
    Off,
}

impl CommentPolicy {
    /// All of them, widest first.
    pub const ALL: [Self; 3] = [Self::Everyone, Self::Members, Self::Off];

    /// The word, as in JSON.
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

/// A repository as one viewer sees it; the `Repository` of the REST contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Repository {
    /// The account or organisation it belongs to.
    pub namespace: AccountName,
    /// Its name within the namespace; may hold slashes.
    pub name: String,
    /// `namespace/name`.
    pub path: RepositoryName,
    /// One line about it; plain text, may be empty.
    pub description: String,
    /// Who may see it without a role.
    pub visibility: Visibility,
    /// Whether it is in the curated `library`.
    pub official: bool,
    /// Who may comment.
    pub comments: CommentPolicy,
    /// Words to find it by.
    pub topics: Vec<String>,
    /// How many accounts starred it.
    pub stars: u64,
    /// How often it was pulled.
    pub pulls: u64,
    /// How many tags it has.
    pub tags: u64,
    /// Bytes of the distinct blobs and manifests in it.
    pub size: u64,
    /// The viewer's role on it, where there is one.
    pub role: Option<Role>,
    /// Whether the viewer starred it.
    pub starred: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its text or settings last changed.
    pub updated_at: Timestamp,
    /// When it was last pushed to.
    pub pushed_at: Option<Timestamp>,
}

/// What the viewer may do on a repository, so that a page shows only what will work.
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
    /// May change text, visibility and people.
    pub manage: bool,
    /// May rename, transfer and delete it.
    pub own: bool,
}

/// What every page of one repository needs: the head and its tabs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryHead {
    /// The repository.
    pub repository: Repository,
    /// What the viewer may do here.
    pub abilities: Abilities,
    /// How many comments it has that are not hidden.
    pub comment_count: u64,
    /// Whose namespace it is.
    pub owner: Account,
}

/// The overview page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    /// The head.
    pub head: RepositoryHead,
    /// The README as Markdown, as its author wrote it.
    pub source: String,
    /// The README rendered and sanitised.
    pub html: String,
    /// The newest tag.
    pub latest: Option<crate::image::Tag>,
    /// Platforms of the newest tag's image.
    pub platforms: Vec<String>,
}

/// What somebody asks for when making a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewRepository {
    /// The account or organisation it is to belong to.
    pub namespace: String,
    /// Its name within the namespace.
    pub name: String,
    /// One line about it.
    #[serde(default)]
    pub description: String,
    /// Who may see it; private when nobody says.
    #[serde(default)]
    pub visibility: Option<Visibility>,
}

/// What somebody changes; a field that is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct RepositoryPatch {
    /// One line about it; [`MAX_DESCRIPTION`] characters at most.
    pub description: Option<String>,
    /// The README as Markdown; [`MAX_OVERVIEW`] bytes at most.
    pub overview: Option<String>,
    /// Who may see it.
    pub visibility: Option<Visibility>,
    /// Who may comment.
    pub comments: Option<CommentPolicy>,
    /// Words to find it by; [`MAX_TOPICS`] at most.
    pub topics: Option<Vec<String>>,
}

/// Somebody with a role of their own on a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Collaborator {
    /// Who.
    pub account: Account,
    /// What they are to it.
    pub role: Role,
    /// Since when.
    pub since: Timestamp,
}

/// How a list of repositories is ordered.
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
    /// Last pushed or changed first.
    #[default]
    Updated,
}

impl RepositorySort {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Name, Self::Stars, Self::Pulls, Self::Updated];

    /// The word, as in a URL.
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
