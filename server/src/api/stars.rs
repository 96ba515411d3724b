//! The calls about stars. How many there are is the repository's own affair.

use app::portal::Repositories as _;

use super::input::Input;
use super::problem::Problem;
use super::{Answered, nothing, one};
use crate::portal::Visit;

pub(super) async fn read(visit: &Visit, input: &Input<'_>) -> Answered {
    let starred = visit.starred(&input.repository()?).await?;
    if starred { Ok(nothing()) } else { Err(Problem::not_found()) }
}

pub(super) async fn set(visit: &Visit, input: &Input<'_>, on: bool) -> Answered {
    visit.set_star(&input.repository()?, on).await?;
    Ok(nothing())
}

pub(super) async fn list(visit: &Visit, input: &Input<'_>) -> Answered {
    Ok(one(&visit.stargazers(&input.repository()?, input.page()?).await?))
}
