//! The sentence for each reason, for pages, REST and the command line.

use model::reason::Reason;

/// The sentence that tells a person why a request was refused.
#[must_use]
pub fn english(reason: &Reason) -> String {
    let text = match reason {
        Reason::NotFound => "This does not exist, or you do not have access to it.",
        Reason::SignInRequired => "Sign in to do this.",
        Reason::Forbidden => "Your role does not allow this.",
        Reason::TooManyAttempts { seconds } => return format!("Too many attempts. Try again in {seconds} seconds."),
        Reason::Unavailable => "Portolan cannot reach its database or storage. Nothing was changed. Try again soon.",
        Reason::Internal => "Something went wrong. If it keeps happening, tell the administrator.",
        Reason::IncompleteRequest => {
            "The request was incomplete and nothing was changed. Reload the page and try again."
        }
        Reason::FieldsInvalid => "Some fields are not valid.",
        Reason::SignedOut => "This was not saved because you were signed out. Submit it again.",
        Reason::AccountNameSyntax => {
            "A name has 2 to 39 lowercase letters and digits, separated by single dashes, dots or underscores."
        }
        Reason::AccountNameReserved => "This name is reserved. Choose another one.",
        Reason::AccountNameTaken => "This name is taken. Choose another one.",
        Reason::AccountNotFound => "There is no account with this name.",
        Reason::EmailSyntax => "This is not a valid email address.",
        Reason::EmailTaken => "An account with this email address already exists.",
        Reason::PasswordTooShort { min } => return format!("A password must have at least {min} characters."),
        Reason::PasswordTooLong { max } => return format!("A password must have at most {max} bytes."),
        Reason::OldPasswordWrong => "This is not your current password.",
        Reason::WrongCredentials => "Wrong name or password.",
        Reason::InvalidCredentials => {
            "The credentials are not valid. Use a personal access token, or your name and password."
        }
        Reason::PasswordRequired => "You cannot sign in here with a personal access token. Use your password.",
        Reason::DisplayNameTooLong { max } => {
            return format!("A display name is a single line of at most {max} characters.");
        }
        Reason::BioTooLong { max } => return format!("A bio has at most {max} characters."),
        Reason::SignUpClosed => "Sign-up is closed. Ask an administrator for an account.",
        Reason::InvitationInvalid => "This invitation is not valid, has been used or has expired. Ask for a new one.",
        Reason::SetupLinkInvalid => {
            "This setup link is no longer valid. Restart Portolan to get a new one, or sign in."
        }
        Reason::OwnAccount => "You cannot disable your own account.",
        Reason::LastAdministrator => "This is the last administrator who can sign in. Add another one first.",
        Reason::UnknownRegistration => "Registration must be open, invitation or closed.",
        Reason::UnknownLanguage => "The language must be en or zh-CN.",
        Reason::UnknownTheme => "The theme must be light, dark or auto.",
        Reason::NamespaceNotFound => "There is no namespace with this name.",
        Reason::RepositoryNameSyntax => {
            "A repository name has lowercase letters and digits, separated by dots, dashes, underscores or slashes."
        }
        Reason::RepositoryNameTaken => {
            "A repository with this name exists, or existed before it was renamed. Choose another name."
        }
        Reason::DescriptionTooLong { max } => {
            return format!("A description is a single line of at most {max} characters.");
        }
        Reason::ReadmeTooLarge { kib } => return format!("A README can be at most {kib} KiB."),
        Reason::TopicSyntax => "A topic has 1 to 35 letters, digits and dashes.",
        Reason::TooManyTopics { max } => return format!("A repository can have at most {max} topics."),
        Reason::UnknownVisibility => "The visibility must be public, internal or private.",
        Reason::UnknownCommentPolicy => "The comment policy must be everyone, members or off.",
        Reason::UnknownRole => "The role must be reader, writer, maintainer or owner.",
        Reason::RoleTooHigh => "You can only give roles below your own.",
        Reason::AlreadyOwner => "This account already owns the repository.",
        Reason::ConfirmationMismatch { expected } => return format!("Type {expected} to confirm."),
        Reason::TagSyntax => {
            "A tag has up to 128 letters, digits, dots, dashes and underscores, and does not start with a dot or dash."
        }
        Reason::CommentEmpty => "A comment cannot be empty.",
        Reason::CommentTooLarge { kib } => return format!("A comment can be at most {kib} KiB."),
        Reason::ParentNotFound => "The comment that you are replying to no longer exists.",
        Reason::TextTooLarge { kib } => return format!("The text can be at most {kib} KiB."),
        Reason::UnsupportedCharacter => "This contains a character that cannot be stored.",
        Reason::TokenLabelLength { max } => return format!("A label is a single line of 1 to {max} characters."),
        Reason::ScopeSyntax => {
            "A scope is a path pattern and actions, such as team/*:pull,push. The actions are pull, push, delete and manage."
        }
        Reason::ScopeStars { max } => return format!("A scope's pattern can have at most {max} stars."),
        Reason::TooManyScopes { max } => return format!("A token can have at most {max} scopes."),
        Reason::TooManyTokens { max } => {
            return format!("You already have {max} tokens. Revoke one that you no longer use.");
        }
        Reason::ExpiryInPast => "A token must expire in the future.",
        Reason::ExpiryDays { max } => return format!("A token expires after 1 to {max} days, or never."),
        Reason::TimeSyntax => "A time must be in RFC 3339 format, such as 2027-01-31T00:00:00Z.",
        Reason::QueryTooLong { max } => return format!("A query can be at most {max} bytes long."),
        Reason::QueryTooComplex { max } => return format!("A query can have at most {max} words and qualifiers."),
        Reason::QualifierEmpty { name, example } => {
            return format!("{name}: needs a value right after the colon, such as {example}.");
        }
        Reason::QualifierRange { name, example } => {
            return format!("{name}: takes a value, a comparison or a range, such as {example}.");
        }
        Reason::QualifierIs => "is: takes official, starred, public, internal or private.",
        Reason::UnknownSort => "The order must be best, stars, pulls or updated.",
        Reason::PageTooHigh { max } => {
            return format!("Only the first {max} pages are available. Narrow your search to see more.");
        }
        Reason::LimitTooHigh { max } => return format!("A page can have at most {max} results."),
        Reason::LimitSyntax { max } => return format!("The limit must be a whole number from 1 to {max}."),
        Reason::CursorInvalid => "This cursor is not valid. Use the next value of the previous page.",
        Reason::UnknownValue { allowed } => return format!("The value must be one of: {allowed}."),
        Reason::BodyTooLarge { max } => return format!("The body can be at most {max} bytes long."),
    };
    text.to_owned()
}
