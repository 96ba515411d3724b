//! Why a request was refused: one variant for each thing that can be wrong, with what a sentence about it needs.
//! The sentences are in the locale files of `app`.

use serde::{Deserialize, Serialize};

/// Why a request was refused. In JSON the variant's name is the `code`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Reason {
    /// It does not exist, or the viewer may not see it.
    NotFound,
    /// Nobody is signed in.
    SignInRequired,
    /// The viewer's role does not allow it.
    Forbidden,
    /// Too many attempts.
    TooManyAttempts {
        /// How long to wait.
        seconds: u32,
    },
    /// The database or the storage does not answer.
    Unavailable,
    /// A bug or a broken row.
    Internal,
    /// The request could not be parsed.
    IncompleteRequest,
    /// Several fields are wrong; each has its own reason.
    FieldsInvalid,
    /// The session ended before the form was sent.
    SignedOut,

    /// An account name of the wrong form.
    AccountNameSyntax,
    /// An account name that is reserved.
    AccountNameReserved,
    /// An account name that is in use.
    AccountNameTaken,
    /// There is no account of this name.
    AccountNotFound,
    /// Not an e-mail address.
    EmailSyntax,
    /// An e-mail address that belongs to an account.
    EmailTaken,
    /// A password with too few characters.
    PasswordTooShort {
        /// The least number of characters.
        min: usize,
    },
    /// A password with too many bytes.
    PasswordTooLong {
        /// The greatest number of bytes.
        max: usize,
    },
    /// The current password was typed wrong.
    OldPasswordWrong,
    /// The name or the password is wrong.
    WrongCredentials,
    /// A token or password sent with a request is not valid.
    InvalidCredentials,
    /// A personal access token where a password is needed.
    PasswordRequired,
    /// A display name that is too long or has several lines.
    DisplayNameTooLong {
        /// The greatest number of characters.
        max: usize,
    },
    /// A bio that is too long.
    BioTooLong {
        /// The greatest number of characters.
        max: usize,
    },
    /// Nobody may sign up.
    SignUpClosed,
    /// An invitation that does not exist, was used or has expired.
    InvitationInvalid,
    /// A set-up link that is no longer valid.
    SetupLinkInvalid,
    /// An administrator cannot disable their own account.
    OwnAccount,
    /// The last administrator cannot be disabled.
    LastAdministrator,
    /// Not a way to register.
    UnknownRegistration,
    /// Not a language of the pages.
    UnknownLanguage,
    /// Not a theme.
    UnknownTheme,

    /// The repository's namespace does not exist.
    NamespaceNotFound,
    /// A repository name of the wrong form.
    RepositoryNameSyntax,
    /// A repository name that is, or was, in use.
    RepositoryNameTaken,
    /// A description that is too long or has several lines.
    DescriptionTooLong {
        /// The greatest number of characters.
        max: usize,
    },
    /// A README that is too large.
    ReadmeTooLarge {
        /// The limit in KiB.
        kib: usize,
    },
    /// A topic of the wrong form.
    TopicSyntax,
    /// More topics than allowed.
    TooManyTopics {
        /// The greatest number of topics.
        max: usize,
    },
    /// Not a visibility.
    UnknownVisibility,
    /// Not a comment policy.
    UnknownCommentPolicy,
    /// Not a role.
    UnknownRole,
    /// A role that is not below the giver's own.
    RoleTooHigh,
    /// The account owns the namespace.
    AlreadyOwner,
    /// What was typed to confirm is not the expected name.
    ConfirmationMismatch {
        /// The name to type.
        expected: String,
    },
    /// A tag of the wrong form.
    TagSyntax,

    /// An empty comment.
    CommentEmpty,
    /// A comment that is too large.
    CommentTooLarge {
        /// The limit in KiB.
        kib: usize,
    },
    /// The comment to reply to was deleted.
    ParentNotFound,
    /// A Markdown text that is too large to preview.
    TextTooLarge {
        /// The limit in KiB.
        kib: usize,
    },
    /// A NUL character, which the database cannot store.
    UnsupportedCharacter,

    /// A token label that is empty, too long or has several lines.
    TokenLabelLength {
        /// The greatest number of characters.
        max: usize,
    },
    /// A token scope of the wrong form.
    ScopeSyntax,
    /// A token scope with too many stars.
    ScopeStars {
        /// The greatest number of stars.
        max: usize,
    },
    /// More scopes than a token may have.
    TooManyScopes {
        /// The greatest number of scopes.
        max: usize,
    },
    /// More tokens than an account may have.
    TooManyTokens {
        /// The greatest number of tokens.
        max: i64,
    },
    /// An expiry in the past.
    ExpiryInPast,
    /// An expiry that is not a number of days within bounds.
    ExpiryDays {
        /// The greatest number of days.
        max: u32,
    },
    /// A time that is not RFC 3339.
    TimeSyntax,

    /// A search query that is too long.
    QueryTooLong {
        /// The greatest number of bytes.
        max: usize,
    },
    /// A search query with too many words and qualifiers.
    QueryTooComplex {
        /// The greatest number of words and qualifiers.
        max: usize,
    },
    /// A qualifier without a value.
    QualifierEmpty {
        /// The qualifier's name.
        name: String,
        /// How it is used.
        example: String,
    },
    /// A qualifier that takes numbers or dates, with something else.
    QualifierRange {
        /// The qualifier's name.
        name: String,
        /// How it is used.
        example: String,
    },
    /// `is:` with a word it does not take.
    QualifierIs,
    /// Not an order of search results.
    UnknownSort,
    /// A page of results beyond the last that is served.
    PageTooHigh {
        /// The last page.
        max: u32,
    },
    /// More results than a page may hold.
    LimitTooHigh {
        /// The greatest number of results.
        max: u32,
    },
    /// Not a limit.
    LimitSyntax {
        /// The greatest limit.
        max: u32,
    },
    /// A cursor that the list did not return.
    CursorInvalid,
    /// A parameter that takes one of a few words, with another.
    UnknownValue {
        /// The words, separated by commas.
        allowed: String,
    },
    /// A request body that is too large.
    BodyTooLarge {
        /// The greatest number of bytes.
        max: usize,
    },
}
