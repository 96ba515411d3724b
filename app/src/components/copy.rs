//! The copy button with its texts.

use leptos::prelude::*;

use crate::islands::copy::CopyButton;
use crate::texts::text;

/// A button that copies `content`; `label` names it.
pub(crate) fn copy(content: String, label: &str) -> AnyView {
    view! { <CopyButton text=content label=label.to_owned() copied=text!(copy.done).to_owned()/> }.into_any()
}
