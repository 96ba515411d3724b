//! What is there to be asked for: the same image on every server, its tags, and the requests of
//! each workload.

use crate::bench::client::{Connection, Request};
use crate::bench::content::{self, Noise};
use crate::bench::push::{self, Part, Pusher};
use crate::bench::side::{NAMESPACE, Running};
use crate::bench::workload::Workload;
use crate::fault::Fault;

const CONFIG: &[u8] = br#"{"architecture":"amd64","os":"linux","config":{"Env":["PATH=/bin"]},"rootfs":{"type":"layers","diff_ids":[]},"history":[]}"#;
/// Small layers beside the large one, so that the manifest is as long as most are.
const LAYERS: u64 = 4;
/// The large layer, in MiB.
pub(crate) const LARGE: u64 = 200;
/// How many tags one request may carry at our side.
const TAGS_AT_ONCE: usize = 100;

/// Private at our side.
const IMAGE: &str = "image";
/// Public: its page is what a visitor sees.
const SHOWN: &str = "shown";
/// Private, with many tags.
const MANY: &str = "many";

/// What was pushed.
pub(crate) struct Scene {
    manifest_digest: String,
    blob: Part,
    large: Part,
    tags: usize,
    many: usize,
}

/// How many tags there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tags {
    /// In the repository that every server has.
    pub(crate) each: usize,
    /// In the one that only ours has.
    pub(crate) many: usize,
}

/// The path of a repository that every server has.
pub(crate) fn repository() -> String {
    format!("{NAMESPACE}/{IMAGE}")
}

impl Scene {
    /// Pushes the image, its tags, and at our side what only ours is asked for.
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

    /// Hangs many tags on one image, which takes our side's way of putting several at once.
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

    /// The request that a workload repeats.
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

/// Pushes an image's small parts: its configuration and some layers.
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

/// Makes the public repository, with an image under some tags.
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

/// Tags in the order of their numbers.
fn tag(number: usize) -> String {
    format!("v{number:06}")
}
