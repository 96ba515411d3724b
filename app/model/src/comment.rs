//! Comments as people read and write them.

use serde::{Deserialize, Serialize};

use crate::account::AccountName;
use crate::clock::Timestamp;
use crate::id::CommentId;
use crate::oci;
use crate::role::Role;

/// The longest comment, in bytes of Markdown.
pub const MAX_BODY: usize = 16 * 1024;

/// A comment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Comment {
    /// Its id; its anchor on the page is `comment-<id>`.
    pub id: CommentId,
    /// Its author.
    pub author: AccountName,
    /// The Markdown source; empty if deleted.
    pub body: String,
    /// The sanitised HTML.
    pub html: String,
    /// The tag it is about, if any.
    pub tag: Option<oci::Tag>,
    /// The comment it replies to.
    pub parent: Option<CommentId>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was last edited.
    pub edited_at: Option<Timestamp>,
    /// Whether it was deleted and is only kept because of its replies.
    #[serde(default)]
    pub deleted: bool,
    /// Its author's role on the repository.
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
    /// Markdown, 1 to [`MAX_BODY`] bytes.
    pub body: String,
    /// The comment to reply to; a reply to a reply joins the same thread.
    #[serde(default)]
    pub parent: Option<CommentId>,
    /// The tag it is about.
    #[serde(default)]
    pub tag: Option<String>,
}
