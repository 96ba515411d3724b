//! Row ids as opaque numbers, with a type for each kind of row so that they cannot be mixed up.

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

id! {
    /// The id of an account: a person, an organisation or a robot.
    AccountId;
    /// The id of a repository; renaming the repository does not change it.
    RepositoryId;
    /// The number of a comment within its repository.
    CommentId;
    /// The id of a personal access token (not its secret).
    TokenId;
}
