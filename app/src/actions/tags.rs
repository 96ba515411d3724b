//! Deleting tags.

use leptos::prelude::*;

use super::{ActionFault, Completion, confirmed, path as parse, settle};
use crate::place;
use crate::portal::{PortalResult, portal};
#[cfg(feature = "ssr")]
use crate::texts::text;

/// The form's name.
pub(crate) const DELETE: &str = "tags/delete";

/// Deletes a tag after its name was typed.
#[server(prefix = "/_actions", endpoint = "tags/delete")]
pub(crate) async fn delete_tag(
    #[server(default)] path: String,
    #[server(default)] tag: String,
    #[server(default)] confirm: String,
) -> Result<(), ActionFault> {
    let outcome: PortalResult<Completion<()>> = async {
        let path = parse(&path)?;
        confirmed("confirm", &confirm, &tag)?;
        portal()?.delete_tag(&path, &tag).await?;
        Ok(Completion::saying(place::within(&path, "tags"), &text!(notices.tag_deleted, tag = tag.as_str())))
    }
    .await;
    settle(DELETE, &[("confirm", &confirm)], outcome).await
}
