//! Generates sample images: a tar for each layer, a config and a manifest for each platform, and an index.

use bytes::Bytes;
use data_encoding::HEXLOWER;
use model::oci::Digest;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::sample::Sample;

const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// The block size of tar.
const BLOCK: usize = 512;

/// Content with its digest.
pub(super) struct Content {
    pub(super) digest: Digest,
    pub(super) bytes: Bytes,
}

impl Content {
    fn new(bytes: impl Into<Bytes>) -> Option<Self> {
        let bytes = bytes.into();
        let hex = HEXLOWER.encode(&Sha256::digest(&bytes));
        Some(Self { digest: Digest::parse(&format!("sha256:{hex}")).ok()?, bytes })
    }

    fn descriptor(&self, media_type: &str) -> Value {
        json!({ "mediaType": media_type, "digest": self.digest, "size": self.bytes.len() })
    }
}

/// Everything needed for a tag, in the order to push it.
pub(super) struct Built {
    pub(super) blobs: Vec<Content>,
    pub(super) manifests: Vec<Content>,
    /// The index; `None` for a single platform.
    pub(super) index: Option<Content>,
}

/// Builds one version of a sample's image; `created` is in RFC 3339. Layers with the same step and size are identical
/// in all images, like shared base images.
pub(super) fn build(sample: &Sample, version: &str, created: &str) -> Option<Built> {
    let mut built = Built { blobs: Vec::new(), manifests: Vec::new(), index: None };
    let mut children = Vec::new();
    let last = sample.layers.len().saturating_sub(1);
    for platform in sample.platforms {
        let mut words = platform.split('/');
        let (os, architecture, variant) = (words.next()?, words.next()?, words.next());
        let mut layers = Vec::new();
        for (index, (step, size)) in sample.layers.iter().enumerate() {
            // Only the program itself differs between versions.
            let seed = if index == last { format!("{step}{platform}{version}") } else { format!("{step}{platform}") };
            layers.push(Content::new(layer(step, &seed, size * 1024))?);
        }
        let config = Content::new(config(sample, version, created, (os, architecture, variant), &layers).to_string())?;
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config.descriptor(CONFIG),
            "layers": layers.iter().map(|layer| layer.descriptor(LAYER)).collect::<Vec<_>>(),
        });
        let manifest = Content::new(manifest.to_string())?;
        let mut child = manifest.descriptor(MANIFEST);
        let mut platform = json!({ "os": os, "architecture": architecture });
        if let Some(variant) = variant {
            platform.as_object_mut()?.insert("variant".to_owned(), json!(variant));
        }
        child.as_object_mut()?.insert("platform".to_owned(), platform);
        children.push(child);
        built.blobs.extend(layers);
        built.blobs.push(config);
        built.manifests.push(manifest);
    }
    if children.len() > 1 {
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": children });
        built.index = Some(Content::new(index.to_string())?);
    }
    Some(built)
}

fn config(
    sample: &Sample,
    version: &str,
    created: &str,
    (os, architecture, variant): (&str, &str, Option<&str>),
    layers: &[Content],
) -> Value {
    let ports: serde_json::Map<String, Value> =
        sample.port.iter().map(|port| (format!("{port}/tcp"), json!({}))).collect();
    let mut history: Vec<Value> =
        sample.layers.iter().map(|(step, _)| json!({ "created": created, "created_by": step })).collect();
    let entrypoint = format!("ENTRYPOINT [\"{}\"]", sample.entrypoint);
    history.push(json!({ "created": created, "created_by": entrypoint, "empty_layer": true }));
    let mut config = json!({
        "created": created,
        "os": os,
        "architecture": architecture,
        "config": {
            "User": "65532:65532",
            "Env": ["PATH=/usr/local/bin:/usr/bin:/bin", format!("VERSION={version}")],
            "Entrypoint": [sample.entrypoint],
            "ExposedPorts": ports,
            "WorkingDir": "/",
            "Labels": {
                "org.opencontainers.image.title": sample.path,
                "org.opencontainers.image.version": version,
                "org.opencontainers.image.description": sample.description,
                "org.opencontainers.image.licenses": "Apache-2.0",
            },
        },
        "rootfs": { "type": "layers", "diff_ids": layers.iter().map(|layer| &layer.digest).collect::<Vec<_>>() },
        "history": history,
    });
    if let (Some(variant), Some(config)) = (variant, config.as_object_mut()) {
        config.insert("variant".to_owned(), json!(variant));
    }
    config
}

/// A tar with one file of about `size` bytes generated from `seed`.
fn layer(step: &str, seed: &str, size: usize) -> Vec<u8> {
    let name = step.split_whitespace().last().unwrap_or("file").trim_start_matches('/');
    let name = if name.is_empty() || name == "system" { "bin/harbour" } else { name };
    let mut content = Vec::with_capacity(size + BLOCK);
    let mut state = Sha256::digest(seed);
    while content.len() < size {
        // Half of it repeats, as in real programs.
        content.extend_from_slice(&state);
        content.extend_from_slice(&[0; 32]);
        state = Sha256::digest(state);
    }
    let mut tar = header(name, content.len());
    content.resize(content.len().next_multiple_of(BLOCK), 0);
    tar.append(&mut content);
    tar.resize(tar.len() + 2 * BLOCK, 0);
    tar
}

/// A file header in ustar format (POSIX.1-1988).
fn header(name: &str, size: usize) -> Vec<u8> {
    let mut block = Vec::with_capacity(BLOCK);
    let mut field = |text: String, width: usize| {
        let mut bytes = text.into_bytes();
        bytes.resize(width, 0);
        block.extend_from_slice(&bytes);
    };
    field(name.to_owned(), 100);
    field("0000755".to_owned(), 8);
    field("0000000".to_owned(), 8);
    field("0000000".to_owned(), 8);
    field(format!("{size:011o}"), 12);
    field("00000000000".to_owned(), 12);
    // The checksum is computed with spaces in its own field.
    field("        ".to_owned(), 8);
    field("0".to_owned(), 1);
    field(String::new(), 100);
    field("ustar".to_owned(), 6);
    field("00".to_owned(), 2);
    field(String::new(), BLOCK - 265);
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block.splice(148..156, format!("{sum:06o}\0 ").into_bytes());
    block
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::demo::sample::REPOSITORIES;

    #[test]
    fn a_layer_is_a_tar_of_one_file() {
        let tar = layer("COPY beacon /beacon", "seed", 1000);
        assert_eq!(tar.len() % BLOCK, 0);
        assert_eq!((&tar[..6], &tar[257..262]), (&b"beacon"[..], &b"ustar"[..]));
        let told = u32::from_str_radix(std::str::from_utf8(&tar[148..154]).unwrap(), 8).unwrap();
        let sum: u32 = tar[..BLOCK]
            .iter()
            .enumerate()
            .map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u32::from(*byte) })
            .sum();
        assert_eq!(told, sum);
    }

    #[test]
    fn images_of_one_base_share_its_layer() {
        let [first, second] = ["ada/tidewatch", "ines/sextant"].map(|path| {
            let sample = REPOSITORIES.iter().find(|sample| sample.path == path).unwrap();
            build(sample, "1", "2026-01-01T00:00:00Z").unwrap()
        });
        assert_eq!(first.blobs[0].digest, second.blobs[0].digest);
        assert_ne!(first.manifests[0].digest, second.manifests[0].digest);
        assert_eq!(first.manifests.len(), 2);
        assert!(first.index.is_some());
    }
}
