//! Adds the sample content to an empty hub. Everyone acts as themselves, with permits and pushes.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use model::account::{ProfilePatch, SignUp};
use model::comment::NewComment;
use model::oci::{Algorithm, Digest, Reference, RepositoryName, Tag};
use model::repository::{NewRepository, RepositoryPatch};
use registry::ledger::Place;
use registry::{AuthorizedRequest, Operation};
use store::Pulls;
use store::access::{self, Manage, See, Star, System, Viewer};

use super::DemoClock;
use super::image::{self, Content};
use super::sample::{PASSWORD, PEOPLE, REPOSITORIES, Sample};
use crate::cli::{Error, OpenedHub};
use crate::state::State;
use crate::v2::caller::place;

/// The time between two pushes.
const BETWEEN: Duration = Duration::from_hours(55);

/// Fills a hub without accounts; any other is left unchanged.
pub(super) async fn fill(opened: &OpenedHub, story: &DemoClock) -> Result<(), Error> {
    let (state, system) = (&opened.state, &opened.system);
    if state.store.setup_secret().await.map_err(Error::Store)?.is_none() {
        return Ok(());
    }
    let people = people(state, system).await?;
    for sample in &REPOSITORIES {
        let owner = person(&people, sample.owner)?;
        let path = RepositoryName::parse(sample.path).map_err(broken)?;
        make(state, owner, sample, &path).await?;
    }
    // All push a first version before anyone pushes a second, so that no list is sorted by owner.
    let mut pushed = PushedBlobs::default();
    let rounds = REPOSITORIES.iter().map(|sample| sample.tags.len()).max().unwrap_or(0);
    for round in 0..rounds {
        for sample in &REPOSITORIES {
            let Some(tag) = sample.tags.get(round) else { continue };
            push(state, person(&people, sample.owner)?, sample, tag, &mut pushed).await?;
            story.pass(BETWEEN);
        }
    }
    for sample in &REPOSITORIES {
        talk(system, &people, sample).await?;
        story.pass(Duration::from_hours(3));
    }
    Ok(())
}

/// Returns the error for a mistake in the sample content. A test creates the whole sample, so it should not occur.
fn broken(error: impl std::fmt::Display) -> Error {
    Error::Input(format!("the sample content is broken: {error}"))
}

fn person<'a>(people: &'a HashMap<&str, Viewer>, name: &str) -> Result<&'a Viewer, Error> {
    people.get(name).ok_or_else(|| broken(name))
}

async fn people(state: &State, system: &System) -> Result<HashMap<&'static str, Viewer>, Error> {
    let operator = system.viewer("demo");
    let mut people = HashMap::new();
    for (number, person) in PEOPLE.iter().enumerate() {
        let form = SignUp {
            name: person.name.to_owned(),
            email: format!("{}@harbour.example", person.name),
            password: PASSWORD.to_owned(),
            invitation: None,
        };
        state.store.create_account(&operator, &form, number == 0).await.map_err(Error::of_store)?;
        let viewer = state.store.act_for(system, person.name).await.map_err(Error::of_store)?;
        let profile =
            ProfilePatch { display_name: Some(person.display_name.to_owned()), bio: Some(person.bio.to_owned()) };
        state.store.update_profile(&viewer, &profile).await.map_err(Error::of_store)?;
        people.insert(person.name, viewer);
    }
    Ok(people)
}

async fn make(state: &State, owner: &Viewer, sample: &Sample, name: &RepositoryName) -> Result<(), Error> {
    let form = NewRepository {
        namespace: name.namespace().to_owned(),
        name: name.name().to_owned(),
        description: sample.description.to_owned(),
        visibility: Some(sample.visibility),
    };
    state.store.create_repository(owner, &form).await.map_err(Error::of_store)?;
    let permit = state.store.permit::<Manage>(owner, name).await.map_err(Error::of_store)?;
    let texts = RepositoryPatch {
        overview: Some(sample.readme.to_owned()),
        topics: Some(sample.topics.iter().map(|topic| (*topic).to_owned()).collect()),
        ..RepositoryPatch::default()
    };
    state.store.update_repository(&permit, &texts).await.map_err(Error::of_store)?;
    for (whom, role) in sample.collaborators {
        state.store.set_collaborator(&permit, whom, *role).await.map_err(Error::of_store)?;
    }
    Ok(())
}

/// The repositories that have each blob, so that none is sent twice.
type PushedBlobs = HashMap<Digest, Vec<Place>>;

async fn push(
    state: &State,
    owner: &Viewer,
    sample: &Sample,
    tag: &str,
    pushed: &mut PushedBlobs,
) -> Result<(), Error> {
    let path = RepositoryName::parse(sample.path).map_err(broken)?;
    let now = state.clock.now();
    let permit = state.store.push_permit(owner, &path, now).await.map_err(Error::of_store)?;
    let place = place(&permit);
    // A moving tag points at the version pushed before it.
    let version = match sample.tags.iter().position(|name| *name == tag) {
        Some(at) if !tag.contains('.') && at > 0 => {
            sample.tags.get(..at).unwrap_or_default().iter().rev().find(|name| name.contains('.')).unwrap_or(&tag)
        }
        _ => tag,
    };
    let image = image::build(sample, version, &now.rfc3339()).ok_or_else(|| broken(sample.path))?;
    for blob in &image.blobs {
        let places = pushed.entry(blob.digest.clone()).or_default();
        if places.iter().any(|known| known.id == place.id) {
            continue;
        }
        let (digest, algorithm) = (blob.digest.clone(), Algorithm::Sha256);
        if let Some(from) = places.first() {
            let operation = Operation::MountBlob { digest, from: Some(from.name.clone()), algorithm };
            send(state, &place, Some(from), operation, HeaderMap::new(), Bytes::new()).await?;
        } else {
            let operation = Operation::StartUpload { digest: Some(digest), algorithm };
            send(state, &place, None, operation, HeaderMap::new(), blob.bytes.clone()).await?;
        }
        places.push(place.clone());
    }
    let tag = Tag::parse(tag).map_err(broken)?;
    match &image.index {
        None => {
            for manifest in &image.manifests {
                put(state, &place, Reference::Tag(tag.clone()), image::MANIFEST, manifest).await?;
            }
        }
        Some(index) => {
            for manifest in &image.manifests {
                let reference = Reference::Digest(manifest.digest.clone());
                put(state, &place, reference, image::MANIFEST, manifest).await?;
            }
            put(state, &place, Reference::Tag(tag), image::INDEX, index).await?;
        }
    }
    Ok(())
}

async fn put(
    state: &State,
    place: &Place,
    reference: Reference,
    media_type: &'static str,
    manifest: &Content,
) -> Result<(), Error> {
    let headers = [(CONTENT_TYPE, HeaderValue::from_static(media_type))].into_iter().collect();
    let operation = Operation::PutManifest { reference, tags: Vec::new() };
    send(state, place, None, operation, headers, manifest.bytes.clone()).await
}

async fn send(
    state: &State,
    place: &Place,
    mount_from: Option<&Place>,
    operation: Operation,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(), Error> {
    let call = AuthorizedRequest { place, name: &place.name, mount_from, headers: &headers };
    let answer: Result<Response<_>, _> = state.engine.handle(call, operation, Full::new(body)).await;
    match answer {
        Ok(response) if response.status() == StatusCode::CREATED => Ok(()),
        Ok(response) => Err(broken(response.status())),
        Err(error) => Err(broken(error)),
    }
}

async fn talk(system: &System, people: &HashMap<&str, Viewer>, sample: &Sample) -> Result<(), Error> {
    let store = system.store();
    let path = RepositoryName::parse(sample.path).map_err(broken)?;
    for name in sample.stars {
        let permit = store.permit::<Star>(person(people, name)?, &path).await.map_err(Error::of_store)?;
        store.set_star(&permit, true).await.map_err(Error::of_store)?;
    }
    let mut thread = None;
    for (name, text) in sample.comments {
        let permit = store.permit::<access::Comment>(person(people, name)?, &path).await.map_err(Error::of_store)?;
        let answer = text.strip_prefix('>');
        let form = NewComment { body: answer.unwrap_or(text).to_owned(), parent: answer.and(thread), tag: None };
        let comment = store.post_comment(&permit, &form).await.map_err(Error::of_store)?;
        if answer.is_none() {
            thread = Some(comment.id);
        }
    }
    let permit = store.permit::<See>(&system.viewer("demo"), &path).await.map_err(Error::of_store)?;
    let pulls = Pulls { repository: permit.repository(), count: sample.pulls, tags: Vec::new() };
    store.count_pulls(system, vec![pulls]).await.map_err(Error::of_store)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use model::page::PageRequest;
    use model::repository::RepositoryFilter;

    use super::*;
    use crate::cli::open;
    use crate::config::Config;

    #[tokio::test]
    async fn the_sample_fills_an_empty_hub_once() {
        let folder = tempfile::tempdir().unwrap();
        let flags = BTreeMap::from([("data", folder.path().display().to_string())]);
        let story = DemoClock::new();
        let opened = open(Config::resolve(flags, [], None).unwrap(), story.clock()).await.unwrap();
        fill(&opened, &story).await.unwrap();
        fill(&opened, &story).await.unwrap();
        let memory = &opened.state.store;
        let anyone = memory.anonymous();
        let scope = memory.scope(&anyone).await.unwrap();
        let all = RepositoryFilter::default();
        let listed = memory.repositories(&scope, &all, &PageRequest::default()).await.unwrap().items;
        assert_eq!(listed.len(), REPOSITORIES.len() - 2, "all but the private and the internal one");
        assert!(listed.iter().all(|repository| repository.tags > 0 && repository.pushed_at.is_some()), "{listed:#?}");
        let tidewatch = listed.iter().find(|repository| repository.path.as_str() == "ada/tidewatch").unwrap();
        assert_eq!((tidewatch.stars, tidewatch.tags, tidewatch.pulls), (3, 6, 3_407));
    }
}
