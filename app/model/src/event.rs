//! What happened, as the outbox keeps it and followers read it: facts with identities, complete without further reading.
//! It refuses to know who reads them and what they do with it.

use serde::{Deserialize, Serialize};

use crate::account::AccountName;
use crate::id::{AccountId, CommentId, RepositoryId, TokenId};
use crate::oci::{Digest, RepositoryName, Tag};

/// Something that happened to a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The repository.
    pub repository: RepositoryId,
    /// Its path at that time.
    pub path: RepositoryName,
    /// Who did it; `None` where the engine runs without accounts.
    pub actor: Option<Actor>,
    /// What it was.
    pub what: What,
}

/// Who did something, and with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The account; `None` where an engine without accounts knows no more than a name.
    pub account: Option<AccountId>,
    /// Its name at that time.
    pub name: AccountName,
    /// The personal token that it came with.
    pub credential: Option<TokenId>,
}

/// The kinds of events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What {
    /// A manifest was stored, and these tags now point at it.
    Pushed {
        /// The manifest.
        digest: Digest,
        /// Its media type.
        media_type: String,
        /// Tags that were made or moved.
        tags: Vec<Tag>,
    },
    /// A tag is gone.
    TagDeleted {
        /// The tag.
        tag: Tag,
        /// What it pointed at.
        digest: Digest,
    },
    /// A manifest is gone, and with it these tags.
    ManifestDeleted {
        /// The manifest.
        digest: Digest,
        /// The tags that pointed at it.
        tags: Vec<Tag>,
    },
    /// The repository came to be.
    Created,
    /// Its text, settings, people, stars or counters changed.
    Changed,
    /// It is gone.
    Deleted,
    /// A comment was written.
    Commented {
        /// The comment.
        comment: CommentId,
    },
    /// Somebody starred it, or took the star back.
    Starred {
        /// Whether the star is there now.
        on: bool,
    },
}
