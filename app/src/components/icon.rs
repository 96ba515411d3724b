//! Icons from the sprite.

use std::sync::Arc;

use leptos::prelude::*;

use crate::portal::Site;

/// An icon.
#[cfg_attr(not(feature = "ssr"), expect(dead_code, reason = "islands show few of them"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Glyph {
    Alert,
    Auto,
    Book,
    Box,
    Check,
    Close,
    Comment,
    Copy,
    Down,
    Edit,
    Filter,
    Globe,
    Info,
    Internal,
    Key,
    Leave,
    Left,
    Lock,
    Moon,
    Plus,
    Pull,
    Reply,
    Right,
    Search,
    Settings,
    Shield,
    Star,
    Sun,
    Tag,
    Trash,
    User,
    Users,
}

impl Glyph {
    /// Its id in the sprite.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Auto => "auto",
            Self::Book => "book",
            Self::Box => "box",
            Self::Check => "check",
            Self::Close => "close",
            Self::Comment => "comment",
            Self::Copy => "copy",
            Self::Down => "down",
            Self::Edit => "edit",
            Self::Filter => "filter",
            Self::Globe => "globe",
            Self::Info => "info",
            Self::Internal => "internal",
            Self::Key => "key",
            Self::Leave => "leave",
            Self::Left => "left",
            Self::Lock => "lock",
            Self::Moon => "moon",
            Self::Plus => "plus",
            Self::Pull => "pull",
            Self::Reply => "reply",
            Self::Right => "right",
            Self::Search => "search",
            Self::Settings => "settings",
            Self::Shield => "shield",
            Self::Star => "star",
            Self::Sun => "sun",
            Self::Tag => "tag",
            Self::Trash => "trash",
            Self::User => "user",
            Self::Users => "users",
        }
    }
}

/// The icon, hidden from screen readers because text next to it has the same meaning. When an island is hydrated in the
/// browser there is no site, and the sprite's URL stays as rendered by the server.
pub(crate) fn icon(glyph: Glyph) -> AnyView {
    let href = use_context::<Arc<Site>>().map(|site| format!("{}#{}", site.icons, glyph.as_str()));
    view! {
        <svg class="icon" aria-hidden="true">
            <use_ href=href></use_>
        </svg>
    }
    .into_any()
}
