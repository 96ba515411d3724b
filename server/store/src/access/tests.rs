//! Tests of the policy against its table (`policy.txt`) and its general rules, and of lists against the policy.

use std::fmt::Write;

use model::oci::RepositoryName;
use model::page::PageRequest;
use model::repository::{CommentPolicy, RepositoryFilter, RepositorySort};
use model::role::{Role, Visibility};
use model::token::{TokenAction, TokenScope};
use proptest::prelude::*;
use registry::ledger::ListPage;

use super::*;
use crate::Error;
use crate::testing::{Fixture, each_database};

fn standing(signed_in: bool, role: Option<Role>, visibility: Visibility, comments: CommentPolicy) -> Standing {
    Standing { signed_in, role, allowed: AllowedActions::ALL, facts: Some(RepositoryFacts { visibility, comments }) }
}

const WHO: [(&str, bool, Option<Role>); 6] = [
    ("anonymous", false, None),
    ("stranger", true, None),
    ("reader", true, Some(Role::Reader)),
    ("writer", true, Some(Role::Writer)),
    ("maintainer", true, Some(Role::Maintainer)),
    ("owner", true, Some(Role::Owner)),
];

const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allowed => "allowed",
        Verdict::Absent => "absent",
        Verdict::Forbidden => "forbidden",
        Verdict::SignIn => "sign in",
    }
}

fn line(text: &mut String, words: impl IntoIterator<Item = String>) {
    let line = words.into_iter().fold(String::new(), |line, word| line + &format!("{word:<14}"));
    writeln!(text, "{}", line.trim_end()).unwrap();
}

fn table() -> String {
    let mut text = String::from("Who may do what\n\n");
    let needs = || NeedKind::ALL.map(|need| format!("{need:?}").to_lowercase());
    line(&mut text, ["visibility".to_owned(), "who".to_owned()].into_iter().chain(needs()));
    for visibility in Visibility::ALL {
        for (who, signed_in, role) in WHO {
            let standing = standing(signed_in, role, visibility, CommentPolicy::Everyone);
            let verdicts = NeedKind::ALL.map(|need| word(verdict(&standing, need)).to_owned());
            line(&mut text, [visibility.to_string(), who.to_owned()].into_iter().chain(verdicts));
        }
    }
    for (who, signed_in, role) in WHO {
        let standing = Standing { signed_in, role, allowed: AllowedActions::ALL, facts: None };
        let verdicts = NeedKind::ALL.map(|need| word(verdict(&standing, need)).to_owned());
        line(&mut text, ["missing".to_owned(), who.to_owned()].into_iter().chain(verdicts));
    }

    text.push_str("\nWho may comment\n\n");
    line(&mut text, ["visibility", "who", "everyone", "members", "off"].map(str::to_owned));
    for visibility in Visibility::ALL {
        for (who, signed_in, role) in WHO {
            let verdicts = CommentPolicy::ALL.map(|policy| {
                word(verdict(&standing(signed_in, role, visibility, policy), NeedKind::Comment)).to_owned()
            });
            line(&mut text, [visibility.to_string(), who.to_owned()].into_iter().chain(verdicts));
        }
    }

    text.push_str("\nWhat a token leaves of an owner\n\n");
    line(&mut text, ["visibility".to_owned(), "token".to_owned()].into_iter().chain(needs()));
    for visibility in [Visibility::Private, Visibility::Public] {
        let tokens = [None].into_iter().chain(TokenAction::ALL.map(Some));
        for token in tokens {
            let allowed = AllowedActions::of(|action| Some(action) == token);
            let standing =
                Standing { allowed, ..standing(true, Some(Role::Owner), visibility, CommentPolicy::Everyone) };
            let verdicts = NeedKind::ALL.map(|need| word(verdict(&standing, need)).to_owned());
            let token = token.map_or("none", TokenAction::as_str).to_owned();
            line(&mut text, [visibility.to_string(), token].into_iter().chain(verdicts));
        }
    }
    comments(&mut text);
    roles(&mut text);
    creation(&mut text);
    site(&mut text);
    text
}

fn comments(text: &mut String) {
    text.push_str("\nWho may edit and delete a comment in a public repository\n\n");
    line(text, ["who", "edit own", "edit other", "delete own", "delete other"].map(str::to_owned));
    for (who, signed_in, role) in WHO {
        let standing = standing(signed_in, role, Visibility::Public, CommentPolicy::Off);
        let verdicts = [CommentAct::Edit, CommentAct::Delete]
            .map(|act| [true, false].map(|own| word(comment_verdict(&standing, own, act)).to_owned()));
        line(text, [who.to_owned()].into_iter().chain(verdicts.into_iter().flatten()));
    }
}

fn roles(text: &mut String) {
    let ranks = || [None].into_iter().chain(Role::ALL.map(Some));
    let name = |role: Option<Role>| role.map_or("none", Role::as_str).to_owned();
    text.push_str("\nWho may change a role in a private repository\n\n");
    let head =
        ["who", "before"].map(str::to_owned).into_iter().chain(ranks().map(|after| format!("to {}", name(after))));
    line(text, head.chain(["leave".to_owned()]));
    for (who, signed_in, role) in WHO {
        let standing = standing(signed_in, role, Visibility::Private, CommentPolicy::Everyone);
        for before in ranks() {
            let others = ranks().map(|after| RoleChange { own: false, before, after });
            let changes = others.chain([RoleChange { own: true, before, after: None }]);
            let verdicts = changes.map(|change| word(role_verdict(&standing, change)).to_owned());
            line(text, [who.to_owned(), name(before)].into_iter().chain(verdicts));
        }
    }
}

fn creation(text: &mut String) {
    text.push_str("\nWho may create a repository in a namespace\n\n");
    line(text, ["who", "no token", "manage", "push", "pull"].map(str::to_owned));
    for (who, signed_in, role) in WHO {
        let tokens = [None, Some(TokenAction::Manage), Some(TokenAction::Push), Some(TokenAction::Pull)];
        let verdicts = tokens.map(|token| {
            let allowed = token.map_or(AllowedActions::ALL, |token| AllowedActions::of(|action| action == token));
            let standing = NamespaceStanding { signed_in, role, allowed };
            let [form, push] = [TokenAction::Manage, TokenAction::Push].map(|action| create_verdict(&standing, action));
            match [form, push].map(|verdict| verdict == Verdict::Allowed) {
                [true, true] => "both".to_owned(),
                [true, false] => "by form".to_owned(),
                [false, true] => "by push".to_owned(),
                [false, false] => word(form).to_owned(),
            }
        });
        line(text, [who.to_owned()].into_iter().chain(verdicts));
    }
}

fn site(text: &mut String) {
    text.push_str("\nWhat concerns no repository\n\n");
    line(text, ["who", "own account", "administer"].map(str::to_owned));
    let member = |admin, limited| SiteStanding::Member { admin, limited };
    for (who, standing) in [
        ("anonymous", SiteStanding::Anonymous),
        ("member", member(false, false)),
        ("  by token", member(false, true)),
        ("admin", member(true, false)),
        ("  by token", member(true, true)),
        ("system", SiteStanding::System),
    ] {
        let verdicts = SiteNeed::ALL.map(|need| word(site_verdict(standing, need)).to_owned());
        line(text, [who.to_owned()].into_iter().chain(verdicts));
    }
}

#[test]
fn the_policy_is_the_table_that_was_agreed_on() {
    let table = table();
    assert_eq!(table, include_str!("policy.txt"), "the policy now says:\n{table}");
}

fn any_standing() -> impl Strategy<Value = Standing> {
    let role = proptest::option::of(proptest::sample::select(Role::ALL.to_vec()));
    let visibility = proptest::sample::select(Visibility::ALL.to_vec());
    let comments = proptest::sample::select(CommentPolicy::ALL.to_vec());
    (any::<bool>(), role, visibility, comments, 0_u8..16).prop_map(|(signed_in, role, visibility, comments, bits)| {
        let allowed =
            AllowedActions::of(|action| bits >> TokenAction::ALL.iter().position(|a| *a == action).unwrap() & 1 == 1);
        Standing { allowed, ..standing(signed_in || role.is_some(), role, visibility, comments) }
    })
}

fn allowed(standing: Standing, need: NeedKind) -> bool {
    verdict(&standing, need) == Verdict::Allowed
}

proptest! {
    #[test]
    fn who_may_do_a_thing_may_do_it_with_a_greater_role(standing in any_standing(), need in 0_usize..9) {
        let need = NeedKind::ALL[need];
        for role in Role::ALL.into_iter().filter(|role| Some(*role) > standing.role) {
            let greater = Standing { role: Some(role), signed_in: true, ..standing };
            prop_assert!(!allowed(standing, need) || allowed(greater, need));
        }
    }

    #[test]
    fn who_may_do_a_thing_may_do_it_where_more_may_see(standing in any_standing(), need in 0_usize..9) {
        let need = NeedKind::ALL[need];
        let facts = standing.facts.unwrap();
        for visibility in Visibility::ALL.into_iter().filter(|visibility| *visibility > facts.visibility) {
            let wider = Standing { facts: Some(RepositoryFacts { visibility, ..facts }), ..standing };
            prop_assert!(!allowed(standing, need) || allowed(wider, need));
        }
    }

    #[test]
    fn a_token_never_grants(standing in any_standing(), need in 0_usize..9) {
        let need = NeedKind::ALL[need];
        let whole = Standing { allowed: AllowedActions::ALL, ..standing };
        prop_assert!(!allowed(standing, need) || allowed(whole, need));
    }

    #[test]
    fn what_is_hidden_answers_every_need_as_what_is_missing(standing in any_standing(), need in 0_usize..9) {
        let need = NeedKind::ALL[need];
        if !allowed(standing, NeedKind::See) {
            let missing = Standing { facts: None, ..standing };
            prop_assert_eq!(verdict(&standing, need), verdict(&missing, need));
        }
    }
}

/// Deterministic pseudo-random numbers.
struct Random(u64);

impl Random {
    fn throw(&mut self, sides: u64) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % sides).unwrap()
    }
}

async fn see(fixture: &Fixture, viewer: &Viewer, path: &RepositoryName) -> bool {
    match fixture.store.permit::<See>(viewer, path).await {
        Ok(_) => true,
        Err(Error::Absent) => false,
        Err(error) => panic!("{error}"),
    }
}

fn scoped(viewer: &Viewer, scopes: &[&str]) -> Viewer {
    viewer.clone().limited(scopes.iter().map(|scope| scope.parse::<TokenScope>().unwrap()).collect(), false)
}

each_database! {
    async fn lists_hold_exactly_what_the_viewer_may_see(fixture: &Fixture) {
        let mut dice = Random(7);
        let mut people = Vec::new();
        for name in ["ada", "ben", "cleo", "dora"] {
            people.push(fixture.person(name).await);
        }
        let root = fixture.administrator("root").await;
        let mut paths = Vec::new();
        for (number, owner) in people.iter().chain(&people).chain(&people).chain(&people).enumerate() {
            let visibility = Visibility::ALL[dice.throw(3)];
            let name = if number % 3 == 0 { format!("deep/r{number}") } else { format!("r{number}") };
            paths.push(fixture.repository(owner, &name, visibility).await);
            for who in &people {
                if who.account_id() != owner.account_id() && dice.throw(4) == 0 {
                    fixture.collaborator(owner, &paths[number], who, Role::ALL[dice.throw(3)]).await;
                }
            }
        }
        fixture.member(&people[0], &people[1], Role::Reader).await;
        fixture.member(&people[2], &people[0], Role::Maintainer).await;
        let (_, disabled) = people[3].account().map(|(id, name)| (id, name.to_string())).unwrap();
        fixture.store.disable_account(&root, &disabled, true).await.unwrap();

        let mut viewers = people.clone();
        viewers.extend([fixture.store.anonymous(), root.clone(), fixture.system.viewer("test")]);
        viewers.push(scoped(&people[0], &["ada/*:pull", "ben/**:push"]));
        viewers.push(scoped(&root, &["cleo/deep/*:manage"]));
        viewers.push(scoped(&people[1], &[]));
        paths.sort();
        let mut seen_in_all = 0;
        for viewer in &viewers {
            let scope = fixture.store.scope(viewer).await.unwrap();
            let mut seen = Vec::new();
            for path in &paths {
                // Public repositories that a token's scopes do not cover are readable, but not listed.
                if see(fixture, viewer, path).await && viewer.allowed(path.as_str()).any() {
                    seen.push(path.clone());
                }
            }
            seen_in_all += seen.len();
            assert_eq!(fixture.store.catalog(&scope, &ListPage { last: None, limit: 1_000 }).await.unwrap().items, seen);
            let filter = RepositoryFilter { sort: RepositorySort::Name, ..RepositoryFilter::default() };
            let mut page = PageRequest { limit: Some(3), cursor: None };
            let mut listed = Vec::new();
            loop {
                let answer = fixture.store.repositories(&scope, &filter, &page).await.unwrap();
                listed.extend(answer.items.into_iter().map(|repository| repository.path));
                match answer.next {
                    Some(next) => page.cursor = Some(next),
                    None => break,
                }
            }
            assert_eq!(listed, seen, "{viewer:?}");
            for path in &paths {
                let found = fixture.store.find(viewer, path).await.unwrap().unwrap();
                let namespace = people.iter().map(|owner| owner.account().unwrap());
                let mut namespace = namespace.filter(|(_, name)| name.as_str() == path.namespace()).map(|(id, _)| id.0);
                let (id, visibility) = (found.repository.0, found.facts.visibility);
                let grants = fixture.store.document_grants(&fixture.system, &[id]).await.unwrap();
                let grants = grants.into_values().flatten().collect();
                let held = document_terms(namespace.next(), visibility, grants);
                let terms = fixture.store.search_terms(&scope).await.unwrap();
                let matches = terms.is_none_or(|terms| terms.iter().any(|term| held.contains(term)));
                assert_eq!(matches && scope.covers(path.as_str()), seen.contains(path), "{viewer:?} {path}");
            }
        }
        assert!(seen_in_all > 20 && seen_in_all < viewers.len() * paths.len());
    }

    async fn a_token_for_something_else_reads_what_is_public_as_nobody(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let open = fixture.repository(&ada, "open", Visibility::Public).await;
        let inside = fixture.repository(&ada, "inside", Visibility::Internal).await;
        let narrow = scoped(&ada, &["ada/other:pull,push,delete,manage"]);
        let permit = fixture.store.permit::<Pull>(&narrow, &open).await.unwrap();
        assert_eq!((permit.viewer().actor(), permit.role()), (None, None));
        assert!(matches!(fixture.store.permit::<Push>(&narrow, &open).await, Err(Error::Absent)));
        assert!(matches!(fixture.store.permit::<See>(&narrow, &inside).await, Err(Error::Absent)));
        assert_eq!(permit.abilities(), model::repository::Abilities::default());
        assert!(!permit.viewer().is_signed_in());
        let named = scoped(&ada, &["ada/open:pull"]);
        assert_eq!(fixture.store.permit::<Pull>(&named, &open).await.unwrap().role(), Some(Role::Owner));
    }

    async fn a_stranger_cannot_tell_a_private_repository_from_a_missing_one(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let eve = fixture.person("eve").await;
        let hidden = fixture.repository(&ada, "hidden", Visibility::Private).await;
        let missing = RepositoryName::parse("ada/missing").unwrap();
        let now = fixture.store.clock().now();
        for viewer in [eve, fixture.store.anonymous()] {
            for path in [&hidden, &missing] {
                assert!(matches!(fixture.store.permit::<See>(&viewer, path).await, Err(Error::Absent)));
                assert!(matches!(fixture.store.permit::<Own>(&viewer, path).await, Err(Error::Absent)));
                assert!(matches!(fixture.store.permit::<Participate>(&viewer, path).await, Err(Error::Absent)));
                assert!(matches!(fixture.store.push_permit(&viewer, path, now).await, Err(Error::Absent)));
            }
        }
        assert_eq!(fixture.rows("repository").await, 1);
    }

    async fn a_role_that_changes_here_counts_at_once(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let ben = fixture.person("ben").await;
        let path = fixture.repository(&ada, "app", Visibility::Private).await;
        assert!(!see(fixture, &ben, &path).await);
        fixture.collaborator(&ada, &path, &ben, Role::Reader).await;
        assert!(see(fixture, &ben, &path).await);
        let manage = fixture.store.permit::<Manage>(&ada, &path).await.unwrap();
        fixture.store.remove_collaborator(&manage, "ben").await.unwrap();
        assert!(!see(fixture, &ben, &path).await);
    }

    async fn a_one_word_name_is_looked_for_in_the_library(fixture: &Fixture) {
        let root = fixture.administrator("root").await;
        let name = RepositoryName::parse("busybox").unwrap();
        let now = fixture.store.clock().now();
        let permit = fixture.store.push_permit(&root, &name, now).await.unwrap();
        assert_eq!(permit.path().as_str(), "library/busybox");
        fixture.publish().await;
        let seen = fixture.store.permit::<Pull>(&fixture.store.anonymous(), &name).await.unwrap();
        assert!(fixture.store.repository(&seen.narrow()).await.unwrap().official);
    }
}
