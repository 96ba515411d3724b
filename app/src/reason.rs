//! The message for each reason: in the language of the request on pages, in English for REST and the command line.

use leptos_i18n::td_string;
use model::reason::Reason;

use crate::texts::{Locale, locale};

/// The message in the language of the request.
pub(crate) fn sentence(reason: &Reason) -> String {
    within(locale(), reason)
}

/// The message in English.
#[must_use]
pub fn english(reason: &Reason) -> String {
    within(Locale::en, reason)
}

fn within(locale: Locale, reason: &Reason) -> String {
    macro_rules! say {
        ($($text:tt)*) => {
            td_string!(locale, $($text)*).to_string()
        };
    }
    match reason {
        Reason::NotFound => say!(errors.not_found),
        Reason::SignInRequired => say!(errors.sign_in_required),
        Reason::Forbidden => say!(errors.forbidden),
        Reason::TooManyAttempts { seconds } => say!(errors.too_many_attempts, count = *seconds),
        Reason::Full => say!(errors.full),
        Reason::Unavailable => say!(errors.unavailable),
        Reason::Internal => say!(errors.internal),
        Reason::IncompleteRequest => say!(errors.incomplete_request),
        Reason::FieldsInvalid => say!(errors.fields_invalid),
        Reason::SignedOut => say!(errors.signed_out),
        Reason::AccountNameSyntax => say!(errors.account_name_syntax),
        Reason::AccountNameReserved => say!(errors.account_name_reserved),
        Reason::AccountNameTaken => say!(errors.account_name_taken),
        Reason::AccountNotFound => say!(errors.account_not_found),
        Reason::EmailSyntax => say!(errors.email_syntax),
        Reason::EmailTaken => say!(errors.email_taken),
        Reason::PasswordTooShort { min } => say!(errors.password_too_short, min = *min),
        Reason::PasswordTooLong { max } => say!(errors.password_too_long, max = *max),
        Reason::OldPasswordWrong => say!(errors.old_password_wrong),
        Reason::WrongCredentials => say!(errors.wrong_credentials),
        Reason::InvalidCredentials => say!(errors.invalid_credentials),
        Reason::PasswordRequired => say!(errors.password_required),
        Reason::DisplayNameTooLong { max } => say!(errors.display_name_too_long, max = *max),
        Reason::BioTooLong { max } => say!(errors.bio_too_long, max = *max),
        Reason::SignUpClosed => say!(errors.sign_up_closed),
        Reason::InvitationInvalid => say!(errors.invitation_invalid),
        Reason::TooManyInvitations { max } => say!(errors.too_many_invitations, max = *max),
        Reason::SetupLinkInvalid => say!(errors.setup_link_invalid),
        Reason::OwnAccount => say!(errors.own_account),
        Reason::LastAdministrator => say!(errors.last_administrator),
        Reason::UnknownRegistration => say!(errors.unknown_registration),
        Reason::UnknownLanguage => say!(errors.unknown_language),
        Reason::UnknownTheme => say!(errors.unknown_theme),
        Reason::NamespaceNotFound => say!(errors.namespace_not_found),
        Reason::RepositoryNameSyntax => say!(errors.repository_name_syntax),
        Reason::RepositoryNameTaken => say!(errors.repository_name_taken),
        Reason::DescriptionTooLong { max } => say!(errors.description_too_long, max = *max),
        Reason::ReadmeTooLarge { kib } => say!(errors.readme_too_large, kib = *kib),
        Reason::TopicSyntax => say!(errors.topic_syntax),
        Reason::TooManyTopics { max } => say!(errors.too_many_topics, max = *max),
        Reason::UnknownVisibility => say!(errors.unknown_visibility),
        Reason::UnknownCommentPolicy => say!(errors.unknown_comment_policy),
        Reason::UnknownRole => say!(errors.unknown_role),
        Reason::RoleTooHigh => say!(errors.role_too_high),
        Reason::AlreadyOwner => say!(errors.already_owner),
        Reason::ConfirmationMismatch { expected } => say!(errors.confirmation_mismatch, expected = expected.as_str()),
        Reason::TagSyntax => say!(errors.tag_syntax),
        Reason::CommentEmpty => say!(errors.comment_empty),
        Reason::CommentTooLarge { kib } => say!(errors.comment_too_large, kib = *kib),
        Reason::ParentNotFound => say!(errors.parent_not_found),
        Reason::ThreadFull { max } => say!(errors.thread_full, max = *max),
        Reason::TextTooLarge { kib } => say!(errors.text_too_large, kib = *kib),
        Reason::UnsupportedCharacter => say!(errors.unsupported_character),
        Reason::TokenLabelLength { max } => say!(errors.token_label_length, max = *max),
        Reason::ScopeSyntax => say!(errors.scope_syntax),
        Reason::ScopeStars { max } => say!(errors.scope_stars, max = *max),
        Reason::TooManyScopes { max, length } => say!(errors.too_many_scopes, max = *max, length = *length),
        Reason::TooManyTokens { max } => say!(errors.too_many_tokens, max = *max),
        Reason::ExpiryInPast => say!(errors.expiry_in_past),
        Reason::ExpiryDays { max } => say!(errors.expiry_days, max = *max),
        Reason::TimeSyntax => say!(errors.time_syntax),
        Reason::QueryTooLong { max } => say!(errors.query_too_long, max = *max),
        Reason::QueryTooComplex { max } => say!(errors.query_too_complex, max = *max),
        Reason::QualifierEmpty { name, example } => {
            say!(errors.qualifier_empty, name = name.as_str(), example = example.as_str())
        }
        Reason::QualifierRange { name, example } => {
            say!(errors.qualifier_range, name = name.as_str(), example = example.as_str())
        }
        Reason::QualifierIs => say!(errors.qualifier_is),
        Reason::UnknownSort => say!(errors.unknown_sort),
        Reason::PageTooHigh { max } => say!(errors.page_too_high, max = *max),
        Reason::LimitTooHigh { max } => say!(errors.limit_too_high, max = *max),
        Reason::LimitSyntax { max } => say!(errors.limit_syntax, max = *max),
        Reason::CursorInvalid => say!(errors.cursor_invalid),
        Reason::UnknownValue { allowed } => say!(errors.unknown_value, allowed = allowed.as_str()),
        Reason::BodyTooLarge { max } => say!(errors.body_too_large, max = *max),
    }
}
