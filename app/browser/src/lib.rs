//! Wakes the islands of a page that the server rendered. It knows nothing of what they do.

// The islands are found by their exported names: without a use of the crate that holds them they would not be linked.
use app as _;
use wasm_bindgen::prelude::wasm_bindgen;

/// Makes the page ready for its islands; the page's own script then wakes each.
#[wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
