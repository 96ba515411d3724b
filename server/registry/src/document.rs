//! Manifests and indexes as documents: what they refer to, and whether they are what they say (image-spec, "manifest", "image-index").
//! It refuses to know the repository: whether the references exist is settled elsewhere.

use std::collections::BTreeMap;

use model::oci::Digest;
use serde::Deserialize;

use crate::error::Error;
use crate::ledger::Link;

pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub(crate) const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const DOCKER_SCHEMA_1: &str = "application/vnd.docker.distribution.manifest.v1+";

/// More references than any image has; a bound on the work of one push.
const MAX_REFERENCES: usize = 8_192;

/// What a manifest says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Document {
    /// Its media type, without parameters.
    pub(crate) media_type: String,
    /// `artifactType`, or an image manifest's config's media type.
    pub(crate) artifact_type: Option<String>,
    /// What it says something about.
    pub(crate) subject: Option<Digest>,
    /// Annotations as a JSON object.
    pub(crate) annotations: String,
    /// Config and layers.
    pub(crate) blobs: Vec<Link>,
    /// Layers that live elsewhere and need not be here.
    pub(crate) foreign: Vec<Link>,
    /// An index's manifests.
    pub(crate) children: Vec<Link>,
    /// An index's entries of other types, which may be blobs: build caches list their layers so.
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

fn invalid<T>(why: impl Into<String>) -> Result<T, Error> {
    Err(Error::ManifestInvalid(why.into()))
}

impl Document {
    /// Reads a manifest that was sent as `content_type`. With `any_type`, a JSON object of an unknown type is taken as it is.
    pub(crate) fn parse(content_type: Option<&str>, payload: &[u8], any_type: bool) -> Result<Self, Error> {
        let sent = content_type.map(bare_type).filter(|sent| !sent.is_empty());
        if sent.is_some_and(|sent| sent.starts_with(DOCKER_SCHEMA_1)) {
            return Err(Error::Unsupported("manifests of schema 1 are not supported"));
        }
        if let Some(sent) = sent.filter(|sent| shape_of(sent).is_none()) {
            return if any_type { Self::opaque(sent, payload) } else { invalid("unknown manifest media type") };
        }
        // A structure would be read from an array too, and text in members that nobody reads is not looked at.
        if !std::str::from_utf8(payload).is_ok_and(|text| text.trim_ascii_start().starts_with('{')) {
            return invalid("a manifest is a JSON object, in UTF-8");
        }
        let json = match read(payload) {
            Ok(json) => json,
            Err(why) => return invalid(why),
        };
        if json.schema_version != Some(2) {
            return invalid("schemaVersion is not 2");
        }
        let media_type = match (sent, json.media_type.as_deref()) {
            (Some(sent), Some(inner)) if sent != inner => return invalid("mediaType differs from Content-Type"),
            (Some(known), _) | (None, Some(known)) => known.to_owned(),
            (None, None) if json.manifests.is_some() => OCI_INDEX.to_owned(),
            (None, None) => OCI_MANIFEST.to_owned(),
        };
        match shape_of(&media_type) {
            Some(Shape::Image) => Self::image(media_type, json),
            Some(Shape::Index) => Self::index(media_type, json),
            None if any_type => Self::opaque(&media_type, payload),
            None => invalid("unknown manifest media type"),
        }
    }

    fn image(media_type: String, json: Json) -> Result<Self, Error> {
        if json.manifests.is_some() {
            return invalid("an image manifest has no manifests");
        }
        let Some(config) = json.config else { return invalid("an image manifest has a config") };
        let artifact_type =
            json.artifact_type.filter(|kind| !kind.is_empty()).or_else(|| Some(config.media_type.clone()));
        let mut document = Self::new(media_type, artifact_type, json.subject, json.annotations)?;
        let layers = json.layers.unwrap_or_default();
        let (foreign, own): (Vec<_>, Vec<_>) = layers.into_iter().partition(is_foreign);
        for url in foreign.iter().filter_map(|layer| layer.urls.as_ref()).flatten() {
            if !url.starts_with("https://") && !url.starts_with("http://") {
                return invalid("a layer's urls are http or https");
            }
        }
        document.blobs = links(own.into_iter().chain([config]))?;
        document.foreign = links(foreign)?;
        document.foreign.retain(|link| !document.blobs.iter().any(|blob| blob.digest == link.digest));
        Ok(document)
    }

    fn index(media_type: String, json: Json) -> Result<Self, Error> {
        if json.layers.is_some() || json.config.is_some() {
            return invalid("an index has neither config nor layers");
        }
        let Some(manifests) = json.manifests else { return invalid("an index has manifests") };
        let artifact_type = json.artifact_type.filter(|kind| !kind.is_empty());
        let mut document = Self::new(media_type, artifact_type, json.subject, json.annotations)?;
        let is_manifest = |entry: &Descriptor| shape_of(&entry.media_type).is_some();
        let (children, others): (Vec<_>, Vec<_>) = manifests.into_iter().partition(is_manifest);
        document.children = links(children)?;
        document.others = links(others)?;
        document.others.retain(|link| !document.children.iter().any(|child| child.digest == link.digest));
        Ok(document)
    }

    fn new(
        media_type: String,
        artifact_type: Option<String>,
        subject: Option<Descriptor>,
        annotations: Option<BTreeMap<String, String>>,
    ) -> Result<Self, Error> {
        // PostgreSQL, for one, cannot keep a zero character in text.
        let unfit = |kind: &str| kind.contains(char::is_control);
        if unfit(&media_type) || artifact_type.as_deref().is_some_and(unfit) {
            return invalid("a media type has no control characters");
        }
        let annotations = serde_json::to_string(&annotations.unwrap_or_default());
        Ok(Self {
            media_type,
            artifact_type: artifact_type.filter(|kind| !kind.is_empty()),
            subject: subject.map(|subject| subject.digest),
            annotations: annotations.map_err(|_| Error::Broken("annotations do not serialise"))?,
            blobs: Vec::new(),
            foreign: Vec::new(),
            children: Vec::new(),
            others: Vec::new(),
        })
    }

    fn opaque(media_type: &str, payload: &[u8]) -> Result<Self, Error> {
        match serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(payload) {
            Ok(_) => Self::new(media_type.to_owned(), None, None, None),
            Err(_) => invalid("a manifest is a JSON object"),
        }
    }
}

/// A document's members, or what is wrong and with which of them.
fn read(payload: &[u8]) -> Result<Json, String> {
    let broken = |error: &serde_json::Error| format!("the manifest does not parse: {error}");
    // The parser of serde_json itself refuses documents nested more than 128 deep.
    let mut parser = serde_json::Deserializer::from_slice(payload);
    let json = serde_path_to_error::deserialize(&mut parser).map_err(|error| match (error.inner(), error.path()) {
        (inner, path) if inner.is_data() && path.iter().next().is_some() => {
            format!("the manifest's {path} is not usable: {inner}")
        }
        (inner, _) => broken(inner),
    })?;
    parser.end().map_err(|error| broken(&error))?;
    Ok(json)
}

/// A content type without its parameters.
fn bare_type(text: &str) -> &str {
    text.split(';').next().unwrap_or_default().trim()
}

/// Whether a layer's bytes live elsewhere (image-spec, "Non-Distributable Layers").
fn is_foreign(layer: &Descriptor) -> bool {
    layer.media_type.starts_with("application/vnd.oci.image.layer.nondistributable.")
        || layer.media_type == "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
}

/// Each digest once, in order, so that every push locks them alike.
fn links(descriptors: impl IntoIterator<Item = Descriptor>) -> Result<Vec<Link>, Error> {
    let mut sizes = BTreeMap::new();
    for descriptor in descriptors {
        let known = *sizes.entry(descriptor.digest).or_insert(descriptor.size);
        if known != descriptor.size {
            return invalid("one digest has two sizes");
        }
    }
    if sizes.len() > MAX_REFERENCES {
        return invalid("the manifest refers to too many blobs or manifests");
    }
    Ok(sizes.into_iter().map(|(digest, size)| Link { digest, size }).collect())
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
            ("{".to_owned(), "the manifest", "EOF"),
            (with("layers", json!([])) + "x", "the manifest", "trailing characters"),
            (with("schemaVersion", json!("2")), "schemaVersion", "string \"2\""),
            (with("config", json!("x")), "config", "an object"),
            (with("config", json!([])), "config", "an object"),
            (with("layers", json!({})), "layers", "expected a sequence"),
            (with("layers", json!([config, { "digest": "x", "size": 1 }])), "layers[1].digest", "digest"),
            (with("layers", json!([{ "digest": digest('a') }])), "layers[0]", "missing field `size`"),
            (with("subject", json!({ "digest": digest('a'), "size": -1 })), "subject.size", "-1"),
            (with("annotations", json!({ "a": 1 })), "annotations.a", "expected a string"),
        ] {
            let Err(Error::ManifestInvalid(why)) = Document::parse(Some(OCI_MANIFEST), payload.as_bytes(), false)
            else {
                panic!("{payload} was not refused")
            };
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
