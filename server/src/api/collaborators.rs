//! The calls about who has a role on a repository. Roles that come from the namespace are not listed here.

use app::portal::Repositories as _;
use model::role::Role;
use serde::Deserialize;

use super::input::Input;
use super::{Answered, nothing, whole};
use crate::portal::Visit;

pub(super) async fn list(visit: &Visit, input: &Input<'_>) -> Answered {
    Ok(whole(visit.collaborators(&input.repository()?).await?))
}

#[derive(Deserialize)]
struct Change {
    role: String,
}

pub(super) async fn set(visit: &Visit, input: &Input<'_>) -> Answered {
    let role: Role = input.object::<Change>()?.role.parse()?;
    visit.set_collaborator(&input.repository()?, input.value("name"), role).await?;
    Ok(nothing())
}

pub(super) async fn remove(visit: &Visit, input: &Input<'_>) -> Answered {
    visit.remove_collaborator(&input.repository()?, input.value("name")).await?;
    Ok(nothing())
}
