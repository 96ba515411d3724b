//! The permission that each registry operation needs. The match is exhaustive, so that a new operation does not compile
//! without one.

use model::token::TokenAction;
use registry::Operation;

/// The permission that an operation needs on its repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Permission to read.
    Pull,
    /// Permission to read, or to write: a push asks for blobs while its repository is still pending.
    Blob,
    /// Permission to write to an existing repository.
    Push,
    /// Permission to write. A repository that does not exist is created if the caller may create it.
    Create,
    /// Permission to delete.
    Delete,
}

impl Need {
    /// Returns the permission that an operation needs. A mount also needs [`Need::Pull`] on its source.
    pub const fn of(operation: &Operation) -> Self {
        match operation {
            Operation::GetBlob { .. } => Self::Blob,
            Operation::Discover
            | Operation::GetManifest { .. }
            | Operation::ListTags(_)
            | Operation::ListReferrers { .. } => Self::Pull,
            Operation::StartUpload { .. } | Operation::MountBlob { .. } => Self::Create,
            // A manifest is pushed after its blobs, so the repository exists already. Creating it here would leave an
            // empty repository behind, because a manifest without its blobs is rejected.
            Operation::PutManifest { .. }
            | Operation::UploadStatus(_)
            | Operation::AppendUpload { .. }
            | Operation::CloseUpload { .. }
            | Operation::CancelUpload(_) => Self::Push,
            Operation::DeleteBlob(_) | Operation::DeleteManifest(_) => Self::Delete,
        }
    }

    /// Whether the operation is part of a push, so that it also finds a pending repository.
    pub const fn is_of_push(self) -> bool {
        matches!(self, Self::Blob | Self::Push | Self::Create)
    }

    /// Returns the actions of which a token must allow one for its holder to be told that a repository is missing. Others
    /// are sent back to the token service.
    pub const fn enough_for_absence(self) -> &'static [TokenAction] {
        match self {
            Self::Pull | Self::Blob => &[TokenAction::Pull, TokenAction::Push],
            Self::Push | Self::Create => &[TokenAction::Push],
            Self::Delete => &[TokenAction::Delete],
        }
    }

    /// Returns the actions that a token's scope must have, in the order in which a challenge lists them.
    pub const fn actions(self) -> &'static [&'static str] {
        match self {
            Self::Pull | Self::Blob => &["pull"],
            Self::Push | Self::Create => &["pull", "push"],
            Self::Delete => &["delete"],
        }
    }
}
