//! People and moments in running text: a name with its rose, an age with its exact time.

use leptos::prelude::*;
use model::clock::Timestamp;

use super::rose::rose;
use crate::{place, words};

/// An account's name with its rose, leading to its page.
pub(crate) fn person(name: &str) -> AnyView {
    view! {
        <a class="person" href=place::account(name)>
            {rose(name, "avatar")}
            {name.to_owned()}
        </a>
    }
    .into_any()
}

/// How long ago, with the moment itself in its title.
pub(crate) fn ago(then: Timestamp, now: Timestamp) -> AnyView {
    view! {
        <time datetime=then.rfc3339() title=words::exact(then)>
            {words::age(then, now)}
        </time>
    }
    .into_any()
}
