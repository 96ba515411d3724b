//! The calls about tags and images. Pushing and pulling them is the engine's interface, not this one.

use app::portal::{Images as _, TagFilter};
use model::oci::{Digest, Reference, Tag};

use super::input::Input;
use super::problem::Problem;
use super::{Answered, nothing, one};
use crate::portal::Visit;

pub(super) async fn tags(visit: &Visit, input: &Input<'_>) -> Answered {
    let filter =
        TagFilter { contains: input.asked("contains").unwrap_or_default().to_owned(), sort: input.word("sort")? };
    Ok(one(&visit.tags(&input.repository()?, filter, input.page()?).await?))
}

pub(super) async fn tag(visit: &Visit, input: &Input<'_>) -> Answered {
    let tag = Tag::parse(input.value("tag")).map_err(|_| Problem::not_found())?;
    Ok(one(&visit.tag(&input.repository()?, &tag).await?))
}

pub(super) async fn delete_tag(visit: &Visit, input: &Input<'_>) -> Answered {
    visit.delete_tag(&input.repository()?, input.value("tag")).await?;
    Ok(nothing())
}

pub(super) async fn image(visit: &Visit, input: &Input<'_>) -> Answered {
    let digest = Digest::parse(input.value("digest")).map_err(|_| Problem::not_found())?;
    Ok(one(&visit.image(&input.repository()?, &Reference::Digest(digest)).await?))
}
