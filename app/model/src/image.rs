//! Tags and images as people see them: platforms, config, layers, referrers.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::oci;

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Tag {
    /// Its name.
    pub name: oci::Tag,
    /// The digest of its manifest.
    pub digest: oci::Digest,
    /// The manifest's media type.
    pub media_type: String,
    /// The artifact type, or the media type of the config if the manifest states no artifact type; `null` for an index
    /// that states none.
    pub artifact_type: Option<String>,
    /// The size in bytes of the manifest and everything it refers to; each blob counts once.
    pub size: u64,
    /// The platforms of the image, or of the images of the index, such as `linux/amd64` or `linux/arm64/v8`.
    pub platforms: Vec<String>,
    /// When it was last created or moved.
    pub pushed_at: Timestamp,
    /// When it was last pulled; `null` if never.
    pub pulled_at: Option<Timestamp>,
}

/// The order of a list of tags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum TagSort {
    /// Most recently pushed first.
    #[default]
    Newest,
    /// By name.
    Name,
    /// Highest version first, then tags that are not versions, by name.
    Version,
    /// Largest first.
    Size,
}

impl TagSort {
    /// All orders.
    pub const ALL: [Self; 4] = [Self::Newest, Self::Name, Self::Version, Self::Size];

    /// The name used in URLs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Name => "name",
            Self::Version => "version",
            Self::Size => "size",
        }
    }
}

/// An image, or an index of images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Image {
    /// Its digest.
    pub digest: oci::Digest,
    /// The manifest's media type.
    pub media_type: String,
    /// The artifact type, or the media type of the config if the manifest states no artifact type; `null` for an index
    /// that states none.
    pub artifact_type: Option<String>,
    /// The manifest that this one is about, such as the image that a signature signs; it may not exist.
    pub subject: Option<oci::Digest>,
    /// The size in bytes of the manifest and everything it refers to; each blob counts once.
    pub size: u64,
    /// The tags that point at it, by name, at most 1000.
    pub tags: Vec<oci::Tag>,
    /// When it was pushed.
    pub pushed_at: Timestamp,
    /// The images of an index; empty for an image.
    pub platforms: Vec<PlatformImage>,
    /// The config of an image; `null` for an index, and until the image has been inspected.
    pub config: Option<ImageConfig>,
    /// The layers of an image, lowest first, or the files of another artifact; empty until it has been inspected.
    pub layers: Vec<Layer>,
    /// Signatures, SBOMs and other manifests with this one as their subject, at most 100.
    pub referrers: Vec<Referrer>,
    /// The manifest's annotations, as pairs of name and value.
    pub annotations: Vec<(String, String)>,
}

/// An image in an index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlatformImage {
    /// The platform, such as `linux/arm64/v8`; `unknown/unknown` for attestations, empty if not known.
    pub platform: String,
    /// The image's digest.
    pub digest: oci::Digest,
    /// The size in bytes of the image's manifest and everything it refers to.
    pub size: u64,
}

/// The contents of an image's config (image-spec, "Image Configuration").
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct ImageConfig {
    /// The platform, such as `linux/amd64`; empty if not known.
    pub platform: String,
    /// When the image was built, if known.
    pub created: Option<Timestamp>,
    /// The entry point and its arguments.
    pub entrypoint: Vec<String>,
    /// The default arguments of the entry point, or the default command if there is no entry point.
    pub cmd: Vec<String>,
    /// Environment variables as `NAME=value`.
    pub env: Vec<String>,
    /// Exposed ports such as `80/tcp`.
    pub ports: Vec<String>,
    /// The mount points of volumes.
    pub volumes: Vec<String>,
    /// The user, or user and group, that the image runs as, such as `1000:1000`.
    pub user: String,
    /// The working directory.
    pub working_dir: String,
    /// Labels, as pairs of name and value.
    pub labels: Vec<(String, String)>,
}

/// Formats a platform such as `linux/arm64/v8`; the variant may be empty.
pub fn platform(os: &str, architecture: &str, variant: &str) -> String {
    if variant.is_empty() { format!("{os}/{architecture}") } else { format!("{os}/{architecture}/{variant}") }
}

/// A layer of an image, or a file of another artifact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Layer {
    /// The compressed blob's digest.
    pub digest: oci::Digest,
    /// The blob's media type.
    pub media_type: String,
    /// Its compressed size in bytes.
    pub size: u64,
    /// The command that created it, from the image's history; empty if unknown.
    pub created_by: String,
    /// The name of the file, from the annotation `org.opencontainers.image.title`; empty if there is none.
    #[serde(default)]
    pub title: String,
}

/// A manifest that refers to another one as its subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Referrer {
    /// Its digest.
    pub digest: oci::Digest,
    /// Its artifact type, such as `application/vnd.dev.cosign.artifact.sig.v1+json`; otherwise its media type.
    pub artifact_type: String,
    /// The size of the manifest in bytes.
    pub size: u64,
}
