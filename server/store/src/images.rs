//! Tags and images as people look at them, out of manifests and of what inspection found in them; and how often they are pulled.
//! What a configuration says comes from the follower that read it.

use std::collections::{BTreeMap, BTreeSet};

use model::clock::Timestamp;
use model::id::RepositoryId;
use model::image::{Image, ImageConfig, Layer, PlatformImage, Referrer, Tag, TagSort};
use model::oci::{self, Digest, Reference};
use model::page::{Page, PageRequest};
use model::version;
use registry::ledger::Place;
use sea_orm::{QueryResult, Value};
use serde::Deserialize;

use crate::access::{Delete, Permit, See};
use crate::ledger::{self, digest, manifests};
use crate::sql;
use crate::{Error, Result, Store, cursor};

mod inspection;
mod pulls;
#[cfg(test)]
mod tests;

pub use pulls::Pulls;

/// What an index says of images that are none, such as attestations.
pub(crate) const NO_PLATFORM: &str = "unknown/unknown";

/// How many referrers an image's page shows at most.
const REFERRERS: i64 = 100;

/// Columns of a tag `t` and its manifest `m`.
const COLUMNS: &str = "t.name, t.digest, m.media_type, t.size, t.pushed_at, t.pulled_at
    FROM tag t JOIN manifest m ON m.repository_id = t.repository_id AND m.digest = t.digest";

impl Store {
    /// Tags whose name contains `contains`, in capitals or not; all of them when it is empty.
    pub async fn tags(
        &self,
        permit: &Permit<See>,
        contains: &str,
        sort: TagSort,
        page: &PageRequest,
    ) -> Result<Page<Tag>> {
        cursor::no_zero("contains", contains)?;
        let repository = permit.repository();
        let limit = page.limit();
        let mut values: Vec<Value> = vec![repository.0.into(), pattern(contains).into(), i64::from(limit + 1).into()];
        let (key, order) = match sort {
            TagSort::Name => ("t.name", "t.name"),
            TagSort::Newest => ("t.pushed_at", "t.pushed_at DESC, t.name DESC"),
            TagSort::Size => ("t.size", "t.size DESC, t.name DESC"),
            TagSort::Version => ("t.version", "t.version, t.name"),
        };
        let after = match page.cursor.as_deref().map(Cursor::parse).transpose()? {
            None => String::new(),
            Some(cursor) => {
                values.push(cursor.name.as_str().into());
                match sort {
                    TagSort::Name => "AND t.name > $4".to_owned(),
                    TagSort::Version => {
                        values.push(version::sort_key(cursor.name.as_str()).into());
                        format!("AND ({key}, t.name) > ($5, $4)")
                    }
                    TagSort::Newest | TagSort::Size => {
                        values.push(cursor.rank.into());
                        format!("AND ({key}, t.name) < ($5, $4)")
                    }
                }
            }
        };
        let select = format!(
            "SELECT {COLUMNS} WHERE t.repository_id = $1 AND LOWER(t.name) LIKE $2 ESCAPE '!' {after}
             ORDER BY {order} LIMIT $3"
        );
        let rows = sql::all(self.database().pool(), &select, values).await?;
        let tags = rows.iter().map(tag).collect::<Result<Vec<_>>>()?;
        let mut page = Page::from_surplus(tags, limit, |tag| {
            let rank = match sort {
                TagSort::Name | TagSort::Version => 0,
                TagSort::Newest => tag.pushed_at.micros(),
                TagSort::Size => sql::signed(tag.size),
            };
            Cursor { rank, name: tag.name.clone() }.to_string()
        });
        self.add_platforms(repository, &mut page.items).await?;
        Ok(page)
    }

    /// One tag.
    pub async fn tag(&self, permit: &Permit<See>, name: &oci::Tag) -> Result<Tag> {
        let select = format!("SELECT {COLUMNS} WHERE t.repository_id = $1 AND t.name = $2");
        let values = [permit.repository().0.into(), name.as_str().into()];
        let row = sql::first(self.database().pool(), &select, values).await?.ok_or(Error::Absent)?;
        let mut tag = tag(&row)?;
        self.add_platforms(permit.repository(), std::slice::from_mut(&mut tag)).await?;
        Ok(tag)
    }

    /// The tag that was pushed last, where there is one.
    pub async fn newest_tag(&self, permit: &Permit<See>) -> Result<Option<Tag>> {
        let page = PageRequest { limit: Some(1), cursor: None };
        Ok(self.tags(permit, "", TagSort::Newest, &page).await?.items.pop())
    }

    /// Removes a tag, and with it nothing else.
    pub async fn delete_tag(&self, permit: &Permit<Delete>, name: &oci::Tag) -> Result<()> {
        let place = Place { id: permit.repository(), name: permit.path().clone(), actor: permit.actor().cloned() };
        let (place, now) = (&place, self.clock().now());
        let gone =
            self.database().write(|tx| async move { manifests::delete_tag(&*tx, place, name, now).await }).await?;
        if !gone {
            return Err(Error::Absent);
        }
        self.news().notify_waiters();
        Ok(())
    }

    /// An image, or an index of several, with everything that its page shows.
    pub async fn image(&self, permit: &Permit<See>, reference: &Reference) -> Result<Image> {
        let repository = permit.repository();
        let pool = self.database().pool();
        let which = match reference {
            Reference::Digest(_) => "m.digest = $2",
            Reference::Tag(_) => "m.digest = (SELECT digest FROM tag WHERE repository_id = $1 AND name = $2)",
        };
        let select = format!(
            "SELECT m.digest, m.media_type, m.artifact_type, m.total_size, m.pushed_at, m.annotations, m.payload,
                    i.config, i.layers
             FROM manifest m LEFT JOIN image i ON i.repository_id = m.repository_id AND i.digest = m.digest
             WHERE m.repository_id = $1 AND {which}"
        );
        let row = sql::first(pool, &select, [repository.0.into(), reference.as_str().into()]).await?;
        let row = row.ok_or(Error::Absent)?;
        let digest = digest(&row.try_get_by_index::<String>(0)?)?;
        let annotations: String = row.try_get_by_index(5)?;
        let annotations: BTreeMap<String, String> =
            serde_json::from_str(&annotations).map_err(|_| Error::Corrupt("manifest.annotations"))?;
        let config: Option<String> = row.try_get_by_index(7)?;
        let layers: Option<String> = row.try_get_by_index(8)?;
        let parsed = |_| Error::Corrupt("image");
        Ok(Image {
            media_type: row.try_get_by_index(1)?,
            artifact_type: row.try_get_by_index(2)?,
            size: sql::unsigned(row.try_get_by_index(3)?),
            tags: ledger::tags::of(pool, repository, &digest).await?,
            pushed_at: Timestamp::from_micros(row.try_get_by_index(4)?),
            platforms: self.children(repository, &digest, &row.try_get_by_index::<Vec<u8>>(6)?).await?,
            config: config.map(|text| serde_json::from_str::<ImageConfig>(&text)).transpose().map_err(parsed)?,
            layers: layers
                .map(|text| serde_json::from_str::<Vec<Layer>>(&text))
                .transpose()
                .map_err(parsed)?
                .unwrap_or_default(),
            referrers: self.referrers(repository, &digest).await?,
            annotations: annotations.into_iter().collect(),
            digest,
        })
    }

    /// The images of an index, in the index's order; what inspection found out counts before what the index says.
    async fn children(&self, repository: RepositoryId, parent: &Digest, payload: &[u8]) -> Result<Vec<PlatformImage>> {
        let rows = sql::all(
            self.database().pool(),
            "SELECT c.child, m.total_size, i.platform FROM manifest_child c
             JOIN manifest m ON m.repository_id = c.repository_id AND m.digest = c.child
             LEFT JOIN image i ON i.repository_id = c.repository_id AND i.digest = c.child
             WHERE c.repository_id = $1 AND c.parent = $2",
            [repository.0.into(), parent.as_str().into()],
        )
        .await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let mut held: BTreeMap<String, (u64, Option<String>)> = BTreeMap::new();
        for row in &rows {
            held.insert(row.try_get_by_index(0)?, (sql::unsigned(row.try_get_by_index(1)?), row.try_get_by_index(2)?));
        }
        let index: IndexPayload = serde_json::from_slice(payload).map_err(|_| Error::Corrupt("manifest.payload"))?;
        let images = index.manifests.into_iter().filter_map(|descriptor| {
            let (size, inspected) = held.remove(descriptor.digest.as_str())?;
            let stated = descriptor.platform.map(|platform| platform.to_string());
            // An attestation states that it has no platform, whatever its configuration says.
            let platform = match stated {
                Some(stated) if stated == NO_PLATFORM => stated,
                stated => inspected.filter(|platform| !platform.is_empty()).or(stated).unwrap_or_default(),
            };
            Some(PlatformImage { platform, digest: descriptor.digest, size })
        });
        Ok(images.collect())
    }

    async fn referrers(&self, repository: RepositoryId, subject: &Digest) -> Result<Vec<Referrer>> {
        let rows = sql::all(
            self.database().pool(),
            "SELECT digest, COALESCE(artifact_type, media_type), size FROM manifest
             WHERE repository_id = $1 AND subject = $2 ORDER BY digest LIMIT $3",
            [repository.0.into(), subject.as_str().into(), REFERRERS.into()],
        )
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Referrer {
                    digest: digest(&row.try_get_by_index::<String>(0)?)?,
                    artifact_type: row.try_get_by_index(1)?,
                    size: sql::unsigned(row.try_get_by_index(2)?),
                })
            })
            .collect()
    }

    /// Writes into tags the platforms of their images, or of the images of their indexes.
    async fn add_platforms(&self, repository: RepositoryId, tags: &mut [Tag]) -> Result<()> {
        let digests: BTreeSet<&str> = tags.iter().map(|tag| tag.digest.as_str()).collect();
        let digests: Vec<&str> = digests.into_iter().collect();
        let mut platforms: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for batch in digests.chunks(sql::BATCH) {
            let list = sql::list(3, batch.len());
            let select = format!(
                "SELECT digest, platform FROM image
                 WHERE repository_id = $1 AND platform NOT IN ('', $2) AND digest IN ({list})
                 UNION
                 SELECT c.parent, i.platform FROM manifest_child c
                 JOIN image i ON i.repository_id = c.repository_id AND i.digest = c.child
                 WHERE c.repository_id = $1 AND i.platform NOT IN ('', $2) AND c.parent IN ({list})"
            );
            let ends: [Value; 2] = [repository.0.into(), NO_PLATFORM.into()];
            let values = ends.into_iter().chain(batch.iter().map(|digest| (*digest).into()));
            for row in sql::all(self.database().pool(), &select, values).await? {
                platforms.entry(row.try_get_by_index(0)?).or_default().insert(row.try_get_by_index(1)?);
            }
        }
        for tag in tags {
            if let Some(platforms) = platforms.get(tag.digest.as_str()) {
                tag.platforms = platforms.iter().cloned().collect();
            }
        }
        Ok(())
    }
}

/// Where a page of tags ended: what it is ordered by, and the name. Lists by name and by version do not look at the rank.
struct Cursor {
    rank: i64,
    name: oci::Tag,
}

impl Cursor {
    fn parse(text: &str) -> Result<Self> {
        let parts = text.split_once('.').and_then(|(rank, name)| Some((rank.parse().ok()?, name.parse().ok()?)));
        let (rank, name) = parts.ok_or_else(cursor::wrong)?;
        Ok(Self { rank, name })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.rank, self.name)
    }
}

/// An index as far as its images' platforms go (image-spec, "Image Index").
#[derive(Deserialize)]
struct IndexPayload {
    #[serde(default)]
    manifests: Vec<IndexDescriptor>,
}

#[derive(Deserialize)]
struct IndexDescriptor {
    digest: Digest,
    platform: Option<IndexPlatform>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct IndexPlatform {
    os: String,
    architecture: String,
    variant: Option<String>,
}

impl std::fmt::Display for IndexPlatform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match self.variant.as_deref() {
            None | Some("") => Ok(()),
            Some(variant) => write!(f, "/{variant}"),
        }
    }
}

/// A `LIKE` pattern with `!` as its escape, for any text that contains `part`.
fn pattern(part: &str) -> String {
    let mut pattern = String::from("%");
    for letter in part.trim().to_lowercase().chars() {
        if matches!(letter, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

fn tag(row: &QueryResult) -> Result<Tag> {
    let name: String = row.try_get_by_index(0)?;
    Ok(Tag {
        name: oci::Tag::parse(&name).map_err(|_| Error::Corrupt("tag.name"))?,
        digest: digest(&row.try_get_by_index::<String>(1)?)?,
        media_type: row.try_get_by_index(2)?,
        size: sql::unsigned(row.try_get_by_index(3)?),
        platforms: Vec::new(),
        pushed_at: Timestamp::from_micros(row.try_get_by_index(4)?),
        pulled_at: row.try_get_by_index::<Option<i64>>(5)?.map(Timestamp::from_micros),
    })
}

#[cfg(test)]
mod units {
    use super::*;

    #[test]
    fn a_pattern_takes_every_letter_for_itself() {
        assert_eq!(pattern(" A_b%! "), "%a!_b!%!!%");
        assert_eq!(pattern(""), "%%");
    }

    #[test]
    fn a_cursor_comes_back_as_it_was_and_nothing_else_is_one() {
        let cursor = Cursor::parse(&Cursor { rank: -7, name: "1.2.3".parse().unwrap() }.to_string()).unwrap();
        assert_eq!((cursor.rank, cursor.name.as_str()), (-7, "1.2.3"));
        for bad in ["", "latest", "7.", "7.a b", "7.\0"] {
            assert!(Cursor::parse(bad).is_err(), "{bad}");
        }
    }
}
