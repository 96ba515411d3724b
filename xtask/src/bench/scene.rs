//! The content that is pushed to each server, an image with tags, and the requests of each workload for it.

use crate::bench::client::{Connection, Request};
use crate::bench::content::{self, Noise};
use crate::bench::push::{self, Part, Pusher};
use crate::bench::side::{NAMESPACE, Running};
use crate::bench::workload::Workload;
use crate::fault::Fault;

const CONFIG: &[u8] = br#"{"architecture":"amd64","os":"linux","config":{"Env":["PATH=/bin"]},"rootfs":{"type":"layers","diff_ids":[]},"history":[]}"#;
/// The number of small layers besides the large one, so that the manifest has a usual length.
const LAYERS: u64 = 4;
/// The size of the large layer in MiB.
pub(crate) const LARGE: u64 = 200;
/// The number of tags that our server accepts in one request.
const TAGS_AT_ONCE: usize = 100;

/// The repository that every server has. Private on our server.
const IMAGE: &str = "image";
/// A public repository, whose page is requested.
const SHOWN: &str = "shown";
/// A private repository with many tags.
const MANY: &str = "many";

/// The content that was pushed.
pub(crate) struct Scene {
    manifest_digest: String,
    blob: Part,
    large: Part,
    tags: usize,
    many: usize,
}

/// The numbers of tags.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tags {
    /// In the repository that every server has.
    pub(crate) each: usize,
    /// In the repository that only our server has.
    pub(crate) many: usize,
}

/// Returns the path of the repository that every server has.
pub(crate) fn repository() -> String {
    format!("{NAMESPACE}/{IMAGE}")
}

impl Scene {
    /// Pushes the image and its tags and, to our server, what only our server is asked for.
    pub(crate) fn push(running: &Running, noise: &Noise, tags: Tags) -> Result<Scene, Fault> {
        let mut pusher = Pusher::open(running, &repository())?;
        let (config, layers) = image(&mut pusher, noise)?;
        let large = noise.size(LARGE).blob(0);
        pusher.blob(&large)?;
        let large = (large.digest.clone(), large.length());
        let mut all = layers.clone();
        all.push(large.clone());
        let manifest = push::manifest(&config, &all);
        for number in 0..tags.each {
            pusher.manifest(&tag(number), &manifest)?;
        }
        let many = if running.secret.is_some() { tags.many } else { 0 };
        if let Some(secret) = &running.secret {
            show(running, secret, noise)?;
        }
        let scene = Scene {
            manifest_digest: content::digest_of(manifest.as_bytes()),
            blob: config,
            large,
            tags: tags.each,
            many,
        };
        scene.push_many(running, noise)?;
        Ok(scene)
    }

    /// Pushes an image with many tags, using our server's way of setting several tags in one request.
    fn push_many(&self, running: &Running, noise: &Noise) -> Result<(), Fault> {
        if self.many == 0 {
            return Ok(());
        }
        let mut pusher = Pusher::open(running, &format!("{NAMESPACE}/{MANY}"))?;
        let (config, layers) = image(&mut pusher, noise)?;
        let manifest = push::manifest(&config, &layers);
        let digest = content::digest_of(manifest.as_bytes());
        let numbers: Vec<usize> = (0..self.many).collect();
        for some in numbers.chunks(TAGS_AT_ONCE) {
            let query: Vec<String> = some.iter().map(|number| format!("tag={}", tag(*number))).collect();
            pusher.manifest(&format!("{digest}?{}", query.join("&")), &manifest)?;
        }
        Ok(())
    }

    /// Returns the request of a workload.
    pub(crate) fn request(&self, workload: Workload, running: &Running) -> Result<Request, Fault> {
        let image = repository();
        let open = |repository: &str| running.authorisation(repository);
        let accept = format!("Accept: {}\r\n", push::MANIFEST);
        let manifest = |reference: &str| -> Result<Request, Fault> {
            let path = format!("/v2/{image}/manifests/{reference}");
            Ok(Request::new("GET", &path, &format!("{accept}{}", open(&image)?)))
        };
        let blob = |method: &str, (digest, _): &Part| -> Result<Request, Fault> {
            Ok(Request::new(method, &format!("/v2/{image}/blobs/{digest}"), &open(&image)?))
        };
        let tags = |repository: &str, many: usize| -> Result<Request, Fault> {
            let path = format!("/v2/{repository}/tags/list?n=100&last={}", tag(many / 2));
            Ok(Request::new("GET", &path, &open(repository)?))
        };
        match workload {
            Workload::ManifestByDigest => manifest(&self.manifest_digest),
            Workload::ManifestByTag => manifest(&tag(0)),
            Workload::BlobHead => blob("HEAD", &self.blob),
            Workload::BlobGet => blob("GET", &self.large),
            Workload::Tags => tags(&image, self.tags),
            Workload::ManyTags => tags(&format!("{NAMESPACE}/{MANY}"), self.many),
            _ => Ok(Request::new("GET", &format!("/r/{NAMESPACE}/{SHOWN}"), "Accept: text/html\r\n")),
        }
    }
}

/// Pushes an image's config and small layers.
fn image(pusher: &mut Pusher, noise: &Noise) -> Result<(Part, Vec<Part>), Fault> {
    let config = pusher.bytes(CONFIG)?;
    let small = noise.size(0);
    let mut layers = Vec::new();
    for number in 1..=LAYERS {
        let layer = small.blob(number);
        pusher.blob(&layer)?;
        layers.push((layer.digest.clone(), layer.length()));
    }
    Ok((config, layers))
}

/// Creates the public repository with an image and some tags.
fn show(running: &Running, secret: &str, noise: &Noise) -> Result<(), Fault> {
    let body = format!(
        r#"{{"namespace":"{NAMESPACE}","name":"{SHOWN}","description":"An image to look at","visibility":"public"}}"#
    );
    let headers = format!(
        "Authorization: Bearer {secret}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
        body.len()
    );
    let answer = Connection::open(running.address)
        .and_then(|mut connection| {
            connection.read(&Request::new("POST", "/api/v1/repositories", &headers), body.as_bytes())
        })
        .map_err(|error| Fault::Bench { reason: format!("no repository: {error}") })?;
    if answer.status != 201 {
        let said = String::from_utf8_lossy(&answer.body);
        return Err(Fault::Bench { reason: format!("no repository: {} {said}", answer.status) });
    }
    let mut pusher = Pusher::open(running, &format!("{NAMESPACE}/{SHOWN}"))?;
    let (config, layers) = image(&mut pusher, noise)?;
    let manifest = push::manifest(&config, &layers);
    for number in 0..20 {
        pusher.manifest(&tag(number), &manifest)?;
    }
    Ok(())
}

/// Returns a tag; tags are sorted like their numbers.
fn tag(number: usize) -> String {
    format!("v{number:06}")
}
