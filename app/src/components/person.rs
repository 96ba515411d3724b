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
    view! {
        <time datetime=then.rfc3339() title=words::exact(then)>
            {words::age(then, now)}
        </time>
    }
    .into_any()
}
