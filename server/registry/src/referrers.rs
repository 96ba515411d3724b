//! The list of what refers to a manifest by `subject` (distribution-spec, "Listing Referrers").
//! It refuses to know whether the subject itself exists: a valid digest always has a list, which may be empty.

use http::header::{HeaderName, HeaderValue};
use http::{Response, StatusCode};
use model::oci::Digest;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::answer::{Body, in_query, json, length_of, link_next};
use crate::document::OCI_INDEX;
use crate::engine::{Call, Engine};
use crate::error::{Error, ledger};
use crate::ledger::{After, ReferrerRow};
use crate::request::Page;

/// A page ends before it grows larger than clients read, which is a manifest's 4 MiB; annotations may be long.
const MAX_BYTES: u64 = 3 << 20;

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

/// The answer where there is nothing to refer: for a repository that does not exist, or that the caller may not see.
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

impl Engine {
    pub(crate) async fn list_referrers(
        &self,
        call: Call<'_>,
        subject: Digest,
        artifact_type: Option<String>,
        page: Page,
    ) -> Result<Response<Body>, Error> {
        let size = self.page_size(&page);
        if size == 0 {
            return Ok(no_referrers(artifact_type.as_deref()));
        }
        let after = After { last: page.last, limit: size.saturating_add(1) };
        let rows = self.inner.ledger.referrers(call.place.id, &subject, artifact_type.as_deref(), &after);
        let rows = rows.await.map_err(ledger)?;
        let (shown, more) = first_page(rows, size);
        let next = shown.last().filter(|_| more).map(|last| {
            let filter = artifact_type.as_deref().map(|wanted| format!("artifactType={}&", in_query(wanted)));
            let (filter, last) = (filter.unwrap_or_default(), in_query(last.digest.as_str()));
            format!("/v2/{}/referrers/{subject}?{filter}n={size}&last={last}", call.name)
        });
        let mut response = index(shown, artifact_type.is_some());
        if let Some(next) = next {
            link_next(&mut response, &next);
        }
        Ok(response)
    }
}

/// As many as go on a page, one at least, and whether there are more.
fn first_page(rows: Vec<ReferrerRow>, size: u64) -> (Vec<Descriptor>, bool) {
    let mut bytes = 0_u64;
    let mut shown = Vec::new();
    let shown_at_most = usize::try_from(size).unwrap_or(usize::MAX);
    for row in rows {
        bytes = bytes.saturating_add(length_of(row.annotations.as_bytes())).saturating_add(512);
        if !shown.is_empty() && (bytes > MAX_BYTES || shown.len() == shown_at_most) {
            return (shown, true);
        }
        shown.push(row.into());
    }
    (shown, false)
}
