//! What each request of the engine needs, as one exhaustive match: an operation without a need does not compile.
//! It refuses to know who has it.

use registry::Operation;

/// What a request needs on its repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// To read.
    Pull,
    /// To write into a repository that must exist.
    Push,
    /// To write; an unknown repository comes to be where the caller may make one.
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
            // A manifest comes after its blobs: where none ever came it would be refused, and leave an empty repository.
            Operation::PutManifest { .. }
            | Operation::UploadStatus(_)
            | Operation::AppendUpload { .. }
            | Operation::CloseUpload { .. }
            | Operation::CancelUpload(_) => Self::Push,
            Operation::DeleteBlob(_) | Operation::DeleteManifest(_) => Self::Delete,
        }
    }

    /// The actions that a token must name, in the order that a challenge lists them.
    pub const fn actions(self) -> &'static [&'static str] {
        match self {
            Self::Pull => &["pull"],
            Self::Push | Self::Create => &["pull", "push"],
            Self::Delete => &["delete"],
        }
    }
}
