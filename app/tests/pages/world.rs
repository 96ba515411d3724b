//! A portal with fixed data for rendering pages as different visitors. Its access control is minimal: it hides
//! repositories by their visibility, and lets only [`Visitor::Owner`] change them.

use std::sync::{Arc, Mutex};

use app::portal::{Accounts, Answer, Comments, Flash, Images, PortalResult, Repositories, Search, Site, TagFilter};
use async_trait::async_trait;
use model::account::{Account, CreatedInvitation, Invitation, Me, NewInvitation, ProfilePatch, Registration, SignUp};
use model::clock::Timestamp;
use model::comment::{Comment, NewComment, Thread};
use model::fault::{Fault, FaultCode};
use model::id::{CommentId, TokenId};
use model::image::{Image, ImageConfig, Layer, PlatformImage, Referrer, Tag};
use model::language::Language;
use model::oci::{Reference, RepositoryName};
use model::page::{Page, PageRequest};
use model::reason::Reason;
use model::repository::{
    Abilities, Collaborator, Freeable, NewRepository, Overview, Repository, RepositoryFilter, RepositoryHead,
    RepositoryPatch,
};
use model::role::{Role, Visibility};
use model::search::{Facet, FacetValue, Fragment, SearchHit, SearchRequest, SearchResults};
use model::token::{CreatedToken, NewToken, Token};

use crate::sample::{DAY, HOUR, README, account, ago, all, chart, comment, digest, tag};

/// The viewer of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Visitor {
    Nobody,
    Stranger,
    Owner,
}

/// What a page changed in the response.
#[derive(Debug, Default)]
pub(crate) struct ResponseChanges {
    pub status: Option<u16>,
    pub redirect: Option<String>,
}

/// The portal of one request.
pub(crate) struct World {
    pub visitor: Visitor,
    pub path: String,
    pub came_from: String,
    pub registration: Registration,
    pub bare: bool,
    pub language: Language,
    pub flash: Mutex<Option<Flash>>,
    pub done: Mutex<ResponseChanges>,
}

impl World {
    pub(crate) fn new(visitor: Visitor, path: &str) -> Self {
        Self {
            visitor,
            path: path.to_owned(),
            came_from: "/".to_owned(),
            registration: Registration::Open,
            bare: false,
            language: Language::English,
            flash: Mutex::new(None),
            done: Mutex::new(ResponseChanges::default()),
        }
    }
}

pub(crate) fn site() -> Arc<Site> {
    Arc::new(Site {
        public_url: "https://hub.example".into(),
        registry_host: "hub.example".into(),
        version: "0.1.0".into(),
        stylesheet: "/static/portolan.css".into(),
        icons: "/static/icons.svg".into(),
        favicon: "/static/favicon.svg".into(),
        islands: None,
    })
}

impl World {
    fn me(&self) -> Option<Me> {
        let name = match self.visitor {
            Visitor::Nobody => return None,
            Visitor::Stranger => "tomas",
            Visitor::Owner => "mara",
        };
        Some(Me {
            account: account(name),
            email: format!("{name}@hub.example"),
            email_confirmed: true,
            admin: false,
            language: None,
        })
    }

    fn seen(&self, path: &RepositoryName) -> PortalResult<RepositoryHead> {
        // A renamed repository is also found by its former name.
        let wanted = if path.as_str() == "harbour/old-tides" { "harbour/tide-api" } else { path.as_str() };
        let mut repository =
            all().into_iter().find(|repository| repository.path.as_str() == wanted).ok_or_else(Fault::not_found)?;
        if self.bare {
            repository.pushed_at = None;
        }
        let owner = self.visitor == Visitor::Owner;
        let visible = match repository.visibility {
            Visibility::Public => true,
            Visibility::Internal => self.visitor != Visitor::Nobody,
            Visibility::Private => owner,
        };
        if !visible {
            return Err(Fault::not_found());
        }
        let signed_in = self.visitor != Visitor::Nobody;
        let owner_of = account(repository.namespace.as_str());
        Ok(RepositoryHead {
            repository,
            abilities: Abilities {
                star: signed_in,
                comment: signed_in,
                push: owner,
                delete: owner,
                manage: owner,
                own: owner,
            },
            comment_count: if self.bare { 0 } else { 4 },
            owner: owner_of,
        })
    }

    fn some<T>(&self, items: Vec<T>) -> Vec<T> {
        if self.bare { Vec::new() } else { items }
    }
}

#[async_trait]
impl Accounts for World {
    async fn me(&self) -> PortalResult<Option<Me>> {
        crate::later().await;
        Ok(World::me(self))
    }
    async fn account(&self, name: &str) -> PortalResult<Account> {
        crate::later().await;
        match name {
            "mara" | "harbour" | "tomas" => Ok(account(name)),
            _ => Err(Fault::not_found()),
        }
    }
    async fn registration(&self) -> PortalResult<Registration> {
        Ok(self.registration)
    }
    async fn invitation(&self, secret: &str) -> PortalResult<Option<String>> {
        match secret {
            "good" => Ok(Some("guest@hub.example".to_owned())),
            _ => Err(Fault::new(FaultCode::Forbidden, Reason::InvitationInvalid)),
        }
    }
    async fn invitations(&self, _: PageRequest) -> PortalResult<Page<Invitation>> {
        let invitation = |id: &str, email: Option<&str>, by: Option<&str>| Invitation {
            id: id.to_owned(),
            email: email.map(str::to_owned),
            created_by: by.map(|name| name.parse().unwrap()),
            created_at: ago(DAY),
            expires_at: ago(-6 * DAY),
        };
        let items = vec![invitation("2", Some("guest@hub.example"), Some("mara")), invitation("1", None, None)];
        Ok(Page { items: self.some(items), next: None })
    }
    async fn invite(&self, _: NewInvitation) -> PortalResult<CreatedInvitation> {
        Err(Fault::internal())
    }
    async fn revoke_invitation(&self, _: &str) -> PortalResult<()> {
        Err(Fault::internal())
    }
    async fn setup_open(&self, secret: &str) -> PortalResult<()> {
        if secret == "good" { Ok(()) } else { Err(Fault::new(FaultCode::Forbidden, Reason::SetupLinkInvalid)) }
    }
    async fn sign_up(&self, _: SignUp) -> PortalResult<Me> {
        Err(Fault::conflict("name", Reason::AccountNameTaken))
    }
    async fn set_up(&self, _: &str, _: SignUp) -> PortalResult<Me> {
        Err(Fault::internal())
    }
    async fn sign_in(&self, _: &str, _: &str) -> PortalResult<Me> {
        Err(Fault::new(FaultCode::SignIn, Reason::WrongCredentials))
    }
    async fn sign_out(&self) -> PortalResult<()> {
        Ok(())
    }
    async fn update_profile(&self, _: ProfilePatch) -> PortalResult<Me> {
        Err(Fault::internal())
    }
    async fn set_language(&self, _: Option<Language>) -> PortalResult<()> {
        Err(Fault::internal())
    }
    async fn change_password(&self, _: &str, _: &str) -> PortalResult<()> {
        Err(Fault::internal())
    }
    async fn tokens(&self) -> PortalResult<Vec<Token>> {
        let token = |id, label: &str, scopes: &[&str], expires_at, last_used_at| Token {
            id: TokenId(id),
            label: label.to_owned(),
            scopes: scopes.iter().map(|scope| scope.parse().unwrap()).collect(),
            expires_at,
            last_used_at,
            created_at: ago(20 * DAY),
        };
        Ok(self.some(vec![
            token(1, "Laptop", &[], None, Some(ago(HOUR))),
            token(2, "Nightly build", &["harbour/*:pull,push", "mara/charts:pull"], Some(ago(-70 * DAY)), None),
        ]))
    }
    async fn create_token(&self, _: NewToken) -> PortalResult<CreatedToken> {
        Err(Fault::internal())
    }
    async fn create_token_once(&self, _: NewToken) -> PortalResult<CreatedToken> {
        Err(Fault::internal())
    }
    async fn revoke_token(&self, _: TokenId) -> PortalResult<()> {
        Err(Fault::internal())
    }
}

#[async_trait]
impl Repositories for World {
    async fn repositories(&self, filter: RepositoryFilter, _: PageRequest) -> PortalResult<Page<Repository>> {
        crate::later().await;
        let mut items = all();
        items.retain(|item| self.seen(&item.path).is_ok());
        if let Some(namespace) = filter.namespace {
            items.retain(|item| item.namespace.as_str() == namespace);
        }
        if filter.mine {
            items.retain(|item| matches!(item.namespace.as_str(), "mara" | "harbour"));
        }
        if filter.starred_by.is_some() {
            items.truncate(2);
        }
        Ok(Page { items: self.some(items), next: None })
    }
    async fn namespaces(&self) -> PortalResult<Vec<Account>> {
        Ok(vec![account("mara"), account("harbour")])
    }
    async fn head(&self, path: &RepositoryName) -> PortalResult<RepositoryHead> {
        crate::later().await;
        self.seen(path)
    }
    async fn overview(&self, path: &RepositoryName) -> PortalResult<Overview> {
        crate::later().await;
        Ok(Overview {
            head: self.seen(path)?,
            source: "# Tide API\n\nTide tables.\n".into(),
            html: if self.bare { String::new() } else { README.to_owned() },
            latest: (!self.bare).then(|| tag("2.4.1", 'a', 40_055_603, 5 * HOUR)),
            platforms: self.some(vec!["linux/amd64".into(), "linux/arm64".into()]),
        })
    }
    async fn create_repository(&self, _: NewRepository) -> PortalResult<Repository> {
        Err(Fault::internal())
    }
    async fn update_repository(&self, _: &RepositoryName, _: RepositoryPatch) -> PortalResult<Repository> {
        Err(Fault::internal())
    }
    async fn rename_repository(&self, _: &RepositoryName, _: &str) -> PortalResult<Repository> {
        Err(Fault::internal())
    }
    async fn freed_by_repository(&self, _: &RepositoryName) -> PortalResult<Freeable> {
        Ok(Freeable { blobs: 12, bytes: 412_300_000, is_exact: false, more: false })
    }
    async fn delete_repository(&self, _: &RepositoryName) -> PortalResult<()> {
        Err(Fault::internal())
    }
    async fn set_star(&self, _: &RepositoryName, _: bool) -> PortalResult<u64> {
        Err(Fault::internal())
    }
    async fn collaborators(&self, _: &RepositoryName, _: PageRequest) -> PortalResult<Page<Collaborator>> {
        let one = |name: &str, role| Collaborator { account: account(name), role, since: ago(40 * DAY) };
        let items = self.some(vec![one("olaf", Role::Maintainer), one("tomas", Role::Reader)]);
        Ok(Page { items, next: (!self.bare).then(|| "tomas".to_owned()) })
    }
    async fn set_collaborator(&self, _: &RepositoryName, _: &str, _: Role) -> PortalResult<()> {
        Err(Fault::internal())
    }
    async fn remove_collaborator(&self, _: &RepositoryName, _: &str) -> PortalResult<()> {
        Err(Fault::internal())
    }
}

#[async_trait]
impl Images for World {
    async fn freed_by_tag(&self, _: &RepositoryName, _: &str) -> PortalResult<Option<Freeable>> {
        Ok((!self.bare).then_some(Freeable { blobs: 3, bytes: 38_400_000, is_exact: true, more: false }))
    }
    async fn tags(&self, _: &RepositoryName, _: TagFilter, _: PageRequest) -> PortalResult<Page<Tag>> {
        crate::later().await;
        let items = vec![
            tag("2.4.1", 'a', 40_055_603, 5 * HOUR),
            tag("2.4", 'a', 40_055_603, 5 * HOUR),
            tag("latest", 'a', 40_055_603, 5 * HOUR),
            tag("2.4.0", 'b', 39_950_000, 6 * DAY),
            tag("2.3.2", 'c', 43_000_000, 22 * DAY),
            tag("2.3", 'c', 43_000_000, 22 * DAY),
            tag("edge", 'd', 41_600_000, 61 * DAY),
        ];
        Ok(Page { items: self.some(items), next: (!self.bare).then(|| "edge".to_owned()) })
    }
    async fn image(&self, _: &RepositoryName, reference: &Reference) -> PortalResult<Image> {
        crate::later().await;
        if reference.to_string() == "chart" {
            return Ok(chart());
        }
        let index = matches!(reference, Reference::Tag(_));
        let layer = |fill, size, created_by: &str| Layer {
            digest: digest(fill),
            media_type: "application/vnd.oci.image.layer.v1.tar+gzip".into(),
            size,
            created_by: created_by.to_owned(),
            title: String::new(),
        };
        let long = "RUN /bin/sh -c adduser -D -u 10001 tides && chown -R tides /var/lib/tides && find /var/lib/tides \
                    -type f -name '*.json' -exec chmod 0644 {} + && /usr/bin/tides-verify --all --datum lat --strict \
                    /var/lib/tides/europe /var/lib/tides/atlantic # buildkit";
        Ok(Image {
            digest: digest('a'),
            media_type: "application/vnd.oci.image.index.v1+json".into(),
            artifact_type: None,
            subject: None,
            size: 40_055_603,
            tags: ["2.4.1", "2.4", "latest"].map(|tag| model::oci::Tag::parse(tag).unwrap()).to_vec(),
            pushed_at: ago(5 * HOUR),
            platforms: if index {
                [("linux/amd64", 'e'), ("linux/arm64", 'f'), ("unknown/unknown", '0')]
                    .map(|(platform, fill)| PlatformImage {
                        platform: platform.into(),
                        digest: digest(fill),
                        size: 20_000_000,
                    })
                    .to_vec()
            } else {
                Vec::new()
            },
            config: (!index).then(|| ImageConfig {
                platform: "linux/amd64".into(),
                created: Some(ago(6 * HOUR)),
                entrypoint: vec!["/usr/local/bin/tide-api".into()],
                cmd: vec!["--listen".into(), ":8080".into()],
                env: vec!["PATH=/usr/local/bin:/usr/bin:/bin".into(), "TIDES_DATA=/var/lib/tides".into()],
                ports: vec!["8080/tcp".into()],
                volumes: vec!["/var/lib/tides".into()],
                user: "tides".into(),
                working_dir: "/srv".into(),
                labels: vec![(
                    "org.opencontainers.image.source".into(),
                    "https://git.hub.example/harbour/tide-api".into(),
                )],
            }),
            layers: if index {
                Vec::new()
            } else {
                vec![
                    layer('1', 3_560_000, "ADD alpine-minirootfs-3.20.3-x86_64.tar.gz / # buildkit"),
                    layer('2', 1_258_000, "RUN /bin/sh -c apk add --no-cache ca-certificates tzdata # buildkit"),
                    layer('3', 22_650_000, "COPY constituents/ /var/lib/tides/ # buildkit"),
                    layer('4', 209_000, long),
                    layer('5', 12_370_000, "COPY --chmod=755 target/release/tide-api /usr/local/bin/tide-api"),
                ]
            },
            referrers: if index {
                vec![Referrer {
                    digest: digest('9'),
                    artifact_type: "application/vnd.dev.cosign.artifact.sig.v1+json".into(),
                    size: 1_803,
                }]
            } else {
                Vec::new()
            },
            annotations: Vec::new(),
        })
    }
    async fn delete_tag(&self, _: &RepositoryName, _: &str) -> PortalResult<()> {
        Err(Fault::internal())
    }
}

#[async_trait]
impl Comments for World {
    async fn threads(&self, _: &RepositoryName, _: PageRequest) -> PortalResult<Page<Thread>> {
        crate::later().await;
        let first = Thread {
            root: comment(
                1,
                "ines",
                3 * DAY,
                "<p>Does <code>2.4</code> still read the old <code>constituents.json</code>? After the upgrade Brest \
                 is six minutes early.</p>",
                None,
            ),
            replies: vec![
                comment(
                    2,
                    "olaf",
                    2 * DAY,
                    "<p>It does, but the datum changed: set <code>TIDES_DATUM=lat</code>. Mended in 2.4.1.</p>",
                    Some(1),
                ),
                comment(3, "mara", 2 * DAY - HOUR, "<p>Added to the README, thank you.</p>", Some(1)),
            ],
        };
        let second = comment(
            4,
            "tomas",
            5 * HOUR,
            "<p>Works well on a Pi 4. Could there be an <strong>arm/v7</strong> build?</p>",
            None,
        );
        Ok(Page { items: self.some(vec![first, Thread { root: second, replies: Vec::new() }]), next: None })
    }
    async fn post_comment(&self, _: &RepositoryName, _: NewComment) -> PortalResult<Comment> {
        Err(Fault::internal())
    }
    async fn edit_comment(&self, _: &RepositoryName, _: CommentId, _: &str) -> PortalResult<Comment> {
        Err(Fault::internal())
    }
    async fn delete_comment(&self, _: &RepositoryName, _: CommentId) -> PortalResult<()> {
        Err(Fault::internal())
    }
    async fn preview(&self, markdown: &str) -> PortalResult<String> {
        Ok(format!("<p>rendered {markdown}</p>"))
    }
}

#[async_trait]
impl Search for World {
    async fn search(&self, request: SearchRequest) -> PortalResult<SearchResults> {
        crate::later().await;
        let hits: Vec<SearchHit> = all()
            .into_iter()
            .filter(|repository| self.seen(&repository.path).is_ok())
            .map(|repository| SearchHit {
                excerpt: repository
                    .description
                    .split_inclusive(' ')
                    .map(|word| Fragment { text: word.to_owned(), marked: word.to_lowercase().starts_with("tide") })
                    .collect(),
                platforms: Vec::new(),
                repository,
            })
            .collect();
        let value = |value: &str, count| FacetValue { value: value.to_owned(), count };
        Ok(SearchResults {
            total: if self.bare { 0 } else { 23 },
            hits: self.some(hits),
            facets: self.some(vec![
                Facet {
                    qualifier: "ns".into(),
                    values: vec![value("mara", 12), value("harbour", 8), value("nordlys", 3)],
                },
                Facet { qualifier: "arch".into(), values: vec![value("amd64", 22), value("arm64", 17)] },
            ]),
            page: request.page.max(1),
            pages: if self.bare { 0 } else { 2 },
        })
    }
    async fn suggest(&self, _: &str) -> PortalResult<Vec<Repository>> {
        Ok(all())
    }
}

#[async_trait]
impl Answer for World {
    fn status(&self, status: u16) {
        self.done.lock().unwrap().status = Some(status);
    }
    fn redirect(&self, path: &str) {
        self.done.lock().unwrap().redirect = Some(path.to_owned());
    }
    fn came_from(&self) -> String {
        self.came_from.clone()
    }
    fn path(&self) -> String {
        self.path.clone()
    }
    fn scripted(&self) -> bool {
        false
    }
    fn language(&self) -> Language {
        self.language
    }
    fn keep_language(&self, _: Option<Language>) {}
    fn theme(&self) -> &'static str {
        "auto"
    }
    fn set_theme(&self, _: &str) {}
    fn now(&self) -> Timestamp {
        ago(0)
    }
    fn request_id(&self) -> String {
        "01J9".into()
    }
    fn show(&self, path: &str, flash: Flash) {
        self.done.lock().unwrap().redirect = Some(path.to_owned());
        *self.flash.lock().unwrap() = Some(flash);
    }
    fn shown(&self) -> Option<String> {
        None
    }
    async fn set_flash(&self, flash: Flash) -> PortalResult<()> {
        *self.flash.lock().unwrap() = Some(flash);
        Ok(())
    }
    async fn set_waiting(&self, flash: Flash) -> PortalResult<()> {
        self.set_flash(flash).await
    }
    async fn take_flash(&self) -> PortalResult<Option<Flash>> {
        Ok(self.flash.lock().unwrap().take())
    }
}
