//! Lenient parser for manifests and image configs: builders omit fields, write null and add their own (image-spec,
//! "Image Manifest", "Image Index", "Image Configuration").

use model::clock::Timestamp;
use model::image::{ImageConfig, Layer};
use model::oci::Digest;
use serde_json::{Map, Value};

/// The longest platform stored, in bytes.
const MAX_PLATFORM: usize = 100;
/// The longest media type stored, in bytes (RFC 6838, section 4.2: two names of 127 characters).
const MAX_MEDIA_TYPE: usize = 255;
/// The longest file name stored, in bytes.
const MAX_TITLE: usize = 255;
/// The most bytes stored of a config: of its own texts, and of the commands that created layers.
const MAX_TEXT: usize = 64 << 10;
/// The most bytes stored of the command that created a layer.
const MAX_COMMAND: usize = 4 << 10;
/// The most entries stored of a list in a config, and the most layers.
const MAX_ENTRIES: usize = 1_000;

/// A manifest or an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Manifest {
    /// An index.
    Index(Vec<Child>),
    /// An image manifest.
    Image(ImageManifest),
}

/// A manifest that an index lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Child {
    pub(super) digest: Digest,
    /// Its platform such as `linux/arm64/v8`, if stated.
    pub(super) platform: Option<String>,
}

/// The manifest of an image or other artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ImageManifest {
    pub(super) config: Digest,
    pub(super) config_type: String,
    /// Its `artifactType`; empty if it states none.
    pub(super) artifact_type: String,
    pub(super) layers: Vec<Layer>,
}

impl ImageManifest {
    /// Whether it is a container image, and not a chart, a signature or another artifact. Some artifacts have an empty
    /// config of a container image, and state their own type.
    pub(super) fn is_container_image(&self) -> bool {
        let is_image = matches!(
            self.config_type.as_str(),
            "application/vnd.oci.image.config.v1+json" | "application/vnd.docker.container.image.v1+json"
        );
        is_image && (self.artifact_type.is_empty() || self.artifact_type == self.config_type)
    }
}

/// The contents of a config, with the layers and the commands that created them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct InspectedImage {
    pub(super) config: ImageConfig,
    pub(super) layers: Vec<Layer>,
}

/// Parses a manifest; `None` if it is neither kind.
pub(super) fn manifest(payload: &[u8]) -> Option<Manifest> {
    let root: Map<String, Value> = serde_json::from_slice(payload).ok()?;
    if let Some(Value::Array(children)) = root.get("manifests") {
        return Some(Manifest::Index(children.iter().filter_map(child).collect()));
    }
    let config = root.get("config")?;
    let layers = root.get("layers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    Some(Manifest::Image(ImageManifest {
        config: digest(config)?,
        config_type: text(config, "mediaType"),
        artifact_type: root.get("artifactType").and_then(Value::as_str).unwrap_or_default().to_owned(),
        layers: layers.iter().filter_map(layer).collect(),
    }))
}

/// Parses a config; an invalid one gives only the layers. What is stored is bounded: texts that do not fit are left out.
pub(super) fn config(bytes: &[u8], layers: &[Layer]) -> InspectedImage {
    let root: Value = serde_json::from_slice(bytes).unwrap_or(Value::Null);
    let inner = root.get("config").unwrap_or(&Value::Null);
    let mut space = Space(MAX_TEXT);
    let config = ImageConfig {
        platform: platform(&root),
        created: Timestamp::parse_rfc3339(&text(&root, "created")),
        user: space.take(text(inner, "User")).unwrap_or_default(),
        working_dir: space.take(text(inner, "WorkingDir")).unwrap_or_default(),
        entrypoint: space.take_all(texts(inner, "Entrypoint")),
        cmd: space.take_all(texts(inner, "Cmd")),
        ports: space.take_all(keys(inner, "ExposedPorts")),
        volumes: space.take_all(keys(inner, "Volumes")),
        env: space.take_all(texts(inner, "Env")),
        labels: space.take_all(labels(inner)),
    };
    let mut layers: Vec<Layer> = layers.iter().take(MAX_ENTRIES).cloned().collect();
    let steps = root.get("history").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let made: Vec<&Value> = steps.iter().filter(|step| step.get("empty_layer") != Some(&Value::Bool(true))).collect();
    // A history that does not cover each layer could only be matched by guessing.
    if made.len() == layers.len() {
        let mut space = Space(MAX_TEXT);
        for (layer, step) in layers.iter_mut().zip(made) {
            let command = text(step, "created_by");
            let end = command.floor_char_boundary(MAX_COMMAND);
            layer.created_by = space.take(command.get(..end).unwrap_or_default().to_owned()).unwrap_or_default();
        }
    }
    InspectedImage { config, layers }
}

/// The number of bytes that may still be stored.
struct Space(usize);

impl Space {
    /// Returns the item if it fits.
    fn take<T: Length>(&mut self, item: T) -> Option<T> {
        self.0 = self.0.checked_sub(item.length())?;
        Some(item)
    }

    /// Returns the first items, as many as fit.
    fn take_all<T: Length>(&mut self, items: Vec<T>) -> Vec<T> {
        items.into_iter().take(MAX_ENTRIES).map_while(|item| self.take(item)).collect()
    }
}

/// The length of an item in bytes.
trait Length {
    fn length(&self) -> usize;
}

impl Length for String {
    fn length(&self) -> usize {
        self.len()
    }
}

impl Length for (String, String) {
    fn length(&self) -> usize {
        self.0.len() + self.1.len()
    }
}

fn child(descriptor: &Value) -> Option<Child> {
    let platform = descriptor.get("platform").map(platform).filter(|platform| !platform.is_empty());
    Some(Child { digest: digest(descriptor)?, platform })
}

fn layer(descriptor: &Value) -> Option<Layer> {
    let media_type = text(descriptor, "mediaType");
    let annotations = descriptor.get("annotations").unwrap_or(&Value::Null);
    let title = text(annotations, "org.opencontainers.image.title");
    Some(Layer {
        digest: digest(descriptor)?,
        media_type: if media_type.len() <= MAX_MEDIA_TYPE { media_type } else { String::new() },
        size: descriptor.get("size").and_then(Value::as_u64).unwrap_or(0),
        created_by: String::new(),
        title: if title.len() <= MAX_TITLE { title } else { String::new() },
    })
}

fn digest(descriptor: &Value) -> Option<Digest> {
    Digest::parse(descriptor.get("digest")?.as_str()?).ok()
}

/// `os/architecture` with the variant, if any; empty if one of the first two is missing or malformed.
fn platform(of: &Value) -> String {
    let (os, architecture, variant) = (text(of, "os"), text(of, "architecture"), text(of, "variant"));
    if os.is_empty() || architecture.is_empty() {
        return String::new();
    }
    let platform = model::image::platform(&os, &architecture, &variant);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    if platform.len() <= MAX_PLATFORM && platform.bytes().all(plain) { platform } else { String::new() }
}

fn text(of: &Value, name: &str) -> String {
    of.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A list of strings; a single string counts as a list, as old builders write it.
fn texts(of: &Value, name: &str) -> Vec<String> {
    match of.get(name) {
        Some(Value::String(word)) => vec![word.clone()],
        Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn keys(of: &Value, name: &str) -> Vec<String> {
    of.get(name).and_then(Value::as_object).map(|object| object.keys().cloned().collect()).unwrap_or_default()
}

fn labels(of: &Value) -> Vec<(String, String)> {
    let labels = of.get("Labels").and_then(Value::as_object).into_iter().flatten();
    labels.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn hex(digit: char) -> String {
        format!("sha256:{}", digit.to_string().repeat(64))
    }

    fn two_layers() -> Vec<Layer> {
        ['1', '2']
            .map(|digit| Layer {
                digest: Digest::parse(&hex(digit)).unwrap(),
                media_type: "application/vnd.oci.image.layer.v1.tar+gzip".into(),
                size: 5,
                created_by: String::new(),
                title: String::new(),
            })
            .to_vec()
    }

    #[test]
    fn steps_that_made_no_layer_are_passed_over() {
        let bytes = json!({
            "os": "linux", "architecture": "arm64", "variant": "v8", "created": "2026-01-02T03:04:05Z",
            "config": {"Entrypoint": ["/run"], "Cmd": null, "Env": ["A=b"], "ExposedPorts": {"80/tcp": {}},
                "Labels": {"maintainer": "me"}, "User": "1000:1000"},
            "history": [{"created_by": "ADD a"}, {"created_by": "ENV A=b", "empty_layer": true}, {"created_by": "RUN b"}],
        });
        let seen = config(bytes.to_string().as_bytes(), &two_layers());
        assert_eq!(seen.config.platform, "linux/arm64/v8");
        assert_eq!(seen.config.entrypoint, ["/run"]);
        assert!(seen.config.cmd.is_empty());
        assert_eq!(seen.config.ports, ["80/tcp"]);
        assert_eq!(seen.config.labels, [("maintainer".to_owned(), "me".to_owned())]);
        let commands: Vec<&str> = seen.layers.iter().map(|layer| layer.created_by.as_str()).collect();
        assert_eq!(commands, ["ADD a", "RUN b"]);
    }

    #[test]
    fn a_history_that_does_not_fit_names_no_layer() {
        let bytes = json!({"history": [{"created_by": "ADD a"}]});
        let seen = config(bytes.to_string().as_bytes(), &two_layers());
        assert!(seen.layers.iter().all(|layer| layer.created_by.is_empty()));
    }

    #[test]
    fn an_index_names_its_images_and_their_platforms() {
        let payload = json!({"schemaVersion": 2, "manifests": [
            {"digest": hex('a'), "size": 1, "platform": {"os": "linux", "architecture": "amd64"}},
            {"digest": hex('b'), "size": 1},
            {"digest": "nonsense", "size": 1},
        ]});
        let Some(Manifest::Index(children)) = manifest(payload.to_string().as_bytes()) else { panic!("not an index") };
        let platforms: Vec<Option<&str>> = children.iter().map(|child| child.platform.as_deref()).collect();
        assert_eq!(platforms, [Some("linux/amd64"), None]);
    }

    #[test]
    fn a_strange_platform_is_none() {
        let bytes = json!({"os": "li\u{0}nux", "architecture": "amd64"});
        assert_eq!(config(bytes.to_string().as_bytes(), &[]).config.platform, "");
    }

    #[test]
    fn what_is_stored_of_a_config_is_bounded() {
        let long = "x".repeat(1 << 20);
        let many: Vec<String> = (0..100_000).map(|number| format!("A{number}={}", "y".repeat(20))).collect();
        let labels: Map<String, Value> = (0..200).map(|number| (format!("l{number}"), json!(long))).collect();
        for inner in [
            json!({"Env": many, "Cmd": many, "Entrypoint": [long], "User": long, "WorkingDir": long}),
            json!({"Labels": labels, "Env": [long, long]}),
            json!({"ExposedPorts": {long.clone(): {}}, "Volumes": {long.clone(): {}}}),
        ] {
            let bytes = json!({"os": "linux", "architecture": "amd64", "config": inner,
                "history": [{"created_by": long}, {"created_by": "RUN b"}]});
            let seen = config(bytes.to_string().as_bytes(), &two_layers());
            let stored = serde_json::to_string(&seen.config).unwrap().len();
            assert!(stored < 2 * MAX_TEXT, "{stored}");
            assert_eq!(seen.layers[0].created_by.len(), MAX_COMMAND);
            assert_eq!(seen.layers[1].created_by, "RUN b");
            assert_eq!(seen.config.platform, "linux/amd64");
        }
        let layer = two_layers().remove(0);
        assert_eq!(config(b"{}", &vec![layer; 8_192]).layers.len(), MAX_ENTRIES);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_readers_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = manifest(&bytes);
            let _ = config(&bytes, &[]);
        }
    }
}
