//! Cookies, redirects and flash messages of a response, through the context of `leptos_axum`. Outside of a request it
//! does nothing.

use std::sync::PoisonError;

use app::portal::{Answer, Flash, PortalResult};
use async_trait::async_trait;
use http::header::SET_COOKIE;
use http::{HeaderValue, StatusCode};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;
use model::clock::Timestamp;
use model::fault::{Fault, FaultCode};
use model::language::Language;
use model::reason::Reason;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use store::sessions::ACCOUNT;
use time::Duration;
use tower_sessions::{Expiry, Session};

use super::Visit;
use super::facts::{LANGUAGE_COOKIE, THEME_COOKIE, known_theme};

/// The session's key for the flash message.
const FLASH: &str = "flash";
/// The session's key for a form that waits for its sender to sign in.
const WAITING: &str = "waiting";

/// How long a preference is stored, in seconds.
const YEAR: u32 = 31_536_000;

/// The largest form stored for someone who is not signed in, in bytes, and how long it is stored: enough for the
/// longest comment and the time to sign in. Both are limited because anyone can make us store a form.
const UNSIGNED: usize = 20 << 10;
const UNSIGNED_LIFE: Duration = Duration::HOUR;

/// Characters that must be encoded in `Location`.
const LOCATION: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'\\').add(b'^').add(b'`').add(b'{').add(b'}');

/// A form that waits, and the path and query of its page.
#[derive(Serialize, Deserialize)]
struct PendingForm {
    page: String,
    flash: Flash,
}

impl Visit {
    /// Stores a preference in a cookie for this number of seconds.
    fn keep(&self, name: &str, value: &str, seconds: u32) {
        let secure = if self.facts.https { "; Secure" } else { "" };
        let cookie = format!("{name}={value}; Path=/; Max-Age={seconds}; SameSite=Lax{secure}");
        if let (Some(response), Ok(cookie)) = (use_context::<ResponseOptions>(), HeaderValue::from_str(&cookie)) {
            response.append_header(SET_COOKIE, cookie);
        }
    }
}

#[async_trait]
impl Answer for Visit {
    fn status(&self, status: u16) {
        if let (Some(response), Ok(status)) = (use_context::<ResponseOptions>(), StatusCode::from_u16(status)) {
            response.set_status(status);
        }
    }

    fn redirect(&self, path: &str) {
        leptos_axum::redirect(&within_site(path));
        if !self.facts.scripted {
            self.status(StatusCode::SEE_OTHER.as_u16());
        }
    }

    fn came_from(&self) -> String {
        self.facts.came_from.clone()
    }

    fn path(&self) -> String {
        self.facts.path.clone()
    }

    fn scripted(&self) -> bool {
        self.facts.scripted
    }

    fn language(&self) -> Language {
        self.me.as_ref().and_then(|me| me.language).unwrap_or(self.facts.language)
    }

    fn keep_language(&self, language: Option<Language>) {
        match language {
            Some(language) => self.keep(LANGUAGE_COOKIE, language.as_str(), YEAR),
            None => self.keep(LANGUAGE_COOKIE, "", 0),
        }
    }

    fn theme(&self) -> &'static str {
        self.facts.theme
    }

    fn set_theme(&self, theme: &str) {
        self.keep(THEME_COOKIE, known_theme(theme), YEAR);
    }

    fn now(&self) -> Timestamp {
        self.state.clock.now()
    }

    fn request_id(&self) -> String {
        self.facts.request_id.clone()
    }

    fn show(&self, path: &str, flash: Flash) {
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some((path.to_owned(), Some(flash)));
    }

    fn shown(&self) -> Option<String> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|(path, _)| path.clone())
    }

    async fn set_flash(&self, mut flash: Flash) -> PortalResult<()> {
        let Some(session) = &self.session else { return Ok(()) };
        if session.get_value(ACCOUNT).await.map_err(session_failed)?.is_none() {
            bound(session, &mut flash);
        }
        session.insert(FLASH, flash).await.map_err(session_failed)
    }

    async fn set_waiting(&self, mut flash: Flash) -> PortalResult<()> {
        let Some(session) = &self.session else { return Ok(()) };
        bound(session, &mut flash);
        let waiting = PendingForm { page: self.facts.came_from.clone(), flash };
        session.insert(WAITING, waiting).await.map_err(session_failed)
    }

    async fn take_flash(&self) -> PortalResult<Option<Flash>> {
        if let Some((_, flash)) = &mut *self.shown.lock().unwrap_or_else(PoisonError::into_inner) {
            return Ok(flash.take());
        }
        // A session with only the account is not read, unless this request added something.
        let read = |session: &&Session| !self.is_bare || session.is_modified();
        let Some(session) = self.session.as_ref().filter(read) else { return Ok(None) };
        let flash: Option<Flash> = session.get(FLASH).await.map_err(session_failed)?;
        // Removing a key marks the session as changed even if it was not there, and viewing a page should not write to
        // the database.
        if flash.is_some() {
            session.remove_value(FLASH).await.map_err(session_failed)?;
            return Ok(flash);
        }
        let waiting: Option<PendingForm> = session.get(WAITING).await.map_err(session_failed)?;
        let Some(PendingForm { page, flash }) = waiting else { return Ok(None) };
        if !self.viewer.is_signed_in() {
            return Ok(Some(flash));
        }
        if page != self.facts.path {
            return Ok(None);
        }
        session.remove_value(WAITING).await.map_err(session_failed)?;
        let fault = Fault::new(FaultCode::SignIn, Reason::SignedOut);
        Ok(Some(Flash { fault: Some(fault), ..flash }))
    }
}

/// Limits what someone who is not signed in can make us store.
fn bound(session: &Session, flash: &mut Flash) {
    if flash.fields.values().map(String::len).sum::<usize>() > UNSIGNED {
        flash.fields.clear();
    }
    session.set_expiry(Some(Expiry::OnInactivity(UNSIGNED_LIFE)));
}

/// Makes any path safe for redirects within this site.
fn within_site(path: &str) -> String {
    let rooted = path.starts_with('/') && !path.starts_with("//") && !path.starts_with("/\\");
    let path = if rooted { path } else { "/" };
    utf8_percent_encode(path, LOCATION).to_string()
}

/// The error when the session store fails; the cause is logged.
#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
pub(super) fn session_failed(error: tower_sessions::session::Error) -> Fault {
    tracing::error!(%error, "the session cannot be read or written");
    Fault::unavailable()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_never_leaves_the_site() {
        assert_eq!(within_site("/r/a/b?x=1#comment-2"), "/r/a/b?x=1#comment-2");
        for outside in ["https://evil.example", "//evil.example", "/\\evil.example", "evil", ""] {
            assert_eq!(within_site(outside), "/", "{outside}");
        }
        assert_eq!(within_site("/a\r\nSet-Cookie: x"), "/a%0D%0ASet-Cookie:%20x");
    }
}
