//! Reads tags and images for display, combining manifests with the results of inspection.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::clock::Timestamp;
use model::image::{Image, ImageConfig, Layer, PlatformImage, Referrer, Tag, TagSort};
use model::oci::{self, Digest, Reference};
use model::page::{Page, PageRequest};
use model::version;
use registry::ledger::Place;
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait, Func, LikeExpr, Order, UnionType};
use sea_orm::{
    ColumnTrait, DerivePartialModel, EntityTrait, IntoSimpleExpr, JoinType, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, Value,
};
use serde::Deserialize;

use crate::access::{Delete, Permit, See};
use crate::database::Tx;
use crate::entity::column::{Json, Text};
use crate::entity::{image, manifest, manifest_child, tag};
use crate::ledger::{self, manifests};
use crate::sql;
use crate::{Error, Result, Store, cursor};

mod inspection;
mod pulls;
#[cfg(test)]
mod tests;

pub use pulls::Pulls;

/// The platform that an index states for entries that are not images, such as attestations.
pub(crate) const NO_PLATFORM: &str = "unknown/unknown";

/// The maximum number of tags returned with an image.
const TAGS: u64 = 1_000;
/// The maximum number of referrers returned with an image.
const REFERRERS: u64 = 100;

/// The artifact types of manifests that cosign stores under a tag with these suffixes.
const TAGGED_REFERRERS: [(&str, &str); 3] = [
    (".sig", "application/vnd.dev.cosign.artifact.sig.v1+json"),
    (".att", "application/vnd.dev.cosign.artifact.att.v1+json"),
    (".sbom", "application/vnd.dev.cosign.artifact.sbom.v1+json"),
];

/// A tag with the types of its manifest.
#[derive(DerivePartialModel)]
#[sea_orm(entity = "tag::Entity")]
struct TagRow {
    name: Text<oci::Tag>,
    digest: Text<Digest>,
    #[sea_orm(from_expr = "Expr::col((manifest::Entity, manifest::Column::MediaType))")]
    media_type: String,
    #[sea_orm(from_expr = "Expr::col((manifest::Entity, manifest::Column::ArtifactType))")]
    artifact_type: Option<String>,
    size: i64,
    pushed_at: i64,
    pulled_at: Option<i64>,
}

impl TagRow {
    fn tag(self) -> Tag {
        Tag {
            name: self.name.0,
            digest: self.digest.0,
            media_type: self.media_type,
            artifact_type: self.artifact_type,
            size: sql::unsigned(self.size),
            platforms: Vec::new(),
            pushed_at: Timestamp::from_micros(self.pushed_at),
            pulled_at: self.pulled_at.map(Timestamp::from_micros),
        }
    }
}

/// A manifest with the results of its inspection.
#[derive(DerivePartialModel)]
#[sea_orm(entity = "manifest::Entity")]
struct ImageRow {
    digest: Text<Digest>,
    media_type: String,
    artifact_type: Option<String>,
    subject: Option<Text<Digest>>,
    total_size: i64,
    pushed_at: i64,
    annotations: Json<BTreeMap<String, String>>,
    payload: Vec<u8>,
    #[sea_orm(from_expr = "Expr::col((image::Entity, image::Column::Config))")]
    config: Option<Json<ImageConfig>>,
    #[sea_orm(from_expr = "Expr::col((image::Entity, image::Column::Layers))")]
    layers: Option<Json<Vec<Layer>>>,
}

impl Store {
    /// Returns tags whose name contains `contains`, ignoring case. Returns all tags if it is empty, except those of
    /// signatures and the like, which belong to the image that they are about.
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
        let cursor = page.cursor.as_deref().map(Cursor::parse).transpose()?;
        let name = || tag::Column::Name.into_simple_expr();
        let rank = |column: tag::Column| Expr::tuple([column.into_simple_expr(), name()]);
        let after = |rank: Value, cursor: &Cursor| Expr::tuple([rank, cursor.name.as_str().into()].map(Expr::value));
        let query = tag::Entity::find()
            .inner_join(manifest::Entity)
            .filter(tag::Column::RepositoryId.eq(repository.0))
            .filter(tag::Column::Subject.is_null())
            .filter(Expr::expr(Func::lower(name())).like(LikeExpr::new(pattern(contains)).escape('!')));
        let query = match sort {
            TagSort::Name => query
                .apply_if(cursor, |query, cursor| query.filter(tag::Column::Name.gt(cursor.name.as_str())))
                .order_by_asc(tag::Column::Name),
            TagSort::Version => query
                .apply_if(cursor, |query, cursor| {
                    let version = version::sort_key(cursor.name.as_str());
                    query.filter(rank(tag::Column::Version).gt(after(version.into(), &cursor)))
                })
                .order_by_asc(tag::Column::Version)
                .order_by_asc(tag::Column::Name),
            TagSort::Newest | TagSort::Size => {
                let column = if sort == TagSort::Size { tag::Column::Size } else { tag::Column::PushedAt };
                query
                    .apply_if(cursor, |query, cursor| query.filter(rank(column).lt(after(cursor.rank.into(), &cursor))))
                    .order_by_desc(column)
                    .order_by_desc(tag::Column::Name)
            }
        };
        let rows =
            query.limit(u64::from(limit) + 1).into_partial_model::<TagRow>().all(self.database().read(permit)).await?;
        let tags = rows.into_iter().map(TagRow::tag).collect();
        let mut page = Page::from_surplus(tags, limit, |tag| {
            let rank = match sort {
                TagSort::Name | TagSort::Version => 0,
                TagSort::Newest => tag.pushed_at.micros(),
                TagSort::Size => sql::signed(tag.size),
            };
            Cursor { rank, name: tag.name.clone() }.to_string()
        });
        self.add_platforms(permit, &mut page.items).await?;
        Ok(page)
    }

    /// Returns a tag.
    pub async fn tag(&self, permit: &Permit<See>, name: &oci::Tag) -> Result<Tag> {
        let row = tag::Entity::find()
            .inner_join(manifest::Entity)
            .filter(tag::Column::RepositoryId.eq(permit.repository().0))
            .filter(tag::Column::Name.eq(name.as_str()))
            .into_partial_model::<TagRow>()
            .one(self.database().read(permit))
            .await?;
        let mut tag = row.ok_or(Error::Absent)?.tag();
        self.add_platforms(permit, std::slice::from_mut(&mut tag)).await?;
        Ok(tag)
    }

    /// Returns the most recently pushed tag, if any.
    pub async fn newest_tag(&self, permit: &Permit<See>) -> Result<Option<Tag>> {
        let page = PageRequest { limit: Some(1), cursor: None };
        Ok(self.tags(permit, "", TagSort::Newest, &page).await?.items.pop())
    }

    /// Deletes a tag; its manifest remains.
    pub async fn delete_tag(&self, permit: &Permit<Delete>, name: &oci::Tag) -> Result<()> {
        let place = Place { id: permit.repository(), name: permit.path().clone(), actor: permit.viewer().actor() };
        let (place, now) = (&place, self.clock().now());
        let delete = |tx: Arc<Tx>| async move { manifests::delete_tag(&*tx, place, name, now).await };
        if !self.database().write(permit, delete).await? {
            return Err(Error::Absent);
        }
        self.notifier().notify();
        Ok(())
    }

    /// Returns an image or an index with everything shown on its page.
    pub async fn image(&self, permit: &Permit<See>, reference: &Reference) -> Result<Image> {
        let repository = permit.repository();
        let rows = self.database().read(permit);
        let find = manifest::Entity::find().left_join(image::Entity);
        let find = match reference {
            Reference::Digest(digest) => find.filter(manifest::Column::Digest.eq(digest.as_str())),
            Reference::Tag(name) => {
                let target = tag::Entity::find_by_id((repository.0, Text(name.clone())));
                let target = target.select_only().column(tag::Column::Digest).into_query();
                find.filter(manifest::Column::Digest.in_subquery(target))
            }
        };
        let row = find
            .filter(manifest::Column::RepositoryId.eq(repository.0))
            .into_partial_model::<ImageRow>()
            .one(rows)
            .await?
            .ok_or(Error::Absent)?;
        let digest = row.digest.0;
        let tags = ledger::tags::of(rows, repository, &digest, Some(TAGS)).await?;
        let tagged_subject = || tags.iter().find_map(oci::Tag::subject);
        Ok(Image {
            media_type: row.media_type,
            artifact_type: row.artifact_type,
            subject: row.subject.map(|subject| subject.0).or_else(tagged_subject),
            size: sql::unsigned(row.total_size),
            tags,
            pushed_at: Timestamp::from_micros(row.pushed_at),
            platforms: self.children(permit, &digest, &row.payload).await?,
            config: row.config.map(|config| config.0),
            layers: row.layers.map(|layers| layers.0).unwrap_or_default(),
            referrers: self.referrers(permit, &digest).await?,
            annotations: row.annotations.0.into_iter().collect(),
            digest,
        })
    }

    /// Returns the images of an index, in the order of the index. Platforms found by inspection take precedence over
    /// those that the index states.
    async fn children(&self, permit: &Permit<See>, parent: &Digest, payload: &[u8]) -> Result<Vec<PlatformImage>> {
        let same_image = manifest_child::Entity::belongs_to(image::Entity)
            .from((manifest_child::Column::RepositoryId, manifest_child::Column::Child))
            .to((image::Column::RepositoryId, image::Column::Digest));
        let same_manifest = manifest_child::Entity::belongs_to(manifest::Entity)
            .from((manifest_child::Column::RepositoryId, manifest_child::Column::Child))
            .to((manifest::Column::RepositoryId, manifest::Column::Digest));
        let rows = manifest_child::Entity::find()
            .select_only()
            .column(manifest_child::Column::Child)
            .column(manifest::Column::TotalSize)
            .column(image::Column::Platform)
            .join(JoinType::InnerJoin, same_manifest.into())
            .join(JoinType::LeftJoin, same_image.into())
            .filter(manifest_child::Column::RepositoryId.eq(permit.repository().0))
            .filter(manifest_child::Column::Parent.eq(parent.as_str()))
            .into_tuple::<(Text<Digest>, i64, Option<String>)>()
            .all(self.database().read(permit))
            .await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let mut held: BTreeMap<Digest, (u64, Option<String>)> =
            rows.into_iter().map(|(digest, size, platform)| (digest.0, (sql::unsigned(size), platform))).collect();
        let index: IndexPayload = serde_json::from_slice(payload).map_err(|_| Error::Corrupt("manifest.payload"))?;
        let images = index.manifests.into_iter().filter_map(|descriptor| {
            let (size, inspected) = held.remove(&descriptor.digest)?;
            let stated = descriptor.platform.map(|platform| platform.as_text());
            // For attestations the index states that there is no platform; their configs may name one anyway.
            let platform = match stated {
                Some(stated) if stated == NO_PLATFORM => stated,
                stated => inspected.filter(|platform| !platform.is_empty()).or(stated).unwrap_or_default(),
            };
            Some(PlatformImage { platform, digest: descriptor.digest, size })
        });
        Ok(images.collect())
    }

    /// Returns the manifests about an image: those whose `subject` it is, and those that clients found by tag.
    async fn referrers(&self, permit: &Permit<See>, subject: &Digest) -> Result<Vec<Referrer>> {
        let columns = [manifest::Column::ArtifactType, manifest::Column::MediaType];
        let kind = Func::coalesce(columns.map(IntoSimpleExpr::into_simple_expr));
        let tagged_kind = TAGGED_REFERRERS.iter().fold(CaseStatement::new(), |kinds, (suffix, kind)| {
            kinds.case(tag::Column::Name.ends_with(*suffix), Expr::value(*kind))
        });
        let of_kind = |kind: Expr| {
            manifest::Entity::find()
                .select_only()
                .column(manifest::Column::Digest)
                .expr_as(kind, "kind")
                .column(manifest::Column::Size)
                .filter(manifest::Column::RepositoryId.eq(permit.repository().0))
        };
        let tagged = of_kind(tagged_kind.into())
            .inner_join(tag::Entity)
            .filter(tag::Column::RepositoryId.eq(permit.repository().0))
            .filter(tag::Column::Subject.eq(subject.as_str()))
            .filter(tag::Column::Name.contains("."))
            .into_query();
        let mut all = of_kind(kind.into()).filter(manifest::Column::Subject.eq(subject.as_str()));
        // ORDER BY and LIMIT apply to the union; it may only name columns of the result.
        QuerySelect::query(&mut all)
            .union(UnionType::Distinct, tagged)
            .order_by(manifest::Column::Digest.as_column_ref().1, Order::Asc)
            .limit(REFERRERS);
        let rows = all.into_tuple::<(Text<Digest>, String, i64)>().all(self.database().read(permit)).await?;
        let referrer = |(digest, artifact_type, size): (Text<Digest>, _, _)| Referrer {
            digest: digest.0,
            artifact_type,
            size: sql::unsigned(size),
        };
        Ok(rows.into_iter().map(referrer).collect())
    }

    /// Sets the platforms of tags, from the image that a tag points at or from the images of its index.
    async fn add_platforms(&self, permit: &Permit<See>, tags: &mut [Tag]) -> Result<()> {
        let digests: BTreeSet<&str> = tags.iter().map(|tag| tag.digest.as_str()).collect();
        let digests: Vec<String> = digests.into_iter().map(str::to_owned).collect();
        let mut platforms: BTreeMap<Digest, BTreeSet<String>> = BTreeMap::new();
        for batch in digests.chunks(sql::BATCH) {
            let stated = || Expr::col((image::Entity, image::Column::Platform)).is_not_in(["", NO_PLATFORM]);
            let children = manifest_child::Entity::belongs_to(image::Entity)
                .from((manifest_child::Column::RepositoryId, manifest_child::Column::Child))
                .to((image::Column::RepositoryId, image::Column::Digest));
            let of_children = manifest_child::Entity::find()
                .select_only()
                .column(manifest_child::Column::Parent)
                .column(image::Column::Platform)
                .join(JoinType::InnerJoin, children.into())
                .filter(manifest_child::Column::RepositoryId.eq(permit.repository().0))
                .filter(manifest_child::Column::Parent.is_in(batch))
                .filter(stated())
                .into_query();
            let mut of_both = image::Entity::find()
                .select_only()
                .columns([image::Column::Digest, image::Column::Platform])
                .filter(image::Column::RepositoryId.eq(permit.repository().0))
                .filter(image::Column::Digest.is_in(batch))
                .filter(stated());
            QuerySelect::query(&mut of_both).union(UnionType::Distinct, of_children);
            let rows = of_both.into_tuple::<(Text<Digest>, String)>().all(self.database().read(permit)).await?;
            for (digest, platform) in rows {
                platforms.entry(digest.0).or_default().insert(platform);
            }
        }
        for tag in tags {
            if let Some(platforms) = platforms.get(&tag.digest) {
                tag.platforms = platforms.iter().cloned().collect();
            }
        }
        Ok(())
    }
}

/// The cursor after a page of tags: the sort key and name of the last tag. Lists by name and by version do not use
/// `rank`.
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

/// The fields of an index that are needed to show platforms (image-spec, "Image Index").
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

impl IndexPlatform {
    fn as_text(&self) -> String {
        model::image::platform(&self.os, &self.architecture, self.variant.as_deref().unwrap_or_default())
    }
}

/// Returns a `LIKE` pattern for text that contains `part`, with `!` as the escape character.
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
