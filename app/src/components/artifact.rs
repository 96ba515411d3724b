//! Artifacts that are not container images: their kinds, and the commands that pull them.

use leptos::prelude::*;
use model::image::Image;
use model::oci::{Digest, Reference};

use crate::texts::text;

/// The kind of an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Artifact {
    /// A Helm chart.
    Chart,
    /// A signature of an image.
    Signature,
    /// A signed statement about an image.
    Attestation,
    /// A list of the software in an image.
    Sbom,
    /// Anything else.
    Other,
}

impl Artifact {
    /// The kind for an artifact type or a config's media type; `None` for a container image.
    pub(crate) fn of(artifact_type: &str) -> Option<Self> {
        let has = |parts: &[&str]| parts.iter().any(|part| artifact_type.contains(part));
        match artifact_type {
            "application/vnd.oci.image.config.v1+json"
            | "application/vnd.docker.container.image.v1+json"
            | "application/vnd.docker.plugin.v1+json" => None,
            "application/vnd.cncf.helm.config.v1+json" => Some(Self::Chart),
            _ if has(&["spdx", "cyclonedx", ".sbom."]) => Some(Self::Sbom),
            _ if has(&["in-toto", "attestation", ".att.", "dsse"]) => Some(Self::Attestation),
            _ if has(&["cosign", "sigstore", "notary", "signature"]) => Some(Self::Signature),
            _ => Some(Self::Other),
        }
    }

    /// The kind of a manifest; `None` for a container image or an index of them. Some clients store signatures and
    /// attestations with the config of an image; their layers say what they are.
    pub(crate) fn of_image(image: &Image) -> Option<Self> {
        image.artifact_type.as_deref().and_then(Self::of).or_else(|| {
            let signed = |media_type: &str| match media_type {
                "application/vnd.dev.cosign.simplesigning.v1+json" => Some(Self::Signature),
                "application/vnd.in-toto+json" | "application/vnd.dsse.envelope.v1+json" => Some(Self::Attestation),
                _ => None,
            };
            image.layers.iter().find_map(|layer| signed(&layer.media_type))
        })
    }

    /// Its name; `None` for an unknown kind.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::Chart => Some(text!(image.chart)),
            Self::Signature => Some(text!(image.signature)),
            Self::Attestation => Some(text!(image.attestation)),
            Self::Sbom => Some(text!(image.sbom)),
            Self::Other => None,
        }
    }

    /// The clients that pull it, with their commands. `repository` is host and path, `subject` the image it is about.
    pub(crate) fn clients(
        self,
        repository: &str,
        reference: &Reference,
        subject: Option<&Digest>,
    ) -> Vec<(&'static str, String)> {
        let whole = address(repository, reference);
        let own = match (self, reference, subject) {
            // Helm stores the `+` of a version as `_`, which tags can contain.
            (Self::Chart, Reference::Tag(tag), _) => {
                let version = tag.as_str().replace('_', "+");
                Some(("helm", format!("helm pull oci://{repository} --version {version}")))
            }
            (Self::Chart, Reference::Digest(_), _) => Some(("helm", format!("helm pull oci://{whole}"))),
            (Self::Signature, _, Some(subject)) => {
                Some(("cosign", format!("cosign download signature {repository}@{subject}")))
            }
            (Self::Attestation, _, Some(subject)) => {
                Some(("cosign", format!("cosign download attestation {repository}@{subject}")))
            }
            _ => None,
        };
        own.into_iter().chain([("oras", format!("oras pull {whole}"))]).collect()
    }
}

/// The address of a tag or digest. `repository` is host and path.
pub(crate) fn address(repository: &str, reference: &Reference) -> String {
    match reference {
        Reference::Tag(tag) => format!("{repository}:{tag}"),
        Reference::Digest(digest) => format!("{repository}@{digest}"),
    }
}

/// The type of an artifact, with a short name if it is known.
pub(crate) fn kind(artifact_type: &str) -> AnyView {
    match Artifact::of(artifact_type).and_then(Artifact::name) {
        Some(word) => {
            view! { <b>{word}</b> " " <span class="faint small mono">{artifact_type.to_owned()}</span> }.into_any()
        }
        None => view! { <span class="mono small">{artifact_type.to_owned()}</span> }.into_any(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_artifact_is_named_by_its_type_and_a_container_image_is_none() {
        for (artifact_type, expected) in [
            ("application/vnd.oci.image.config.v1+json", None),
            ("application/vnd.docker.container.image.v1+json", None),
            ("application/vnd.cncf.helm.config.v1+json", Some(Artifact::Chart)),
            ("application/vnd.dev.cosign.artifact.sig.v1+json", Some(Artifact::Signature)),
            ("application/vnd.dev.sigstore.bundle.v0.3+json", Some(Artifact::Signature)),
            ("application/vnd.cncf.notary.signature", Some(Artifact::Signature)),
            ("application/vnd.in-toto+json", Some(Artifact::Attestation)),
            ("application/vnd.docker.attestation.manifest.v1+json", Some(Artifact::Attestation)),
            ("application/spdx+json", Some(Artifact::Sbom)),
            ("application/vnd.cyclonedx+json", Some(Artifact::Sbom)),
            ("application/vnd.oci.empty.v1+json", Some(Artifact::Other)),
            ("application/vnd.wasm.config.v0+json", Some(Artifact::Other)),
        ] {
            assert_eq!(Artifact::of(artifact_type), expected, "{artifact_type}");
        }
    }

    #[test]
    fn each_kind_is_pulled_by_its_own_client() {
        let subject = Digest::parse(&format!("sha256:{}", "a".repeat(64))).unwrap();
        let tag = Reference::parse("1.2.3_up4.10").unwrap();
        let commands = |artifact: Artifact, reference: &Reference, subject| {
            let clients = artifact.clients("hub:5000/a/b", reference, subject);
            clients.into_iter().map(|(_, command)| command).collect::<Vec<_>>()
        };
        let oras = "oras pull hub:5000/a/b:1.2.3_up4.10".to_owned();
        assert_eq!(
            commands(Artifact::Chart, &tag, None),
            ["helm pull oci://hub:5000/a/b --version 1.2.3+up4.10".to_owned(), oras.clone()]
        );
        assert_eq!(commands(Artifact::Other, &tag, Some(&subject)), [oras.as_str()]);
        assert_eq!(commands(Artifact::Signature, &tag, None), [oras]);
        let digest = Reference::Digest(subject.clone());
        assert_eq!(commands(Artifact::Chart, &digest, None)[0], format!("helm pull oci://hub:5000/a/b@{subject}"));
        for (artifact, what) in [(Artifact::Signature, "signature"), (Artifact::Attestation, "attestation")] {
            let expected = format!("cosign download {what} hub:5000/a/b@{subject}");
            assert_eq!(commands(artifact, &digest, Some(&subject))[0], expected);
        }
    }
}
