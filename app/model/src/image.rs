//! Tags and images as people look at them: platforms, configuration, layers, referrers.
//! How they are stored and who may see them is not known here.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::oci;

/// A tag as a list shows it; the `Tag` of the REST contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Tag {
    /// The tag.
    pub name: oci::Tag,
    /// What it points at now.
    pub digest: oci::Digest,
    /// The manifest's media type.
    pub media_type: String,
    /// Bytes of the manifest and all it refers to, each blob once.
    pub size: u64,
    /// As `linux/amd64` or `linux/arm64/v8`.
    pub platforms: Vec<String>,
    /// When it was last moved or made.
    pub pushed_at: Timestamp,
    /// When it was last pulled.
    pub pulled_at: Option<Timestamp>,
}

/// How a list of tags is ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum TagSort {
    /// Last pushed first.
    #[default]
    Newest,
    /// By name.
    Name,
    /// The highest version first, then what is no version, by name.
    Version,
    /// Largest first.
    Size,
}

impl TagSort {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Newest, Self::Name, Self::Version, Self::Size];

    /// The word, as in a URL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Name => "name",
            Self::Version => "version",
            Self::Size => "size",
        }
    }
}

/// One image, or an index of several; the answer to `GET …/-/manifests/{digest}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Image {
    /// Its digest.
    pub digest: oci::Digest,
    /// The manifest's media type.
    pub media_type: String,
    /// The artifact type, where it is not an ordinary image.
    pub artifact_type: Option<String>,
    /// Bytes of the manifest and all it refers to, each blob once.
    pub size: u64,
    /// The tags that point at it.
    pub tags: Vec<oci::Tag>,
    /// When it was pushed.
    pub pushed_at: Timestamp,
    /// The images of an index; empty for a single image.
    pub platforms: Vec<PlatformImage>,
    /// The configuration of a single image; absent for an index or until it was inspected.
    pub config: Option<ImageConfig>,
    /// The layers of a single image, lowest first.
    pub layers: Vec<Layer>,
    /// Signatures, SBOMs and whatever else names this as its subject.
    pub referrers: Vec<Referrer>,
    /// The manifest's annotations.
    pub annotations: Vec<(String, String)>,
}

/// One platform's image in an index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlatformImage {
    /// As `linux/arm64/v8`; `unknown/unknown` for attestations.
    pub platform: String,
    /// The image's digest.
    pub digest: oci::Digest,
    /// Bytes of the image and all it refers to.
    pub size: u64,
}

/// What an image's configuration says (image-spec, "Image Configuration").
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct ImageConfig {
    /// As `linux/amd64`.
    pub platform: String,
    /// When the image was built.
    pub created: Option<Timestamp>,
    /// The entry point's words.
    pub entrypoint: Vec<String>,
    /// The command's words.
    pub cmd: Vec<String>,
    /// `NAME=value` each.
    pub env: Vec<String>,
    /// As `80/tcp`.
    pub ports: Vec<String>,
    /// Mount points.
    pub volumes: Vec<String>,
    /// User, or user and group.
    pub user: String,
    /// The directory it starts in.
    pub working_dir: String,
    /// Labels, by name.
    pub labels: Vec<(String, String)>,
}

/// One layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Layer {
    /// The compressed blob's digest.
    pub digest: oci::Digest,
    /// The blob's media type.
    pub media_type: String,
    /// Bytes, compressed.
    pub size: u64,
    /// The command that made it, as the history says; empty when it says nothing.
    pub created_by: String,
}

/// A manifest that names another as its subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Referrer {
    /// Its digest.
    pub digest: oci::Digest,
    /// What it is, such as `application/vnd.dev.cosign.artifact.sig.v1+json`.
    pub artifact_type: String,
    /// Bytes of the manifest.
    pub size: u64,
}
