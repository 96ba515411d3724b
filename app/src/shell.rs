//! The HTML document around every page: head, theme, and the script that hydrates the islands.

use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_meta::MetaTags;
use model::language::Language;

use crate::portal::{Site, portal, site};
use crate::routes::App;

/// The document of a request; `server` renders it with the portal, the site and the nonce in the context.
pub fn shell() -> impl IntoView {
    // Only islands are hydrated, so nothing else needs to be serialised for hydration.
    if let Some(context) = Owner::current_shared_context() {
        context.set_is_hydrating(false);
    }
    let site = site();
    let (theme, language) =
        portal().map_or(("auto", Language::default()), |portal| (portal.theme(), portal.language()));
    view! {
        <!DOCTYPE html>
        <html lang=language.as_str() data-theme=theme>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="icon" type="image/svg+xml" href=site.favicon.clone()/>
                <link rel="stylesheet" href=site.stylesheet.clone()/>
                {wake(&site)}
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// The module that loads the islands' bundle and hydrates each island; `None` if built without them.
fn wake(site: &Site) -> Option<AnyView> {
    let islands = site.islands.as_ref()?;
    let script = format!(
        "import start, * as islands from {:?};\
         await start({{ module_or_path: {:?} }});\
         islands.hydrate();\
         for (const island of document.querySelectorAll('leptos-island')) await islands[island.dataset.component](island);\
         document.documentElement.dataset.islands = 'awake';",
        islands.script, islands.wasm
    );
    Some(
        view! {
            <link rel="modulepreload" href=islands.script.clone()/>
            <link rel="preload" href=islands.wasm.clone() r#as="fetch" r#type="application/wasm" crossorigin="anonymous"/>
            <script type="module" nonce=use_nonce() inner_html=script></script>
        }
        .into_any(),
    )
}
