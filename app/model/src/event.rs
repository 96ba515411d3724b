//! Events as recorded in the outbox and read by followers.

use serde::{Deserialize, Serialize};

use crate::account::AccountName;
use crate::id::{AccountId, CommentId, RepositoryId, TokenId};
use crate::oci::{Digest, RepositoryName, Tag};
use crate::role::{Role, Visibility};

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The repository and its path at the time; `None` for events about accounts.
    pub repository: Option<(RepositoryId, RepositoryName)>,
    /// Who caused it; `None` for the site itself, and for an engine without accounts.
    pub actor: Option<Actor>,
    /// What happened.
    pub kind: EventKind,
}

/// The account that caused an event, and its credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The account; `None` if an engine without accounts only knows a name.
    pub account: Option<AccountId>,
    /// Its name at the time.
    pub name: AccountName,
    /// The personal access token; `None` for a password or a session.
    pub credential: Option<TokenId>,
}

/// A tag that was created or moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagMove {
    /// The tag.
    pub tag: Tag,
    /// What it pointed at before; `None` if it is new.
    pub before: Option<Digest>,
}

/// The kinds of events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventKind {
    /// A manifest was pushed.
    Pushed {
        /// The manifest.
        digest: Digest,
        /// Its media type.
        media_type: String,
        /// Tags that were created or moved to it.
        tags: Vec<TagMove>,
    },
    /// A tag was deleted.
    TagDeleted {
        /// The tag.
        tag: Tag,
        /// What it pointed at.
        digest: Digest,
    },
    /// A manifest was deleted, with these tags.
    ManifestDeleted {
        /// The manifest.
        digest: Digest,
        /// The tags that pointed at it.
        tags: Vec<Tag>,
    },
    /// An image's config was inspected.
    Inspected {
        /// The image's manifest.
        digest: Digest,
    },
    /// The repository was created.
    RepositoryCreated,
    /// Its texts or settings changed.
    RepositoryUpdated,
    /// It was renamed.
    RepositoryRenamed {
        /// Its previous path.
        before: RepositoryName,
    },
    /// Its visibility changed.
    VisibilityChanged {
        /// The previous visibility.
        before: Visibility,
        /// The new visibility.
        after: Visibility,
    },
    /// It was deleted.
    RepositoryDeleted,
    /// Its number of pulls has grown enough to matter for ranking.
    PullsCounted,
    /// An account's role on it was granted, changed or revoked.
    RoleChanged {
        /// The account.
        account: AccountName,
        /// The previous role; `None` if there was none.
        before: Option<Role>,
        /// The new role; `None` if it was removed.
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
    /// A star was added or removed.
    Starred {
        /// Whether it was added.
        on: bool,
    },
    /// An account was created.
    AccountCreated {
        /// The account.
        account: AccountName,
    },
    /// An account was disabled or enabled.
    AccountDisabled {
        /// The account.
        account: AccountName,
        /// Whether it is now disabled.
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
