//! Reasons for errors: one variant for each, with the parameters of its message. The messages are in the locale files
//! of `app`.

use serde::{Deserialize, Serialize};

/// Why a request was rejected. In JSON the variant's name is the `code`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Reason {
    /// It does not exist, or the viewer may not see it.
    NotFound,
    /// The caller is not signed in.
    SignInRequired,
    /// The viewer's role does not allow it.
    Forbidden,
    /// Too many attempts.
    TooManyAttempts {
        /// How long to wait.
        seconds: u32,
    },
    /// The database has no room for a change.
    Full,
    /// The database or the storage does not respond.
    Unavailable,
    /// A bug or a broken row.
    Internal,
    /// The request could not be parsed.
    IncompleteRequest,
    /// Several fields are wrong; each has its own reason.
    FieldsInvalid,
    /// The session ended before the form was sent.
    SignedOut,

    /// An invalid account name.
    AccountNameSyntax,
    /// An account name that is reserved.
    AccountNameReserved,
    /// An account name that is in use.
    AccountNameTaken,
    /// There is no account of this name.
    AccountNotFound,
    /// An invalid mail address.
    EmailSyntax,
    /// A mail address that belongs to another account.
    EmailTaken,
    /// A password with too few characters.
    PasswordTooShort {
        /// The minimum number of characters.
        min: usize,
    },
    /// A password with too many bytes.
    PasswordTooLong {
        /// The maximum number of bytes.
        max: usize,
    },
    /// The current password is wrong.
    OldPasswordWrong,
    /// The name or the password is wrong.
    WrongCredentials,
    /// A token or password sent with a request is not valid.
    InvalidCredentials,
    /// A personal access token where a password is needed.
    PasswordRequired,
    /// A display name that is too long or has line breaks.
    DisplayNameTooLong {
        /// The maximum number of characters.
        max: usize,
    },
    /// A bio that is too long.
    BioTooLong {
        /// The maximum number of characters.
        max: usize,
    },
    /// Registration is closed.
    SignUpClosed,
    /// An invitation that does not exist, was used or has expired.
    InvitationInvalid,
    /// Too many open invitations.
    TooManyInvitations {
        /// The maximum.
        max: u64,
    },
    /// A setup link that is no longer valid.
    SetupLinkInvalid,
    /// An administrator cannot disable their own account.
    OwnAccount,
    /// The last administrator cannot be disabled.
    LastAdministrator,
    /// An unknown registration setting.
    UnknownRegistration,
    /// An unknown language.
    UnknownLanguage,
    /// An unknown theme.
    UnknownTheme,

    /// The repository's namespace does not exist.
    NamespaceNotFound,
    /// An invalid repository name.
    RepositoryNameSyntax,
    /// A repository name that is, or was, in use.
    RepositoryNameTaken,
    /// A description that is too long or has line breaks.
    DescriptionTooLong {
        /// The maximum number of characters.
        max: usize,
    },
    /// A README that is too large.
    ReadmeTooLarge {
        /// The limit in KiB.
        kib: usize,
    },
    /// An invalid topic.
    TopicSyntax,
    /// Too many topics.
    TooManyTopics {
        /// The maximum number of topics.
        max: usize,
    },
    /// An unknown visibility.
    UnknownVisibility,
    /// An unknown comment policy.
    UnknownCommentPolicy,
    /// An unknown role.
    UnknownRole,
    /// A role that is not lower than the caller's own.
    RoleTooHigh,
    /// The account owns the namespace.
    AlreadyOwner,
    /// The name typed for confirmation is wrong.
    ConfirmationMismatch {
        /// The name to type.
        expected: String,
    },
    /// An invalid tag.
    TagSyntax,

    /// An empty comment.
    CommentEmpty,
    /// A comment that is too large.
    CommentTooLarge {
        /// The limit in KiB.
        kib: usize,
    },
    /// The comment to reply to does not exist.
    ParentNotFound,
    /// A Markdown text that is too large to preview.
    TextTooLarge {
        /// The limit in KiB.
        kib: usize,
    },
    /// A NUL character, which the database cannot store.
    UnsupportedCharacter,

    /// A token label that is empty, too long or has line breaks.
    TokenLabelLength {
        /// The maximum number of characters.
        max: usize,
    },
    /// A reply to a thread with the maximum number of replies.
    ThreadFull {
        /// The maximum number of replies.
        max: u64,
    },
    /// An invalid token scope.
    ScopeSyntax,
    /// A token scope with too many stars.
    ScopeStars {
        /// The maximum number of stars.
        max: usize,
    },
    /// Too many scopes, or too long ones.
    TooManyScopes {
        /// The maximum number of scopes.
        max: usize,
        /// The maximum length of all their patterns together.
        length: usize,
    },
    /// Too many tokens.
    TooManyTokens {
        /// The maximum number of tokens.
        max: i64,
    },
    /// An expiry in the past.
    ExpiryInPast,
    /// An invalid number of days until expiry.
    ExpiryDays {
        /// The maximum number of days.
        max: u32,
    },
    /// A time that is not RFC 3339.
    TimeSyntax,

    /// A search query that is too long.
    QueryTooLong {
        /// The maximum number of bytes.
        max: usize,
    },
    /// A search query with too many words and qualifiers.
    QueryTooComplex {
        /// The maximum number of words and qualifiers.
        max: usize,
    },
    /// A qualifier without a value.
    QualifierEmpty {
        /// The qualifier's name.
        name: String,
        /// An example.
        example: String,
    },
    /// A qualifier for numbers or dates with an invalid value.
    QualifierRange {
        /// The qualifier's name.
        name: String,
        /// An example.
        example: String,
    },
    /// An unknown value of `is:`.
    QualifierIs,
    /// An unknown order of search results.
    UnknownSort,
    /// A page of results after the last one allowed.
    PageTooHigh {
        /// The last page.
        max: u32,
    },
    /// Too many results on a page.
    LimitTooHigh {
        /// The maximum number of results.
        max: u32,
    },
    /// An invalid limit.
    LimitSyntax {
        /// The maximum limit.
        max: u32,
    },
    /// A cursor that the list did not return.
    CursorInvalid,
    /// An unknown value of a parameter with a few allowed ones.
    UnknownValue {
        /// The allowed values, separated by commas.
        allowed: String,
    },
    /// A request body that is too large.
    BodyTooLarge {
        /// The maximum number of bytes.
        max: usize,
    },
}
