//! The texts of the pages in each language, generated from `locales/` when `app` is built. Only the server has them:
//! islands receive their texts as properties.

use model::language::Language;

use crate::portal::portal;

#[expect(
    dead_code,
    unreachable_pub,
    unused_imports,
    clippy::pedantic,
    clippy::expect_used,
    reason = "generated: every text is there for both languages, whether a page shows it or not"
)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/i18n.rs"));
}

pub(crate) use generated::i18n::Locale;

/// The language of this request; English outside of one.
pub(crate) fn locale() -> Locale {
    of(portal().map_or_else(|_| Language::default(), |portal| portal.language()))
}

/// The texts of a language.
pub(crate) const fn of(language: Language) -> Locale {
    match language {
        Language::English => Locale::en,
        Language::Chinese => Locale::zh_CN,
    }
}

/// A text by key, in the language of the request: `text!(home.title)`, `text!(comments.count, count = 3)`.
macro_rules! text {
    ($($key:tt)*) => {
        leptos_i18n::td_string!(crate::texts::locale(), $($key)*)
    };
}

/// The same as a view, for texts with markup: `rich!(home.intro, host = host, <b> = bold)`.
macro_rules! rich {
    ($($key:tt)*) => {{
        // The view is rendered outside of the request, where its language is not known.
        let locale = crate::texts::locale();
        leptos_i18n::td!(locale, $($key)*)
    }};
}

pub(crate) use {rich, text};
