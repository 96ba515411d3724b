//! What a caller wants to do with a repository, as types, so that a permit for one need cannot be used for another.

use model::role::Role;
use model::token::TokenAction;

/// A need as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NeedKind {
    /// See that the repository exists and read its pages.
    See,
    /// Fetch manifests and blobs.
    Pull,
    /// Star the repository.
    Star,
    /// Write comments.
    Comment,
    /// Change the caller's own contributions: edit and delete comments, leave the repository.
    Participate,
    /// Store blobs and manifests.
    Push,
    /// Delete tags and manifests.
    Delete,
    /// Change texts, visibility, collaborators and rules.
    Manage,
    /// Rename or delete the repository.
    Own,
}

impl NeedKind {
    /// All needs, in the order of the policy table.
    pub const ALL: [Self; 9] = [
        Self::See,
        Self::Pull,
        Self::Star,
        Self::Comment,
        Self::Participate,
        Self::Push,
        Self::Delete,
        Self::Manage,
        Self::Own,
    ];

    /// The least role required; `None` if visibility alone can be enough.
    pub const fn least_role(self) -> Option<Role> {
        match self {
            Self::See | Self::Pull | Self::Star | Self::Comment | Self::Participate => None,
            Self::Push => Some(Role::Writer),
            Self::Delete | Self::Manage => Some(Role::Maintainer),
            Self::Own => Some(Role::Owner),
        }
    }

    /// The action a token must allow on the path; `None` if any action will do.
    pub const fn action(self) -> Option<TokenAction> {
        match self {
            Self::See => None,
            Self::Pull => Some(TokenAction::Pull),
            Self::Push => Some(TokenAction::Push),
            Self::Delete => Some(TokenAction::Delete),
            Self::Star | Self::Comment | Self::Participate | Self::Manage | Self::Own => Some(TokenAction::Manage),
        }
    }
}

mod sealed {
    /// Prevents other implementations of [`Need`](super::Need).
    pub trait Sealed {}
}

/// A need as a type.
pub trait Need: sealed::Sealed + Send + Sync + 'static {
    /// The need as a value.
    const KIND: NeedKind;
}

macro_rules! needs {
    ($($(#[$doc:meta])* $name:ident)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl sealed::Sealed for $name {}

        impl Need for $name {
            const KIND: NeedKind = NeedKind::$name;
        }
    )+};
}

needs! {
    /// See [`NeedKind::See`].
    See
    /// See [`NeedKind::Pull`].
    Pull
    /// See [`NeedKind::Star`].
    Star
    /// See [`NeedKind::Comment`].
    Comment
    /// See [`NeedKind::Participate`].
    Participate
    /// See [`NeedKind::Push`].
    Push
    /// See [`NeedKind::Delete`].
    Delete
    /// See [`NeedKind::Manage`].
    Manage
    /// See [`NeedKind::Own`].
    Own
}
