//! The calls about repositories themselves. What is in one, and who, is in the files beside it.

use app::portal::{Repositories as _, RepositoryFilter};
use model::fault::Fault;
use model::repository::{NewRepository, RepositoryPatch};
use serde::Deserialize;

use super::input::Input;
use super::{Answered, created, nothing, one};
use crate::portal::Visit;

pub(super) async fn list(visit: &Visit, input: &Input<'_>) -> Answered {
    let filter = RepositoryFilter {
        namespace: input.asked("namespace").map(str::to_owned),
        starred_by: input.asked("starred_by").map(str::to_owned),
        sort: input.word("sort")?,
        ..RepositoryFilter::default()
    };
    Ok(one(&visit.repositories(filter, input.page()?).await?))
}

/// `NewRepository` with its words as text, so that each gets its own error.
#[derive(Deserialize)]
struct Wanted {
    namespace: String,
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    visibility: Option<String>,
}

pub(super) async fn create(visit: &Visit, input: &Input<'_>) -> Answered {
    let wanted: Wanted = input.object()?;
    let form = NewRepository {
        namespace: wanted.namespace,
        name: wanted.name,
        description: wanted.description,
        visibility: wanted.visibility.as_deref().map(str::parse).transpose()?,
    };
    let repository = visit.create_repository(form).await?;
    Ok(created(&format!("/repositories/{}", repository.path), &repository))
}

pub(super) async fn read(visit: &Visit, input: &Input<'_>) -> Answered {
    Ok(one(&visit.repository(&input.repository()?).await?))
}

/// `RepositoryPatch` with its words as text, so that each gets its own error.
#[derive(Deserialize)]
struct Change {
    description: Option<String>,
    overview: Option<String>,
    visibility: Option<String>,
    comments: Option<String>,
    topics: Option<Vec<String>>,
}

impl Change {
    fn parse(self) -> Result<RepositoryPatch, Fault> {
        Ok(RepositoryPatch {
            description: self.description,
            overview: self.overview,
            visibility: self.visibility.as_deref().map(str::parse).transpose()?,
            comments: self.comments.as_deref().map(str::parse).transpose()?,
            topics: self.topics,
        })
    }
}

pub(super) async fn change(visit: &Visit, input: &Input<'_>) -> Answered {
    let change = input.object::<Change>()?.parse()?;
    Ok(one(&visit.update_repository(&input.repository()?, change).await?))
}

pub(super) async fn delete(visit: &Visit, input: &Input<'_>) -> Answered {
    visit.delete_repository(&input.repository()?).await?;
    Ok(nothing())
}

#[derive(Deserialize)]
struct Rename {
    name: String,
}

pub(super) async fn rename(visit: &Visit, input: &Input<'_>) -> Answered {
    let Rename { name } = input.object()?;
    Ok(one(&visit.rename_repository(&input.repository()?, &name).await?))
}
