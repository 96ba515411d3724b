//! Hydrates the islands of a server-rendered page.

// Islands are found by their exported names: without this use, the crate that contains them would not be linked.
use app as _;
use wasm_bindgen::prelude::wasm_bindgen;

/// Prepares the page for hydration; the page's script then hydrates each island.
#[wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
