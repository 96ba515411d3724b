//! Comments as people read and write them. Who may write one, and how Markdown becomes HTML, is not known here.

use serde::{Deserialize, Serialize};

use crate::account::AccountName;
use crate::clock::Timestamp;
use crate::id::CommentId;
use crate::oci;
use crate::role::Role;

/// The longest comment, in bytes of Markdown.
pub const MAX_BODY: usize = 16 * 1024;

/// A comment; the `Comment` of the REST contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Comment {
    /// Its identity; its anchor on the page is `comment-<id>`.
    pub id: CommentId,
    /// Who wrote it.
    pub author: AccountName,
    /// The Markdown, as written; empty once deleted.
    pub body: String,
    /// Rendered and sanitised.
    pub html: String,
    /// The tag it is about, where it is about one.
    pub tag: Option<oci::Tag>,
    /// The comment it answers.
    pub parent: Option<CommentId>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was last edited.
    pub edited_at: Option<Timestamp>,
    /// Whether it was deleted and stands only because it has answers.
    #[serde(default)]
    pub deleted: bool,
    /// What its author is to the repository.
    #[serde(default)]
    pub author_role: Option<Role>,
    /// Whether the viewer may edit it.
    #[serde(default)]
    pub editable: bool,
    /// Whether the viewer may delete it.
    #[serde(default)]
    pub deletable: bool,
}

/// A comment and its answers, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thread {
    /// The comment that began it.
    pub root: Comment,
    /// The answers.
    pub replies: Vec<Comment>,
}

/// What somebody writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewComment {
    /// Markdown; 1 to [`MAX_BODY`] bytes.
    pub body: String,
    /// The comment it answers; an answer to an answer joins the same thread.
    #[serde(default)]
    pub parent: Option<CommentId>,
    /// The tag it is about.
    #[serde(default)]
    pub tag: Option<String>,
}
