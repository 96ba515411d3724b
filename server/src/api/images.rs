//! Tags and images. Pushing and pulling use the registry API.

use app::portal::{Images as _, TagFilter};
use http::StatusCode;
use model::image::{Image, Tag, TagSort};
use model::oci::{self, Digest, Reference, RepositoryName};
use model::page::Page;
use model::reason::Reason;
use serde::Deserialize;
use utoipa::IntoParams;

use super::answer::Answer;
use super::caller::Caller;
use super::extract::{Json, PageQuery, Parameters, Path, Query, RepositoryPath, sort_reason, within_hub};
use super::problem::Problem;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct TagQuery {
    /// Only tags whose name contains this.
    contains: Option<String>,
    /// The order; `newest` by default.
    #[param(inline)]
    sort: Option<TagSort>,
}

impl Parameters for TagQuery {
    fn reason(name: &str) -> Option<Reason> {
        sort_reason(name, TagSort::ALL.map(TagSort::as_str))
    }
}

/// Lists a repository's tags.
#[utoipa::path(get, path = "/repositories/{path}/-/tags", tag = "Tags and images",
    params(RepositoryPath, TagQuery, PageQuery), responses((status = 200, body = Page<Tag>)))]
pub(super) async fn list_tags(
    Caller(visit): Caller,
    Path(at): Path<RepositoryPath>,
    Query(query): Query<TagQuery>,
    Query(page): Query<PageQuery>,
) -> Answer<Json<Page<Tag>>> {
    let filter = TagFilter { contains: query.contains.unwrap_or_default(), sort: query.sort.unwrap_or_default() };
    Ok(Json(visit.tags(&at.path, filter, page.into()).await?))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct TagPath {
    /// `namespace/name`, with unescaped slashes.
    #[param(value_type = String, allow_reserved)]
    #[serde(deserialize_with = "within_hub")]
    path: RepositoryName,
    /// The tag.
    tag: String,
}

/// Returns a tag.
#[utoipa::path(get, path = "/repositories/{path}/-/tags/{tag}", tag = "Tags and images",
    params(TagPath), responses((status = 200, body = Tag)))]
pub(super) async fn read_tag(Caller(visit): Caller, Path(at): Path<TagPath>) -> Answer<Json<Tag>> {
    let tag = oci::Tag::parse(&at.tag).map_err(|_| Problem::not_found())?;
    Ok(Json(visit.tag(&at.path, &tag).await?))
}

/// Deletes a tag. Its image can still be pulled by digest.
#[utoipa::path(delete, path = "/repositories/{path}/-/tags/{tag}", tag = "Tags and images",
    params(TagPath), responses((status = 204, description = "Deleted.")))]
pub(super) async fn delete_tag(Caller(visit): Caller, Path(at): Path<TagPath>) -> Answer<StatusCode> {
    visit.delete_tag(&at.path, &at.tag).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct ImagePath {
    /// `namespace/name`, with unescaped slashes.
    #[param(value_type = String, allow_reserved)]
    #[serde(deserialize_with = "within_hub")]
    path: RepositoryName,
    /// The manifest's digest.
    #[param(value_type = String)]
    digest: Digest,
}

/// Returns an image or an index of images.
#[utoipa::path(get, path = "/repositories/{path}/-/manifests/{digest}", tag = "Tags and images",
    params(ImagePath), responses((status = 200, body = Image)))]
pub(super) async fn read_image(Caller(visit): Caller, Path(at): Path<ImagePath>) -> Answer<Json<Image>> {
    Ok(Json(visit.image(&at.path, &Reference::Digest(at.digest)).await?))
}
