//! Comments as people read and write them.

use serde::{Deserialize, Serialize};

use crate::account::AccountName;
use crate::clock::Timestamp;
use crate::id::CommentId;
use crate::oci;
use crate::role::Role;

/// The maximum length of a comment, in bytes of Markdown.
pub const MAX_BODY: usize = 16 * 1024;

/// A comment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Comment {
    /// Its number in the repository. Its anchor on the comments page is `comment-<id>`.
    pub id: CommentId,
    /// Its author.
    pub author: AccountName,
    /// The text as Markdown; empty if it was deleted.
    pub body: String,
    /// The text as sanitised HTML.
    pub html: String,
    /// The tag it is about, if any.
    pub tag: Option<oci::Tag>,
    /// The first comment of its thread; `null` if it is the first itself.
    pub parent: Option<CommentId>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was last edited; `null` if never.
    pub edited_at: Option<Timestamp>,
    /// Whether it was deleted and is only kept because of its replies.
    #[serde(default)]
    pub deleted: bool,
    /// Its author's role on the repository; `null` if there is none.
    #[serde(default)]
    pub author_role: Option<Role>,
    /// Whether the viewer may edit it.
    #[serde(default)]
    pub editable: bool,
    /// Whether the viewer may delete it.
    #[serde(default)]
    pub deletable: bool,
}

/// A comment with its replies, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thread {
    /// The first comment.
    pub root: Comment,
    /// The replies.
    pub replies: Vec<Comment>,
}

/// A comment to post.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewComment {
    /// The text as Markdown, at most 16 KiB; must not be blank.
    pub body: String,
    /// The comment to reply to, if any. A reply to a reply joins the same thread.
    #[serde(default)]
    pub parent: Option<CommentId>,
    /// The tag it is about, if any.
    #[serde(default)]
    pub tag: Option<String>,
}
