//! What a manifest refers to: whether it is all in the repository at the sizes stated, how large the whole is, and the rows
//! whose foreign keys keep it there. It refuses to parse manifests.

use std::collections::{BTreeMap, BTreeSet};

use model::id::RepositoryId;
use model::oci::Digest;
use registry::ledger::{Link, NewManifest, Put};
use sea_orm::{ConnectionTrait, Value};

use crate::Result;
use crate::sql;

/// What is found of a reference in the repository.
struct Held {
    size: u64,
    /// With all that it refers to in turn; a blob's is its size.
    total: u64,
}

/// What came of looking up all that a manifest refers to.
pub(super) enum Checked {
    /// It is there: so many bytes, each blob once.
    Present(u64),
    /// The manifest cannot be stored, for this reason.
    Refused(Put),
}

/// Looks up all that a manifest refers to.
pub(super) async fn check(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    manifest: &NewManifest,
) -> Result<Checked> {
    let blobs = held(
        on,
        repository,
        &manifest.blobs,
        "SELECT l.digest, b.size, b.size FROM repository_blob l JOIN blob b ON b.digest = l.digest
         WHERE l.repository_id = $1 AND l.digest IN",
    )
    .await?;
    let children = held(
        on,
        repository,
        &manifest.children,
        "SELECT digest, size, total_size FROM manifest WHERE repository_id = $1 AND digest IN",
    )
    .await?;

    let stated = || {
        let blobs = manifest.blobs.iter().map(|link| (link, blobs.get(link.digest.as_str())));
        blobs.chain(manifest.children.iter().map(|link| (link, children.get(link.digest.as_str()))))
    };
    let missing: BTreeSet<&Digest> =
        stated().filter(|(_, held)| held.is_none()).map(|(link, _)| &link.digest).collect();
    if !missing.is_empty() {
        return Ok(Checked::Refused(Put::Missing(missing.into_iter().cloned().collect())));
    }
    let mismatched: BTreeSet<&Digest> = stated()
        .filter(|(link, held)| held.is_some_and(|held| held.size != link.size))
        .map(|(link, _)| &link.digest)
        .collect();
    if !mismatched.is_empty() {
        return Ok(Checked::Refused(Put::SizeMismatch(mismatched.into_iter().cloned().collect())));
    }
    let total = blobs.values().chain(children.values()).fold(0_u64, |sum, held| sum.saturating_add(held.total));
    Ok(Checked::Present(total))
}

/// Looks links up with a query that gives digest, size and total size, and that ends before its list of digests.
async fn held(
    on: &impl ConnectionTrait,
    repository: RepositoryId,
    links: &[Link],
    query: &str,
) -> Result<BTreeMap<String, Held>> {
    let digests = distinct(links);
    let mut found = BTreeMap::new();
    for batch in digests.chunks(sql::BATCH) {
        let select = format!("{query} ({})", sql::list(2, batch.len()));
        let values = std::iter::once(repository.0.into()).chain(batch.iter().map(|digest| digest.as_str().into()));
        for row in sql::all(on, &select, values).await? {
            let held =
                Held { size: sql::unsigned(row.try_get_by_index(1)?), total: sql::unsigned(row.try_get_by_index(2)?) };
            found.insert(row.try_get_by_index::<String>(0)?, held);
        }
    }
    Ok(found)
}

/// Writes down what a new manifest refers to. The foreign key refuses a blob that was unlinked since it was checked.
pub(super) async fn record(on: &impl ConnectionTrait, repository: RepositoryId, manifest: &NewManifest) -> Result<()> {
    let tables = [
        ("INSERT INTO manifest_blob (repository_id, manifest, digest) VALUES", &manifest.blobs),
        ("INSERT INTO manifest_child (repository_id, parent, child) VALUES", &manifest.children),
    ];
    for (insert, links) in tables {
        // Always in the order of the digests, so that two writers never wait for each other crosswise.
        for batch in distinct(links).chunks(sql::BATCH) {
            let values = batch.iter().flat_map(|digest| -> [Value; 3] {
                [repository.0.into(), manifest.digest.as_str().into(), digest.as_str().into()]
            });
            sql::execute(on, &format!("{insert} {}", sql::rows(3, batch.len())), values).await?;
        }
    }
    Ok(())
}

/// The bytes that a stored manifest adds to its repository: its own, and those of blobs that no other manifest there uses.
pub(super) async fn own_bytes(on: &impl ConnectionTrait, repository: RepositoryId, manifest: &Digest) -> Result<i64> {
    let row = sql::first(
        on,
        "SELECT m.size + CAST(COALESCE((
             SELECT SUM(b.size) FROM manifest_blob r JOIN blob b ON b.digest = r.digest
             WHERE r.repository_id = m.repository_id AND r.manifest = m.digest AND NOT EXISTS (
                 SELECT 1 FROM manifest_blob o
                 WHERE o.repository_id = r.repository_id AND o.digest = r.digest AND o.manifest <> r.manifest
             )
         ), 0) AS BIGINT)
         FROM manifest m WHERE m.repository_id = $1 AND m.digest = $2",
        [repository.0.into(), manifest.as_str().into()],
    )
    .await?;
    Ok(row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or(0))
}

fn distinct(links: &[Link]) -> Vec<&Digest> {
    links.iter().map(|link| &link.digest).collect::<BTreeSet<_>>().into_iter().collect()
}
