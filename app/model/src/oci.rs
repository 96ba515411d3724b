//! Names of the OCI distribution specification, validated when parsed: repository, tag, digest and reference.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The maximum length of a path. Together with a host name it stays below the specification's 255 characters.
pub const MAX_NAME_LENGTH: usize = 200;

/// Why a name is invalid; the message says what is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// Not a repository name.
    #[error(
        "a repository name is lower-case letters and digits, with single . _ or __ or dashes between, in parts divided by slashes, {MAX_NAME_LENGTH} characters at most"
    )]
    Repository,
    /// Not a tag.
    #[error(
        "a tag is up to 128 letters, digits, dots, dashes and underscores, and starts with a letter, digit or underscore"
    )]
    Tag,
    /// Not a digest of a known algorithm.
    #[error("a digest is sha256: and 64, or sha512: and 128, lower-case hexadecimal digits")]
    Digest,
}

/// A repository's path, `namespace/name`, where `name` may contain slashes.
///
/// distribution-spec, "Pulling manifests": `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*`.
/// [`RepositoryName::parse`] keeps a name of one component as it is; [`RepositoryName::within_hub`] puts it into
/// `library/`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepositoryName(Box<str>);

impl RepositoryName {
    /// Parses a path of one or more components.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.len() > MAX_NAME_LENGTH || !text.split('/').all(is_component) {
            return Err(NameError::Repository);
        }
        Ok(Self(text.into()))
    }

    /// Returns the path as used by the hub, where a name of one component is `library/<name>`.
    #[must_use]
    pub fn within_hub(self) -> Self {
        if self.0.contains('/') { self } else { Self(format!("library/{}", self.0).into()) }
    }

    /// The whole path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first component, an account's or organisation's name; empty if there is only one.
    pub fn namespace(&self) -> &str {
        self.0.split_once('/').map_or("", |(namespace, _)| namespace)
    }

    /// Everything after the first component; the whole path if there is only one.
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or(&*self.0, |(_, name)| name)
    }
}

/// Whether it is a component: runs of `[a-z0-9]` separated by `.`, `_`, `__` or any number of `-`.
fn is_component(text: &str) -> bool {
    let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    if !bytes.first().is_some_and(alphanumeric) || !bytes.last().is_some_and(alphanumeric) {
        return false;
    }
    bytes
        .split(alphanumeric)
        .all(|separator| matches!(separator, b"" | b"." | b"_" | b"__") || separator.iter().all(|byte| *byte == b'-'))
}

/// A tag, `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}` in ASCII (distribution-spec, "Pulling manifests").
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag(Box<str>);

impl Tag {
    /// Parses a tag.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let starts = text.bytes().next().is_some_and(word);
        if !starts || text.len() > 128 || !text.bytes().all(|byte| word(byte) || byte == b'.' || byte == b'-') {
            return Err(NameError::Tag);
        }
        Ok(Self(text.into()))
    }

    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The digest of the image that a signature, attestation or SBOM with this tag is about: clients store them under
    /// `sha256-<hex>.sig`, `.att` and `.sbom`, and a list of referrers under `sha256-<hex>` (distribution-spec,
    /// "Referrers Tag Schema").
    pub fn subject(&self) -> Option<Digest> {
        let name = SUBJECT_SUFFIXES.iter().find_map(|suffix| self.0.strip_suffix(suffix)).unwrap_or(&self.0);
        let (algorithm, hex) = name.split_once('-')?;
        Digest::parse(&format!("{algorithm}:{hex}")).ok()
    }
}

/// The suffixes of tags of signatures, attestations and SBOMs.
const SUBJECT_SUFFIXES: [&str; 3] = [".sig", ".att", ".sbom"];

/// The algorithm of a digest (image-spec, "Registered algorithms").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// SHA-256, the usual one.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// Its name in a digest.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// The number of hexadecimal digits.
    pub const fn hex_length(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }
}

impl FromStr for Algorithm {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        [Self::Sha256, Self::Sha512].into_iter().find(|algorithm| algorithm.as_str() == text).ok_or(NameError::Digest)
    }
}

/// A content digest, `sha256:…` or `sha512:…`, in lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest {
    text: Box<str>,
    algorithm: Algorithm,
}

impl Digest {
    /// Parses a digest of a known algorithm.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let (algorithm, hex) = text.split_once(':').ok_or(NameError::Digest)?;
        let algorithm: Algorithm = algorithm.parse()?;
        let lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if hex.len() != algorithm.hex_length() || !hex.bytes().all(lower_hex) {
            return Err(NameError::Digest);
        }
        Ok(Self { text: text.into(), algorithm })
    }

    /// The whole digest with its algorithm.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The hexadecimal digits only.
    pub fn hex(&self) -> &str {
        self.text.split_once(':').map_or("", |(_, hex)| hex)
    }

    /// `sha256:` and the first twelve digits, for display.
    pub fn short(&self) -> &str {
        self.text.get(..self.algorithm.as_str().len() + 13).unwrap_or(&self.text)
    }
}

/// A reference to a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reference {
    /// By tag, which may move.
    Tag(Tag),
    /// By digest.
    Digest(Digest),
}

impl Reference {
    /// Parses a digest if there is a colon, otherwise a tag.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.contains(':') { Digest::parse(text).map(Self::Digest) } else { Tag::parse(text).map(Self::Tag) }
    }

    /// The text used in paths.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Tag(tag) => tag.as_str(),
            Self::Digest(digest) => digest.as_str(),
        }
    }
}

macro_rules! text {
    ($($name:ident => $parse:path;)*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                $parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                $parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.as_str().to_owned()
            }
        }
    )*};
}

text! {
    RepositoryName => RepositoryName::parse;
    Tag => Tag::parse;
    Digest => Digest::parse;
    Reference => Reference::parse;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn repository_names_follow_the_specification() {
        for good in ["a", "a/b", "a/b/c", "a__b/c", "a---b", "x.y_z-0/1", "a/blobs/b", "x/tags"] {
            assert!(RepositoryName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "/", "a/", "/a", "A/b", "a//b", "a..b", "a___b", "a._b", "-a", "a-", "a b", "a/b:c", "ä"] {
            assert!(RepositoryName::parse(bad).is_err(), "{bad}");
        }
        assert!(RepositoryName::parse(&"a".repeat(MAX_NAME_LENGTH + 1)).is_err());
    }

    #[test]
    fn a_one_word_name_belongs_to_the_library() {
        let name = RepositoryName::parse("busybox").unwrap().within_hub();
        assert_eq!((name.namespace(), name.name()), ("library", "busybox"));
        let deep = RepositoryName::parse("team/app/web").unwrap().within_hub();
        assert_eq!((deep.namespace(), deep.name()), ("team", "app/web"));
    }

    #[test]
    fn tags_are_ascii_and_short() {
        for good in ["latest", "_", "1.0", "A-b_c.d"] {
            assert!(Tag::parse(good).is_ok(), "{good}");
        }
        for bad in ["", ".a", "-a", "a/b", "é", "a b", &"a".repeat(129)] {
            assert!(Tag::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn digests_have_the_length_of_their_algorithm() {
        let digest = Digest::parse(&format!("sha256:{}", "0".repeat(64))).unwrap();
        assert_eq!(digest.short(), "sha256:000000000000");
        for bad in [
            "",
            "sha256:",
            "sha256:00",
            "md5:00",
            &format!("sha256:{}", "A".repeat(64)),
            &format!("sha512:{}", "0".repeat(64)),
        ] {
            assert!(Digest::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn names_round_trip(name in "[a-z0-9]{1,8}((\\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}(/[a-z0-9]{1,8}){0,3}") {
            let parsed = RepositoryName::parse(&name).unwrap();
            prop_assert_eq!(parsed.as_str(), &name);
            let json = serde_json::to_string(&parsed).unwrap();
            prop_assert_eq!(serde_json::from_str::<RepositoryName>(&json).unwrap(), parsed);
        }

        #[test]
        fn no_text_makes_the_parsers_panic(text in "\\PC{0,300}") {
            let _ = RepositoryName::parse(&text);
            let _ = Tag::parse(&text);
            let _ = Reference::parse(&text);
        }
    }
}
