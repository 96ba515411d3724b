//! Error pages: not found, forbidden, internal error. Hidden and missing pages are identical and repeat nothing of the
//! request.

use leptos::prelude::*;
use leptos_meta::Title;
use model::fault::{Fault, FaultCode};

use crate::components::rose::net;
use crate::place;
use crate::portal::portal;
use crate::reason::sentence;
use crate::texts::text;

/// The page for an unknown URL.
pub(crate) fn missing() -> AnyView {
    fault(&Fault::not_found())
}

/// The page for a fault, with its status. Visitors who are not signed in can sign in.
pub(crate) fn fault(fault: &Fault) -> AnyView {
    let portal = portal().ok();
    if let Some(portal) = &portal {
        if fault.code == FaultCode::SignIn {
            portal.redirect(&place::sign_in(&portal.path()));
        } else {
            portal.status(fault.code.status());
        }
    }
    let title = match fault.code {
        FaultCode::NotFound => text!(not_found.missing),
        FaultCode::SignIn => text!(not_found.sign_in),
        FaultCode::Forbidden => text!(not_found.forbidden),
        FaultCode::Invalid | FaultCode::Conflict | FaultCode::TooLarge => text!(not_found.invalid),
        FaultCode::TooMany => text!(not_found.too_many),
        FaultCode::Unavailable => text!(not_found.unavailable),
        FaultCode::Internal => text!(not_found.internal),
    };
    let request = matches!(fault.code, FaultCode::Unavailable | FaultCode::Internal).then(|| {
        portal.map(
            |portal| view! { <p class="faint small mono">{text!(not_found.request_id, id = portal.request_id())}</p> },
        )
    });
    let first = if fault.code == FaultCode::SignIn {
        view! { <a class="button button-primary" href="/signin">{text!(not_found.sign_in_button)}</a> }.into_any()
    } else {
        view! { <a class="button button-primary" href="/search">{text!(not_found.search)}</a> }.into_any()
    };
    view! {
        <Title text=title/>
        <div class="wide">
            <div class="lost">
                {net()}
                <h1>{title}</h1>
                <p>{sentence(&fault.reason)}</p>
                <p class="line">
                    {first}
                    <a class="button" href="/">{text!(not_found.home)}</a>
                </p>
                {request}
            </div>
        </div>
    }
    .into_any()
}
