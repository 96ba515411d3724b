//! Parser and validator for image manifests and indexes (image-spec, "manifest", "image-index"). It does not check that
//! the referenced blobs and manifests exist.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use model::oci::Digest;
use serde::Deserialize;

use crate::error::{Error, InternalError, InvalidManifest, Unsupported};
use crate::ledger::Link;

pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub(crate) const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const DOCKER_SCHEMA_1: &str = "application/vnd.docker.distribution.manifest.v1+";

/// The most references in a manifest: far more than real images have, but few enough to bound the work of one push.
pub(crate) const MAX_REFERENCES: usize = 8_192;

/// A parsed manifest or index.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Document {
    /// Its media type, without parameters.
    pub(crate) media_type: String,
    /// `artifactType`, or an image manifest's config's media type.
    pub(crate) artifact_type: Option<String>,
    /// The digest in `subject`.
    pub(crate) subject: Option<Digest>,
    /// Annotations as a JSON object.
    pub(crate) annotations: String,
    /// Config and layers.
    pub(crate) blobs: Vec<Link>,
    /// Layers that need not be in this registry.
    pub(crate) foreign: Vec<Link>,
    /// An index's manifests.
    pub(crate) children: Vec<Link>,
    /// An index's entries of other types. They may be blobs: build caches list their layers this way.
    pub(crate) others: Vec<Link>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
struct Json {
    schema_version: Option<u64>,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    manifests: Option<Vec<Descriptor>>,
    subject: Option<Descriptor>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object with a mediaType, a digest and a size")]
struct Descriptor {
    #[serde(default)]
    media_type: String,
    digest: Digest,
    size: u64,
    urls: Option<Vec<String>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Image,
    Index,
}

fn shape_of(media_type: &str) -> Option<Shape> {
    match media_type {
        OCI_MANIFEST | DOCKER_MANIFEST => Some(Shape::Image),
        OCI_INDEX | DOCKER_LIST => Some(Shape::Index),
        _ => None,
    }
}

impl Document {
    /// Parses a manifest that was sent as `content_type`. With `any_type`, accepts any JSON object of an unknown type.
    pub(crate) fn parse(content_type: Option<&str>, payload: &[u8], any_type: bool) -> Result<Self, Error> {
        let sent = content_type.map(bare_type).filter(|sent| !sent.is_empty());
        if sent.is_some_and(|sent| sent.starts_with(DOCKER_SCHEMA_1)) {
            return Err(Unsupported::Schema1.into());
        }
        if let Some(sent) = sent.filter(|sent| shape_of(sent).is_none()) {
            return if any_type { Self::opaque(sent, payload) } else { Err(InvalidManifest::MediaTypeUnknown.into()) };
        }
        // serde would also accept an array for a struct, and does not check that unknown members are UTF-8.
        if !std::str::from_utf8(payload).is_ok_and(|text| text.trim_ascii_start().starts_with('{')) {
            return Err(InvalidManifest::NotAnObject.into());
        }
        let json = read(payload)?;
        if json.schema_version != Some(2) {
            return Err(InvalidManifest::SchemaVersion.into());
        }
        let media_type = match (sent, json.media_type.as_deref()) {
            (Some(sent), Some(inner)) if sent != inner => return Err(InvalidManifest::MediaTypeMismatch.into()),
            (Some(known), _) | (None, Some(known)) => known.to_owned(),
            (None, None) if json.manifests.is_some() => OCI_INDEX.to_owned(),
            (None, None) => OCI_MANIFEST.to_owned(),
        };
        match shape_of(&media_type) {
            Some(Shape::Image) => Self::image(media_type, json),
            Some(Shape::Index) => Self::index(media_type, json),
            None if any_type => Self::opaque(&media_type, payload),
            None => Err(InvalidManifest::MediaTypeUnknown.into()),
        }
    }

    fn image(media_type: String, json: Json) -> Result<Self, Error> {
        if json.manifests.is_some() {
            return Err(InvalidManifest::ManifestsInImage.into());
        }
        let config = json.config.ok_or(InvalidManifest::ConfigMissing)?;
        let artifact_type =
            json.artifact_type.filter(|kind| !kind.is_empty()).or_else(|| Some(config.media_type.clone()));
        let mut document = Self::new(media_type, artifact_type, json.subject, json.annotations)?;
        let layers = json.layers.unwrap_or_default();
        let (foreign, own): (Vec<_>, Vec<_>) = layers.into_iter().partition(is_foreign);
        for url in foreign.iter().filter_map(|layer| layer.urls.as_ref()).flatten() {
            if !url.starts_with("https://") && !url.starts_with("http://") {
                return Err(InvalidManifest::LayerUrl.into());
            }
        }
        document.blobs = links(own.into_iter().chain([config]))?;
        document.foreign = links(foreign)?;
        document.foreign.retain(|link| !contains(&document.blobs, &link.digest));
        Ok(document)
    }

    fn index(media_type: String, json: Json) -> Result<Self, Error> {
        if json.layers.is_some() || json.config.is_some() {
            return Err(InvalidManifest::LayersInIndex.into());
        }
        let manifests = json.manifests.ok_or(InvalidManifest::ManifestsMissing)?;
        let artifact_type = json.artifact_type.filter(|kind| !kind.is_empty());
        let mut document = Self::new(media_type, artifact_type, json.subject, json.annotations)?;
        let is_manifest = |entry: &Descriptor| shape_of(&entry.media_type).is_some();
        let (children, others): (Vec<_>, Vec<_>) = manifests.into_iter().partition(is_manifest);
        document.children = links(children)?;
        document.others = links(others)?;
        document.others.retain(|link| !contains(&document.children, &link.digest));
        Ok(document)
    }

    fn new(
        media_type: String,
        artifact_type: Option<String>,
        subject: Option<Descriptor>,
        annotations: Option<BTreeMap<String, String>>,
    ) -> Result<Self, Error> {
        // PostgreSQL cannot store NUL in text.
        let unfit = |kind: &str| kind.contains(char::is_control);
        if unfit(&media_type) || artifact_type.as_deref().is_some_and(unfit) {
            return Err(InvalidManifest::MediaTypeCharacters.into());
        }
        let annotations = serde_json::to_string(&annotations.unwrap_or_default());
        Ok(Self {
            media_type,
            artifact_type: artifact_type.filter(|kind| !kind.is_empty()),
            subject: subject.map(|subject| subject.digest),
            annotations: annotations.map_err(|_| InternalError::Annotations)?,
            blobs: Vec::new(),
            foreign: Vec::new(),
            children: Vec::new(),
            others: Vec::new(),
        })
    }

    fn opaque(media_type: &str, payload: &[u8]) -> Result<Self, Error> {
        match serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(payload) {
            Ok(_) => Self::new(media_type.to_owned(), None, None, None),
            Err(_) => Err(InvalidManifest::NotAnObject.into()),
        }
    }
}

fn read(payload: &[u8]) -> Result<Json, InvalidManifest> {
    let syntax = |error: &serde_json::Error| InvalidManifest::Syntax { reason: error.to_string() };
    // serde_json itself rejects documents nested more than 128 levels deep.
    let mut parser = serde_json::Deserializer::from_slice(payload);
    let json = serde_path_to_error::deserialize(&mut parser).map_err(|error| match (error.inner(), error.path()) {
        (inner, path) if inner.is_data() && path.iter().next().is_some() => {
            InvalidManifest::Member { path: path.to_string(), reason: inner.to_string() }
        }
        (inner, _) => syntax(inner),
    })?;
    parser.end().map_err(|error| syntax(&error))?;
    Ok(json)
}

/// A content type without its parameters.
fn bare_type(text: &str) -> &str {
    text.split(';').next().unwrap_or_default().trim()
}

/// Whether a layer need not be in this registry (image-spec, "Non-Distributable Layers"; Docker's image manifest schema
/// 2, "foreign" layers, compressed or not).
fn is_foreign(layer: &Descriptor) -> bool {
    layer.media_type.starts_with("application/vnd.oci.image.layer.nondistributable.")
        || layer.media_type.starts_with("application/vnd.docker.image.rootfs.foreign.diff.tar")
}

/// Deduplicates and sorts references by digest, so that all pushes lock them in the same order.
fn links(descriptors: impl IntoIterator<Item = Descriptor>) -> Result<Vec<Link>, InvalidManifest> {
    let mut sizes = BTreeMap::new();
    for Descriptor { digest, size, .. } in descriptors {
        match sizes.entry(digest) {
            Entry::Vacant(entry) => {
                entry.insert(size);
            }
            Entry::Occupied(entry) if *entry.get() != size => {
                return Err(InvalidManifest::ConflictingSizes(entry.key().clone()));
            }
            Entry::Occupied(_) => {}
        }
    }
    if sizes.len() > MAX_REFERENCES {
        return Err(InvalidManifest::TooManyReferences { max: MAX_REFERENCES });
    }
    Ok(sizes.into_iter().map(|(digest, size)| Link { digest, size }).collect())
}

/// Whether one of these sorted links has this digest.
fn contains(links: &[Link], digest: &Digest) -> bool {
    links.binary_search_by(|link| link.digest.cmp(digest)).is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn digest(letter: char) -> String {
        format!("sha256:{}", letter.to_string().repeat(64))
    }

    #[test]
    fn references_come_once_and_in_order() {
        let layer = |letter| json!({ "mediaType": "l", "digest": digest(letter), "size": 1 });
        let manifest = json!({
            "schemaVersion": 2,
            "config": { "mediaType": "application/x", "digest": digest('c'), "size": 1 },
            "layers": [layer('d'), layer('a'), layer('d')],
        });
        let document = Document::parse(Some(OCI_MANIFEST), manifest.to_string().as_bytes(), false).unwrap();
        let order: Vec<_> = document.blobs.iter().map(|link| link.digest.to_string()).collect();
        assert_eq!(order, [digest('a'), digest('c'), digest('d')]);
        assert_eq!(document.artifact_type.as_deref(), Some("application/x"));
        assert_eq!(document.annotations, "{}");
    }

    #[test]
    fn a_digest_that_is_required_anyway_is_not_listed_as_optional() {
        let foreign = "application/vnd.oci.image.layer.nondistributable.v1.tar";
        let layer = |kind: &str, letter| json!({ "mediaType": kind, "digest": digest(letter), "size": 1 });
        let config = layer("application/x", 'c');
        let layers = [layer(foreign, 'a'), layer("l", 'b'), layer(foreign, 'b'), layer(foreign, 'c'), layer("l", 'd')];
        let manifest = json!({ "schemaVersion": 2, "config": config, "layers": layers });
        let document = Document::parse(Some(OCI_MANIFEST), manifest.to_string().as_bytes(), false).unwrap();
        assert_eq!(document.foreign.iter().map(|link| link.digest.to_string()).collect::<Vec<_>>(), [digest('a')]);
        let entries = [layer(OCI_MANIFEST, 'a'), layer("l", 'a'), layer("l", 'b')];
        let index = json!({ "schemaVersion": 2, "manifests": entries });
        let document = Document::parse(Some(OCI_INDEX), index.to_string().as_bytes(), false).unwrap();
        assert_eq!(document.others.iter().map(|link| link.digest.to_string()).collect::<Vec<_>>(), [digest('b')]);
    }

    #[test]
    fn layers_that_may_be_elsewhere_are_not_required() {
        let config = json!({ "mediaType": "application/x", "digest": digest('c'), "size": 1 });
        for (kind, is_foreign) in [
            ("application/vnd.docker.image.rootfs.foreign.diff.tar", true),
            ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", true),
            ("application/vnd.oci.image.layer.nondistributable.v1.tar", true),
            ("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", true),
            ("application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", true),
            ("application/vnd.docker.image.rootfs.diff.tar.gzip", false),
            ("application/vnd.oci.image.layer.v1.tar", false),
        ] {
            let urls = ["https://example.org/layer"];
            let layer = json!({ "mediaType": kind, "digest": digest('a'), "size": 1, "urls": urls });
            let manifest = json!({ "schemaVersion": 2, "config": config, "layers": [layer] });
            let document = Document::parse(Some(OCI_MANIFEST), manifest.to_string().as_bytes(), false).unwrap();
            assert_eq!((document.foreign.len() == 1, document.blobs.len() == 1), (is_foreign, is_foreign), "{kind}");
        }
    }

    #[test]
    fn an_unknown_type_is_taken_whole_where_it_is_allowed() {
        let payload = br#"{"anything": ["goes"]}"#;
        assert!(Document::parse(Some("application/vnd.x+json"), payload, false).is_err());
        let document = Document::parse(Some("application/vnd.x+json; v=1"), payload, true).unwrap();
        assert_eq!(document.media_type, "application/vnd.x+json");
        assert!(Document::parse(Some("application/vnd.x+json"), b"[1]", true).is_err());
    }

    #[test]
    fn a_manifest_is_an_object_and_its_text_is_utf_8() {
        let config = json!({ "mediaType": "application/x", "digest": digest('c'), "size": 1 });
        let parse = |payload: &[u8]| Document::parse(Some(OCI_MANIFEST), payload, false);
        let members = json!([2, OCI_MANIFEST, null, config, [config], null, null, null]);
        assert!(parse(members.to_string().as_bytes()).is_err());
        let manifest = json!({ "schemaVersion": 2, "config": config, "x": "?" }).to_string();
        assert!(parse(format!("\n {manifest}").as_bytes()).is_ok());
        let mangled: Vec<u8> = manifest.bytes().map(|byte| if byte == b'?' { 0xff } else { byte }).collect();
        assert!(parse(&mangled).is_err());
    }

    #[test]
    fn what_does_not_fit_is_named_by_its_member_and_in_the_words_of_the_format() {
        let config = json!({ "mediaType": "application/x", "digest": digest('c'), "size": 1 });
        let with = |member: &str, value: serde_json::Value| {
            let mut manifest = json!({ "schemaVersion": 2, "config": config, "layers": [config] });
            manifest[member] = value;
            manifest.to_string()
        };
        for (payload, member, wanted) in [
            ("{".to_owned(), "JSON", "EOF"),
            (with("layers", json!([])) + "x", "JSON", "trailing characters"),
            (with("schemaVersion", json!("2")), "schemaVersion", "string \"2\""),
            (with("config", json!("x")), "config", "an object"),
            (with("config", json!([])), "config", "an object"),
            (with("layers", json!({})), "layers", "expected a sequence"),
            (with("layers", json!([config, { "digest": "x", "size": 1 }])), "layers[1].digest", "digest"),
            (with("layers", json!([{ "digest": digest('a') }])), "layers[0]", "missing field `size`"),
            (with("subject", json!({ "digest": digest('a'), "size": -1 })), "subject.size", "-1"),
            (with("annotations", json!({ "a": 1 })), "annotations.a", "expected a string"),
        ] {
            let Err(Error::ManifestInvalid(error)) = Document::parse(Some(OCI_MANIFEST), payload.as_bytes(), false)
            else {
                panic!("{payload} was not refused")
            };
            let why = error.to_string();
            assert!(why.contains(member) && why.contains(wanted), "{why}");
            assert!(["struct", "Json", "Descriptor"].iter().all(|word| !why.contains(word)), "{why}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_the_parser_panic(payload in any::<Vec<u8>>(), content_type in prop::option::of("\\PC{0,40}")) {
            let _ = Document::parse(content_type.as_deref(), &payload, true);
        }

        #[test]
        fn a_mangled_manifest_does_not_either(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let config = json!({ "mediaType": "application/x", "digest": digest('c'), "size": 1 });
            let manifest = json!({ "schemaVersion": 2, "config": config, "layers": [config], "subject": config });
            let mut payload = manifest.to_string().into_bytes();
            let at = at.index(payload.len());
            payload[at] = byte;
            let _ = Document::parse(Some(OCI_MANIFEST), &payload, false);
        }
    }
}
