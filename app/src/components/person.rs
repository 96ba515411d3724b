//! People and times in running text.

use leptos::prelude::*;
use model::clock::Timestamp;

use super::rose::rose;
use crate::{place, words};

/// A link to an account, with its rose.
pub(crate) fn person(name: &str) -> AnyView {
    view! {
        <a class="person" href=place::account(name)>
            {rose(name, "avatar")}
            {name.to_owned()}
        </a>
    }
    .into_any()
}

/// A relative time, with the exact time as tooltip.
pub(crate) fn ago(then: Timestamp, now: Timestamp) -> AnyView {
    ago_in_text(then, now)()
}

/// The same for a text with `<time/>`. Views in texts are rendered outside of the request, where its language is not known,
/// so the words are chosen here.
pub(crate) fn ago_in_text(then: Timestamp, now: Timestamp) -> impl Fn() -> AnyView + Clone + Send + Sync + 'static {
    let (machine, exact, age) = (then.rfc3339(), words::exact(then), words::age(then, now));
    move || {
        view! {
            <time datetime=machine.clone() title=exact.clone()>
                {age.clone()}
            </time>
        }
        .into_any()
    }
}
