//! The permission that each registry operation needs. The match is exhaustive: an operation without a need does not compile.

use registry::Operation;

/// The permission that an operation needs on its repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// To read.
    Pull,
    /// To write into a repository that must exist.
    Push,
    /// To write; a repository that does not exist is created where the caller may create it.
    Create,
    /// To delete.
    Delete,
}

impl Need {
    /// The need of an operation. A mount also needs [`Need::Pull`] on what it mounts from.
    pub const fn of(operation: &Operation) -> Self {
        match operation {
            Operation::Discover
            | Operation::GetBlob { .. }
            | Operation::GetManifest { .. }
            | Operation::ListTags(_)
            | Operation::ListReferrers { .. } => Self::Pull,
            Operation::StartUpload { .. } | Operation::MountBlob { .. } => Self::Create,
            // A manifest is pushed after its blobs: without any it would be refused, and leave an empty repository behind.
            Operation::PutManifest { .. }
            | Operation::UploadStatus(_)
            | Operation::AppendUpload { .. }
            | Operation::CloseUpload { .. }
            | Operation::CancelUpload(_) => Self::Push,
            Operation::DeleteBlob(_) | Operation::DeleteManifest(_) => Self::Delete,
        }
    }

    /// The actions that a token's scope must have, in the order in which a challenge lists them.
    pub const fn actions(self) -> &'static [&'static str] {
        match self {
            Self::Pull => &["pull"],
            Self::Push | Self::Create => &["pull", "push"],
            Self::Delete => &["delete"],
        }
    }
}
