//! Events: what happened, as the outbox records it and followers read it.

use serde::{Deserialize, Serialize};

use crate::account::AccountName;
use crate::id::{AccountId, CommentId, RepositoryId, TokenId};
use crate::oci::{Digest, RepositoryName, Tag};
use crate::role::{Role, Visibility};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The repository, and its path at that time; `None` for what concerns an account.
    pub repository: Option<(RepositoryId, RepositoryName)>,
    /// Who did it; `None` for the site itself, and where the engine runs without accounts.
    pub actor: Option<Actor>,
    /// What it was.
    pub kind: EventKind,
}

/// Who did something, and with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The account; `None` where an engine without accounts knows no more than a name.
    pub account: Option<AccountId>,
    /// Its name at that time.
    pub name: AccountName,
    /// The personal access token; `None` for a password or a session.
    pub credential: Option<TokenId>,
}

/// A tag that was made or moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagMove {
    /// The tag.
    pub tag: Tag,
    /// What it pointed at before; `None` for a new one.
    pub before: Option<Digest>,
}

/// The kinds of events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventKind {
    /// A manifest was stored, and these tags now point at it.
    Pushed {
        /// The manifest.
        digest: Digest,
        /// Its media type.
        media_type: String,
        /// Tags that were made or moved.
        tags: Vec<TagMove>,
    },
    /// A tag was deleted.
    TagDeleted {
        /// The tag.
        tag: Tag,
        /// What it pointed at.
        digest: Digest,
    },
    /// A manifest was deleted, and with it these tags.
    ManifestDeleted {
        /// The manifest.
        digest: Digest,
        /// The tags that pointed at it.
        tags: Vec<Tag>,
    },
    /// What an image's configuration says was read.
    Inspected {
        /// The image's manifest.
        digest: Digest,
    },
    /// The repository was created.
    RepositoryCreated,
    /// Its text or settings changed.
    RepositoryUpdated,
    /// It was renamed.
    RepositoryRenamed {
        /// Its path before.
        before: RepositoryName,
    },
    /// Other people may see it.
    VisibilityChanged {
        /// The visibility before.
        before: Visibility,
        /// The visibility now.
        after: Visibility,
    },
    /// It was deleted.
    RepositoryDeleted,
    /// Its number of pulls has grown by enough to matter in a ranking.
    PullsCounted,
    /// An account's role on it was granted, changed or revoked.
    RoleChanged {
        /// The account.
        account: AccountName,
        /// The role before; `None` for none.
        before: Option<Role>,
        /// The role now; `None` for none.
        after: Option<Role>,
    },
    /// A comment was written.
    CommentCreated {
        /// The comment.
        comment: CommentId,
    },
    /// A comment's text changed.
    CommentEdited {
        /// The comment.
        comment: CommentId,
    },
    /// A comment was deleted.
    CommentDeleted {
        /// The comment.
        comment: CommentId,
    },
    /// Somebody starred it, or took the star back.
    Starred {
        /// Whether the star is there now.
        on: bool,
    },
    /// An account was created.
    AccountCreated {
        /// The account.
        account: AccountName,
    },
    /// An account was disabled, or enabled again.
    AccountDisabled {
        /// The account.
        account: AccountName,
        /// Whether it is disabled now.
        disabled: bool,
    },
    /// An account's password changed.
    PasswordChanged {
        /// The account.
        account: AccountName,
    },
    /// A personal access token was created.
    TokenCreated {
        /// The token.
        token: TokenId,
        /// Its label.
        label: String,
    },
    /// A personal access token was revoked.
    TokenRevoked {
        /// The token.
        token: TokenId,
    },
}
