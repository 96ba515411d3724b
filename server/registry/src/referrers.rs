//! The list of manifests whose `subject` is a given digest (distribution-spec, "Listing Referrers"). A manifest with
//! that digest need not exist.

use http::header::{HeaderName, HeaderValue};
use http::{Response, StatusCode};
use model::oci::Digest;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::body::Body;
use crate::context::{AuthorizedRequest, Context};
use crate::document::OCI_INDEX;
use crate::error::Error;
use crate::ledger::{ListPage, ReferrerPage, ReferrerRow};
use crate::request::Page;
use crate::response::{add_next_link, encode_query, json};

/// The most bytes of annotations on a page. Clients read at most 4 MiB of it, as of manifests.
const MAX_PAGE: u64 = 3 << 20;

const FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    schema_version: u8,
    media_type: &'static str,
    manifests: Vec<Descriptor>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: String,
    digest: Digest,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<Box<RawValue>>,
}

impl From<ReferrerRow> for Descriptor {
    fn from(row: ReferrerRow) -> Self {
        let ReferrerRow { digest, media_type, artifact_type, size, annotations } = row;
        let annotations = (annotations != "{}").then(|| RawValue::from_string(annotations).ok()).flatten();
        Self { media_type, digest, size, artifact_type, annotations }
    }
}

/// Returns the empty list, for a repository that does not exist or that the caller may not see.
pub fn no_referrers(artifact_type: Option<&str>) -> Response<Body> {
    index(Vec::new(), artifact_type.is_some())
}

fn index(manifests: Vec<Descriptor>, filtered: bool) -> Response<Body> {
    let index = Index { schema_version: 2, media_type: OCI_INDEX, manifests };
    let mut response = json(StatusCode::OK, HeaderValue::from_static(OCI_INDEX), &index);
    if filtered {
        response.headers_mut().insert(FILTERS_APPLIED, HeaderValue::from_static("artifactType"));
    }
    response
}

pub(crate) async fn list_referrers(
    context: &Context,
    call: AuthorizedRequest<'_>,
    subject: Digest,
    artifact_type: Option<String>,
    page: Page,
) -> Result<Response<Body>, Error> {
    let size = context.limits.page_size(&page);
    if size == 0 {
        return Ok(no_referrers(artifact_type.as_deref()));
    }
    let after = ListPage { last: page.last, limit: size };
    let rows = context.ledger.referrers(call.place.id, &subject, artifact_type.as_deref(), &after, MAX_PAGE);
    let ReferrerPage { rows, more } = rows.await.map_err(Error::from_ledger)?;
    let manifests: Vec<Descriptor> = rows.into_iter().map(Descriptor::from).collect();
    let next = manifests.last().filter(|_| more).map(|last| {
        let filter = artifact_type.as_deref().map(|wanted| format!("artifactType={}&", encode_query(wanted)));
        let (filter, last) = (filter.unwrap_or_default(), encode_query(last.digest.as_str()));
        format!("/v2/{}/referrers/{subject}?{filter}n={size}&last={last}", call.name)
    });
    let mut response = index(manifests, artifact_type.is_some());
    if let Some(next) = next {
        add_next_link(&mut response, &next);
    }
    Ok(response)
}
