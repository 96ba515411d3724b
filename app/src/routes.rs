//! The table of all pages.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{FlatRoutes, Route, Router};
use leptos_router::hooks::use_query_map;
use leptos_router::{SsrMode, path};

use crate::frame::{footer, top_bar};
use crate::pages::{account, account_settings, errors, home, invitations, new, repository, search, session};

/// The page of the request's URL, between top bar and footer.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title formatter=|text: String| if text.is_empty() { "Portolan".to_owned() } else { format!("{text} · Portolan") }/>
        <Router>
            <div class="shell">
                <Top/>
                <main id="main" tabindex="-1">
                    <FlatRoutes fallback=errors::missing>
                        <Route path=path!("/") view=home::page ssr=SsrMode::Async/>
                        <Route path=path!("/search") view=search::page ssr=SsrMode::Async/>
                        <Route path=path!("/r/*rest") view=repository::page ssr=SsrMode::Async/>
                        <Route path=path!("/u/:name") view=account::page ssr=SsrMode::Async/>
                        <Route path=path!("/new") view=new::page ssr=SsrMode::Async/>
                        <Route path=path!("/signin") view=session::sign_in ssr=SsrMode::Async/>
                        <Route path=path!("/signup") view=session::sign_up ssr=SsrMode::Async/>
                        <Route path=path!("/signout") view=session::sign_out ssr=SsrMode::Async/>
                        <Route path=path!("/setup") view=session::set_up ssr=SsrMode::Async/>
                        <Route path=path!("/invites/:secret") view=session::invited ssr=SsrMode::Async/>
                        <Route path=path!("/admin/invitations") view=invitations::page ssr=SsrMode::Async/>
                        <Route path=path!("/settings/profile") view=account_settings::profile ssr=SsrMode::Async/>
                        <Route path=path!("/settings/tokens") view=account_settings::tokens ssr=SsrMode::Async/>
                    </FlatRoutes>
                </main>
                {footer()}
            </div>
        </Router>
    }
}

/// The top bar, inside the router so that the search field keeps its query.
#[component]
fn Top() -> impl IntoView {
    top_bar(use_query_map().with_untracked(|query| query.get_str("q").unwrap_or_default().to_owned()))
}
