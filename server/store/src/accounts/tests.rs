//! Tests of accounts on both databases: signing up, invitations, administration and profiles.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use model::account::{Invitation, NewInvitation, ProfilePatch, Registration, SignUp};
use model::fault::{Fault, FaultCode};
use model::page::{Page, PageRequest};
use model::reason::Reason;
use model::role::Visibility;
use model::token::NewToken;
use sea_orm::ConnectionTrait;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};

use crate::access::{Delete, Own, Pull, Push, See, Viewer};
use crate::sessions::{ACCOUNT, Sessions};
use crate::testing::{Fixture, each_database};
use crate::{Error, Result};

mod sign_in;
mod tokens;

const PASSWORD: &str = "correct horse battery";

fn form(name: &str) -> SignUp {
    let email = format!("{name}@example.org");
    SignUp { name: name.to_owned(), email, password: PASSWORD.to_owned(), invitation: None }
}

async fn sign_up(fixture: &Fixture, name: &str) -> Viewer {
    fixture.store.sign_up(&form(name), Registration::Open).await.unwrap()
}

fn fault<T>(answer: Result<T>) -> Fault {
    answer.err().expect("it was refused").into()
}

fn fields(fault: &Fault) -> Vec<&str> {
    fault.fields.iter().map(|field| field.field.as_str()).collect()
}

fn name(viewer: &Viewer) -> Option<String> {
    viewer.account().map(|(_, name)| name.to_string())
}

fn record(viewer: &Viewer, fixture: &Fixture) -> Record {
    let data = [(ACCOUNT.to_owned(), viewer.account().unwrap().0.0.into())].into();
    let expiry_date = fixture.store.clock().now().plus(Duration::from_hours(1)).date();
    Record { id: Id::default(), data, expiry_date }
}

async fn invite(fixture: &Fixture, by: &Viewer, email: Option<&str>) -> String {
    let form = NewInvitation { email: email.map(str::to_owned), expires_at: None };
    fixture.store.invite(by, &form, Registration::Invitation).await.unwrap().1
}

async fn valid(fixture: &Fixture, secret: &str) -> crate::Result<Option<String>> {
    fixture.store.invitation(secret, Registration::Invitation).await
}

each_database! {
    async fn sign_up_does_not_tell_which_addresses_have_accounts(fixture: &Fixture) {
        let root = fixture.administrator("root").await;
        fixture.store.create_account(&root, &form("ada"), false).await.unwrap();
        // Neither signing up with the address nor signing in with it afterwards depends on the other account.
        for (name, email) in [("ben", "ADA@example.org"), ("cleo", "unknown@example.org")] {
            let form = SignUp { email: email.to_owned(), password: "another password".to_owned(), ..form(name) };
            fixture.store.sign_up(&form, Registration::Open).await.unwrap();
            let refused = fault(fixture.store.sign_in(email, "another password", None).await);
            assert_eq!(refused.code, FaultCode::SignIn);
        }
        let ada = fixture.store.sign_in("ada@example.org", PASSWORD, None).await.unwrap();
        assert_eq!(name(&ada).unwrap(), "ada");
        let taken = fault(fixture.store.confirm_email(&root, "ben").await);
        assert_eq!((taken.code, fields(&taken)), (FaultCode::Conflict, vec!["email"]));
    }

    async fn a_taken_name_or_confirmed_address_is_a_conflict_on_its_field(fixture: &Fixture) {
        let root = fixture.administrator("root").await;
        fixture.store.create_account(&root, &form("ada"), false).await.unwrap();
        let name = fault(fixture.store.sign_up(&form("ada"), Registration::Open).await);
        assert_eq!((name.code, fields(&name)), (FaultCode::Conflict, vec!["name"]));
        let other = SignUp { email: "ADA@example.org".to_owned(), ..form("ben") };
        let address = fault(fixture.store.create_account(&root, &other, false).await);
        assert_eq!((address.code, fields(&address)), (FaultCode::Conflict, vec!["email"]));
    }

    async fn everything_that_is_wrong_with_a_form_is_told_at_once(fixture: &Fixture) {
        let form = SignUp { email: "nobody".to_owned(), password: "short".to_owned(), ..form("library") };
        let fault = fault(fixture.store.sign_up(&form, Registration::Open).await);
        assert_eq!((fault.code, fields(&fault)), (FaultCode::Invalid, vec!["name", "email", "password"]));
    }

    async fn an_invitation_lets_one_person_in(fixture: &Fixture) {
        let root = fixture.administrator("root").await;
        let secret = invite(fixture, &root, None).await;
        valid(fixture, &secret).await.unwrap();
        let uninvited = fault(fixture.store.sign_up(&form("eve"), Registration::Invitation).await);
        assert_eq!(uninvited.code, FaultCode::Forbidden);
        let invited = |name| SignUp { invitation: Some(secret.clone()), ..form(name) };
        let (ada, ben) = (invited("ada"), invited("ben"));
        let both = tokio::join!(
            fixture.store.sign_up(&ada, Registration::Invitation),
            fixture.store.sign_up(&ben, Registration::Invitation),
        );
        assert_eq!(usize::from(both.0.is_ok()) + usize::from(both.1.is_ok()), 1);
        assert!(valid(fixture, &secret).await.is_err());
        let late = invite(fixture, &root, None).await;
        fixture.pass(Duration::from_hours(8 * 24));
        assert!(valid(fixture, &late).await.is_err());
        // The command line has no account.
        let from_system = invite(fixture, &fixture.system.viewer("test"), None).await;
        valid(fixture, &from_system).await.unwrap();
        assert_eq!(fixture.store.sweep_invitations(&fixture.system).await.unwrap(), 2);
        valid(fixture, &from_system).await.unwrap();
    }

    async fn an_invitation_to_an_address_confirms_it(fixture: &Fixture) {
        let root = fixture.administrator("root").await;
        for (name, registration) in [("ada", Registration::Invitation), ("ben", Registration::Open)] {
            let secret = invite(fixture, &root, Some(&format!(" {name}@Example.org"))).await;
            assert_eq!(valid(fixture, &secret).await.unwrap(), Some(format!("{name}@example.org")));
            let form = SignUp { invitation: Some(secret), ..form(name) };
            fixture.store.sign_up(&form, registration).await.unwrap();
            fixture.store.sign_in(&form.email, PASSWORD, None).await.unwrap();
        }
        let secret = invite(fixture, &root, Some("cleo@example.org")).await;
        let other = SignUp { email: "other@example.org".to_owned(), invitation: Some(secret), ..form("cleo") };
        let cleo = fixture.store.sign_up(&other, Registration::Invitation).await.unwrap();
        assert!(!fixture.store.me(&cleo).await.unwrap().email_confirmed);
    }

    async fn invitations_are_listed_by_page_until_they_are_used_revoked_or_expired(fixture: &Fixture) {
        let root = fixture.administrator("root").await;
        let store = &fixture.store;
        for name in ["ada", "ben", "cleo"] {
            invite(fixture, &root, Some(&format!("{name}@example.org"))).await;
        }
        let first = store.invitations(&root, &PageRequest { limit: Some(2), cursor: None }).await.unwrap();
        let page = PageRequest { limit: Some(2), cursor: first.next.clone() };
        let second = store.invitations(&root, &page).await.unwrap();
        let addresses = |page: &Page<Invitation>| page.items.iter().filter_map(|item| item.email.clone()).collect::<Vec<_>>();
        assert_eq!(addresses(&first), ["cleo@example.org", "ben@example.org"]);
        assert_eq!((addresses(&second), second.next), (vec!["ada@example.org".to_owned()], None));
        assert_eq!(first.items[0].created_by.as_ref().unwrap().as_str(), "root");

        let secret = invite(fixture, &root, None).await;
        let id = store.invitations(&root, &PageRequest::default()).await.unwrap().items[0].id.clone();
        store.revoke_invitation(&root, &id).await.unwrap();
        assert!(valid(fixture, &secret).await.is_err());
        for gone in [id.as_str(), "", "no id"] {
            assert!(matches!(store.revoke_invitation(&root, gone).await, Err(Error::Absent)), "{gone}");
        }
        let wrong = PageRequest { limit: None, cursor: Some("x".to_owned()) };
        assert_eq!(fields(&fault(store.invitations(&root, &wrong).await)), ["cursor"]);
        fixture.pass(Duration::from_hours(8 * 24));
        assert!(store.invitations(&root, &PageRequest::default()).await.unwrap().items.is_empty());
    }

    async fn an_invitation_expires_within_a_year_and_is_refused_for_nobody(fixture: &Fixture) {
        let root = fixture.administrator("root").await;
        let now = fixture.store.clock().now();
        for (email, days, field) in [(None, 0, "expires_at"), (None, 366, "expires_at"), (Some("nobody"), 1, "email")] {
            let expires_at = Some(now.plus(Duration::from_hours(days * 24)));
            let form = NewInvitation { email: email.map(str::to_owned), expires_at };
            let refused = fault(fixture.store.invite(&root, &form, Registration::Invitation).await);
            assert_eq!((refused.code, fields(&refused)), (FaultCode::Invalid, vec![field]));
        }
    }

    async fn where_sign_up_is_closed_only_administrators_make_accounts(fixture: &Fixture) {
        let closed = fault(fixture.store.sign_up(&form("eve"), Registration::Closed).await);
        assert_eq!(closed.code, FaultCode::Forbidden);
        let root = fixture.administrator("root").await;
        fixture.store.create_account(&root, &form("ada"), false).await.unwrap();
        let ada = fixture.store.sign_in("ada", PASSWORD, None).await.unwrap();
        assert!(matches!(fixture.store.create_account(&ada, &form("ben"), true).await, Err(Error::Forbidden)));
        let new = NewInvitation::default();
        let by_member = fixture.store.invite(&ada, &new, Registration::Open).await;
        assert!(matches!(by_member, Err(Error::Forbidden)));
        assert!(matches!(fixture.store.invitations(&ada, &PageRequest::default()).await, Err(Error::Forbidden)));
        assert!(matches!(fixture.store.revoke_invitation(&ada, "x").await, Err(Error::Forbidden)));
        // Nobody is invited where nobody may sign up.
        let secret = invite(fixture, &root, None).await;
        let closed = [
            fault(fixture.store.invite(&root, &new, Registration::Closed).await),
            fault(fixture.store.invitation(&secret, Registration::Closed).await),
        ];
        assert!(closed.iter().all(|fault| fault.code == FaultCode::Forbidden), "{closed:?}");
        assert!(matches!(fixture.store.accounts(&fixture.store.anonymous()).await, Err(Error::SignIn)));
    }

    async fn the_setup_secret_makes_one_administrator(fixture: &Fixture) {
        let old = fixture.store.setup_secret().await.unwrap().unwrap();
        let secret = fixture.store.setup_secret().await.unwrap().unwrap();
        assert!(fixture.store.setup_open(&old).await.is_err());
        assert!(fixture.store.set_up("guess", &form("eve")).await.is_err());
        let root = fixture.store.set_up(&secret, &form("root")).await.unwrap();
        assert!(root.is_admin() && fixture.store.me(&root).await.unwrap().admin);
        assert!(fixture.store.set_up(&secret, &form("eve")).await.is_err());
        assert_eq!(fixture.store.setup_secret().await.unwrap(), None);
    }

    async fn a_disabled_account_opens_nothing(fixture: &Fixture) {
        let root = fixture.administrator("root").await;
        let ada = sign_up(fixture, "ada").await;
        let path = fixture.repository(&ada, "app", Visibility::Private).await;
        let secret = fixture.store.create_token(&ada, &NewToken {
            label: "all".to_owned(), scopes: Vec::new(), expires_at: None,
        }).await.unwrap().secret;
        let refresh = fixture.store.issue_refresh(&ada, "hub").await.unwrap();
        let mut session = record(&ada, fixture);
        Sessions::new(fixture.store.clone()).create(&mut session).await.unwrap();
        let id = session.id.to_string();
        assert!(fixture.store.session_viewer(&id).await.unwrap().is_signed_in());

        fixture.store.disable_account(&root, "ada", true).await.unwrap();
        assert_eq!(fault(fixture.store.sign_in("ada", PASSWORD, None).await).code, FaultCode::SignIn);
        assert!(matches!(fixture.store.secret_viewer(&secret).await, Err(Error::SignIn)));
        assert!(matches!(fixture.store.refresh_viewer(&refresh, "hub").await, Err(Error::SignIn)));
        assert!(!fixture.store.session_viewer(&id).await.unwrap().is_signed_in());
        // Viewers created before the account was disabled get no permits either.
        assert!(matches!(fixture.store.permit::<See>(&ada, &path).await, Err(Error::Absent)));
        assert!(matches!(fixture.store.me(&ada).await, Err(Error::SignIn)));
        let stranger = fixture.person("ben").await;
        assert!(matches!(fixture.store.account(&stranger, "ada").await, Err(Error::Absent)));

        fixture.store.disable_account(&root, "ada", false).await.unwrap();
        fixture.store.sign_in("ada", PASSWORD, None).await.unwrap();
        assert!(fixture.store.disable_account(&root, "root", true).await.is_err());
    }

    async fn the_last_administrator_who_can_sign_in_stays(fixture: &Fixture) {
        let system = fixture.system.viewer("test");
        let disable = |name| fixture.store.disable_account(&system, name, true);
        // `root` has no password, so it does not count as an administrator who can sign in.
        fixture.administrator("root").await;
        for name in ["ada", "ben"] {
            fixture.store.create_account(&system, &form(name), true).await.unwrap();
        }
        disable("root").await.unwrap();
        let both = tokio::join!(disable("ada"), disable("ben"));
        let refused = [both.0, both.1].into_iter().filter_map(Result::err).map(Fault::from).collect::<Vec<_>>();
        assert_eq!(refused.iter().map(|fault| fault.code).collect::<Vec<_>>(), [FaultCode::Invalid]);
        assert_eq!(refused[0].reason, Reason::LastAdministrator);
    }

    async fn a_profile_is_what_its_owner_makes_it(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let patch = ProfilePatch { display_name: Some(" Ada L. ".to_owned()), bio: None };
        assert_eq!(fixture.store.update_profile(&ada, &patch).await.unwrap().account.display_name, "Ada L.");
        let patch = ProfilePatch { display_name: None, bio: Some("Wrote notes.".to_owned()) };
        fixture.store.update_profile(&ada, &patch).await.unwrap();
        let seen = fixture.store.account(&fixture.store.anonymous(), "ada").await.unwrap();
        assert_eq!((seen.display_name.as_str(), seen.bio.as_str()), ("Ada L.", "Wrote notes."));
        for bad in ["two\nlines", &"x".repeat(101)] {
            let patch = ProfilePatch { display_name: Some(bad.to_owned()), bio: None };
            assert_eq!(fields(&fault(fixture.store.update_profile(&ada, &patch).await)), ["display_name"]);
        }
    }
}
