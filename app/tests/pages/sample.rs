//! The accounts, repositories, tags and comments on the pages.

use model::account::{Account, AccountKind, AccountName};
use model::clock::Timestamp;
use model::comment::Comment;
use model::id::CommentId;
use model::image::{Image, ImageConfig, Layer, Tag};
use model::oci::{Digest, RepositoryName};
use model::repository::{CommentPolicy, Repository};
use model::role::{Role, Visibility};

pub(crate) const NOW: i64 = 1_795_000_000;
pub(crate) const HOUR: i64 = 3_600;
pub(crate) const DAY: i64 = 24 * HOUR;

pub(crate) fn ago(seconds: i64) -> Timestamp {
    Timestamp::from_micros((NOW - seconds) * 1_000_000)
}

pub(crate) fn digest(fill: char) -> Digest {
    Digest::parse(&format!("sha256:{}", fill.to_string().repeat(64))).unwrap()
}

pub(crate) fn account(name: &str) -> Account {
    Account {
        name: AccountName::parse(name).unwrap(),
        display_name: if name == "mara" { "Mara Lindqvist".into() } else { String::new() },
        kind: if name == "harbour" { AccountKind::Organisation } else { AccountKind::Person },
        bio: if name == "mara" { "Charts, tides and the containers they come in.".into() } else { String::new() },
        created_at: ago(400 * DAY),
    }
}

pub(crate) fn repository(
    path: &str,
    description: &str,
    stars: u64,
    pulls: u64,
    pushed: i64,
    visibility: Visibility,
) -> Repository {
    let path = RepositoryName::parse(path).unwrap();
    Repository {
        namespace: AccountName::parse(path.namespace()).unwrap(),
        name: path.name().to_owned(),
        description: description.to_owned(),
        visibility,
        official: path.namespace() == "library",
        comments: CommentPolicy::Everyone,
        topics: vec!["tides".into(), "harbour".into(), "api".into()],
        stars,
        pulls,
        tags: 7,
        size: 61 << 20,
        role: None,
        starred: false,
        created_at: ago(300 * DAY),
        updated_at: ago(pushed),
        pushed_at: Some(ago(pushed)),
        path,
    }
}

pub(crate) fn tide_api() -> Repository {
    let words = "Tide tables and harbour depths over HTTP, with predictions from harmonic constituents.";
    repository("harbour/tide-api", words, 214, 18_412, 5 * HOUR, Visibility::Public)
}

pub(crate) fn all() -> Vec<Repository> {
    vec![
        repository(
            "library/alpine",
            "A small Linux for containers: musl, busybox, and nothing that you did not ask for.",
            1_204,
            48_100_000,
            2 * DAY,
            Visibility::Public,
        ),
        tide_api(),
        repository(
            "mara/charts",
            "Vector nautical charts as tiles, rebuilt every night from public survey data.",
            96,
            3_140,
            26 * HOUR,
            Visibility::Internal,
        ),
        repository(
            "nordlys/postgres-backup",
            "Continuous archiving to object storage with a restore that is tested each night.",
            57,
            12_700,
            22 * DAY,
            Visibility::Public,
        ),
        repository("mara/private-notes", "", 0, 14, 240, Visibility::Private),
    ]
}

pub(crate) fn tag(name: &str, fill: char, size: u64, pushed: i64) -> Tag {
    Tag {
        name: model::oci::Tag::parse(name).unwrap(),
        digest: digest(fill),
        media_type: "application/vnd.oci.image.index.v1+json".into(),
        artifact_type: None,
        size,
        platforms: vec!["linux/amd64".into(), "linux/arm64".into(), "unknown/unknown".into()],
        pushed_at: ago(pushed),
        pulled_at: Some(ago(pushed / 2)),
    }
}

pub(crate) fn chart() -> Image {
    Image {
        digest: digest('b'),
        media_type: "application/vnd.oci.image.manifest.v1+json".into(),
        artifact_type: Some("application/vnd.cncf.helm.config.v1+json".into()),
        subject: Some(digest('a')),
        size: 12_400,
        tags: vec![model::oci::Tag::parse("chart").unwrap()],
        pushed_at: ago(60),
        platforms: Vec::new(),
        config: Some(ImageConfig::default()),
        layers: vec![Layer {
            digest: digest('1'),
            media_type: "application/vnd.cncf.helm.chart.content.v1.tar+gzip".into(),
            size: 12_000,
            created_by: String::new(),
            title: "tide-api-2.4.1.tgz".into(),
        }],
        referrers: Vec::new(),
        annotations: Vec::new(),
    }
}

pub(crate) fn comment(id: i64, author: &str, seconds: i64, html: &str, parent: Option<i64>) -> Comment {
    Comment {
        id: CommentId(id),
        author: AccountName::parse(author).unwrap(),
        body: "Added to the README, thank you.".into(),
        html: html.to_owned(),
        tag: None,
        parent: parent.map(CommentId),
        created_at: ago(seconds),
        edited_at: (id == 3).then(|| ago(seconds - 600)),
        deleted: false,
        author_role: match author {
            "olaf" => Some(Role::Owner),
            "mara" => Some(Role::Maintainer),
            _ => None,
        },
        editable: author == "mara",
        deletable: author == "mara",
    }
}

pub(crate) const README: &str = r#"<h1>Tide API</h1><p>Tide tables and harbour depths over HTTP. Predictions come from <a href="https://example.org" rel="ugc nofollow">harmonic constituents</a>; depths from the last survey of each berth.</p><h2>Run it</h2><pre><code>docker run -p 8080:8080 \
  -v tides:/var/lib/tides \
  hub.example/harbour/tide-api:2.4
</code></pre><p>Then ask for a day:</p><pre><code>curl localhost:8080/v1/tides/brest?day=2026-11-22
</code></pre><h2>Settings</h2><table><thead><tr><th>Variable</th><th>Default</th><th>Meaning</th></tr></thead><tbody><tr><td><code>TIDES_DATA</code></td><td><code>/var/lib/tides</code></td><td>where the constituents are kept</td></tr><tr><td><code>TIDES_DATUM</code></td><td><code>lat</code></td><td>chart datum: <code>lat</code> or <code>msl</code></td></tr></tbody></table><ul><li>Answers are JSON or CSV.</li><li>Times are UTC, heights in metres.</li></ul><blockquote><p>Not to be used for navigation.</p></blockquote>"#;
