//! `portolan doctor`: checks the settings, the database and the storage, and repairs the storage.

use std::time::Duration;

use clap::Args;
use futures::TryStreamExt as _;
use model::clock::Clock;
use model::oci::RepositoryName;
use registry::check::{self, BlobState};
use registry::ledger::{Blob, Ledger};
use registry::storage::{Object, Storage};
use store::OpenStore;

use crate::assets::Assets;
use crate::cli::Error;
use crate::cli::serve::{open_storage, open_store};
use crate::cli::settings::Settings;
use crate::cli::terminal::{Progress, say};

/// Objects younger than this may belong to an upload whose bytes are still arriving.
const UNUSED_AGE: Duration = Duration::from_hours(24);
/// The most blobs, and the most objects, that are named; the rest is only counted.
const NAMED: u64 = 50;
/// The number of unused objects that are deleted at a time.
const DELETED: usize = 100_000;
/// The most repositories named for a damaged blob.
const REPOSITORIES: u64 = 3;

/// A check of everything that a hub needs.
#[derive(Args, Debug)]
pub(super) struct Doctor {
    /// Delete objects that nothing refers to, and damaged ones so that the next push replaces them
    #[arg(long)]
    repair: bool,
    /// Read all blobs and compare them with their digests, which may take long
    #[arg(long)]
    verify: bool,
    #[command(flatten)]
    settings: Settings,
}

/// Checks everything, and fails if blobs are missing or damaged.
pub(super) async fn doctor(command: Doctor) -> Result<(), Error> {
    let config = command.settings.resolve()?;
    say(format_args!("settings: valid; the hub is at {}", config.public_url));
    let OpenStore { store, ledger, .. } = open_store(&config, Clock::system()).await?;
    store.ping().await.map_err(Error::Store)?;
    say("database: answers, and its schema is up to date");
    let (storage, shown) = (open_storage(&config)?, config.storage_shown());
    storage.check().await.map_err(|error| Error::Storage(shown.clone(), error))?;
    say(format_args!("storage: {shown} can be written to and read from"));
    let islands = if Assets::load().islands().is_some() { "built in" } else { "not built in; pages work without them" };
    say(format_args!("islands: {islands}"));
    let lost = check_blobs(&*ledger, &*storage, &command).await?;
    check_objects(&*ledger, &*storage, command.repair).await?;
    if lost > 0 {
        return Err(Error::Refused(format!("missing or damaged blobs: {lost}; push their images again")));
    }
    Ok(())
}

/// Checks all blobs and returns how many are missing or damaged.
async fn check_blobs(ledger: &dyn Ledger, storage: &dyn Storage, command: &Doctor) -> Result<u64, Error> {
    let mut progress = Progress::new();
    let (mut checked, mut lost) = (0_u64, 0_u64);
    let mut blobs = std::pin::pin!(check::blobs(ledger, storage, command.verify));
    while let Some((blob, state)) = blobs.try_next().await.map_err(Error::Check)? {
        checked += 1;
        progress.show("blobs", checked);
        let what = match state {
            BlobState::Intact => continue,
            BlobState::Missing => "is missing",
            BlobState::Damaged => "is damaged",
        };
        lost += 1;
        if lost <= NAMED {
            let whose = repositories(ledger, &blob).await?;
            progress.clear();
            say(format_args!("  {} {what} ({whose})", blob.digest));
        }
        if command.repair && state == BlobState::Damaged {
            for segment in &blob.segments {
                storage.delete(&segment.key).await.map_err(Error::Delete)?;
            }
        }
    }
    progress.clear();
    more(lost);
    say(format_args!("blobs: {checked}, of which missing or damaged: {lost}"));
    Ok(lost)
}

/// Returns the repositories that have a blob, for people.
async fn repositories(ledger: &dyn Ledger, blob: &Blob) -> Result<String, Error> {
    let names = ledger.repositories_of(&blob.digest, REPOSITORIES + 1).await;
    let names = names.map_err(|error| Error::Check(registry::Error::from_ledger(error)))?;
    let shown = usize::try_from(REPOSITORIES).unwrap_or(usize::MAX);
    let mut text = names.iter().take(shown).map(RepositoryName::as_str).collect::<Vec<_>>().join(", ");
    if names.is_empty() {
        "in no repository".clone_into(&mut text);
    } else if names.len() > shown {
        text.push_str(" and others");
    }
    Ok(text)
}

/// Finds objects that nothing refers to; with `repair`, deletes them.
async fn check_objects(ledger: &dyn Ledger, storage: &dyn Storage, repair: bool) -> Result<(), Error> {
    let repair = repair && check::claim_storage(ledger, storage).await.map_err(Error::Check)?;
    let before = Clock::system().now().minus(UNUSED_AGE);
    let mut objects = std::pin::pin!(check::unused_objects(ledger, storage, before).await.map_err(Error::Check)?);
    let mut progress = Progress::new();
    let (mut count, mut bytes, mut found) = (0_u64, 0_u64, Vec::new());
    while let Some(object) = objects.try_next().await.map_err(Error::Check)? {
        (count, bytes) = (count + 1, bytes.saturating_add(object.length));
        progress.show("unused objects", count);
        if count <= NAMED {
            progress.clear();
            say(format_args!("  {} is unused ({} bytes)", object.key, object.length));
        }
        if repair {
            found.push(object);
            if found.len() == DELETED {
                delete(ledger, storage, std::mem::take(&mut found)).await?;
            }
        }
    }
    delete(ledger, storage, found).await?;
    progress.clear();
    more(count);
    match (count, repair) {
        (0, _) => say("unused objects: none"),
        (_, true) => say(format_args!("unused objects: {count} deleted ({bytes} bytes)")),
        (_, false) => say(format_args!("unused objects: {count} ({bytes} bytes); --repair deletes them")),
    }
    Ok(())
}

/// Deletes those of these objects that are still unused.
async fn delete(ledger: &dyn Ledger, storage: &dyn Storage, objects: Vec<Object>) -> Result<(), Error> {
    for object in check::confirm_unused(ledger, objects).await.map_err(Error::Check)? {
        storage.delete(&object.key).await.map_err(Error::Delete)?;
    }
    Ok(())
}

/// Says how many were not named.
fn more(count: u64) {
    if let Some(left) = count.checked_sub(NAMED).filter(|left| *left > 0) {
        say(format_args!("  and {left} more"));
    }
}
