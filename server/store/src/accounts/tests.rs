//! Tests of signing up, signing in, tokens and sessions, on both databases.

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
    async fn an_account_signs_in_by_name_and_by_confirmed_address(fixture: &Fixture) {
        let root = fixture.administrator("root").await;
        let ada = sign_up(fixture, "ada").await;
        assert_eq!(name(&ada).unwrap(), "ada");
        assert!(!fixture.store.me(&ada).await.unwrap().email_confirmed);
        fixture.store.sign_in("ada", PASSWORD, None).await.unwrap();
        assert!(fixture.store.sign_in("ada@example.org", PASSWORD, None).await.is_err());
        fixture.store.confirm_email(&root, "ada").await.unwrap();
        for by in ["ada", "ada@example.org", " Ada@Example.org "] {
            let viewer = fixture.store.sign_in(by, PASSWORD, None).await.unwrap();
            assert_eq!((name(&viewer).unwrap().as_str(), viewer.is_admin()), ("ada", false));
        }
        let me = fixture.store.me(&ada).await.unwrap();
        assert_eq!((me.email.as_str(), me.email_confirmed, me.admin), ("ada@example.org", true, false));
    }

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

    async fn a_wrong_password_and_an_unknown_name_get_the_same_answer(fixture: &Fixture) {
        sign_up(fixture, "ada").await;
        let wrong = fault(fixture.store.sign_in("ada", "wrong horse battery", None).await);
        let unknown = fault(fixture.store.sign_in("nobody", PASSWORD, None).await);
        let odd = fault(fixture.store.sign_in("a\0b", PASSWORD, None).await);
        assert_eq!(wrong.code, FaultCode::SignIn);
        assert_eq!((&wrong, &wrong), (&unknown, &odd));
    }

    async fn after_some_failures_a_name_waits_known_or_not_until_time_heals(fixture: &Fixture) {
        sign_up(fixture, "ada").await;
        for name in ["ada", "nobody"] {
            for _ in 0..5 {
                assert_eq!(fault(fixture.store.sign_in(name, "wrong horse", None).await).code, FaultCode::SignIn);
            }
            let waits = fault(fixture.store.sign_in(name, PASSWORD, None).await);
            assert_eq!((waits.code, waits.retry_after), (FaultCode::TooMany, Some(2)), "{name}");
        }
        fixture.pass(Duration::from_secs(3));
        fixture.store.sign_in("ada", PASSWORD, None).await.unwrap();
        assert_eq!(fault(fixture.store.sign_in("ada", "wrong horse", None).await).code, FaultCode::SignIn);
        fixture.store.sign_in("ada", PASSWORD, None).await.unwrap();
    }

    async fn many_guesses_at_once_are_not_all_heard(fixture: &Fixture) {
        sign_up(fixture, "ada").await;
        let guesses = (0..40).map(|guess| {
            let store = fixture.store.clone();
            tokio::spawn(async move { store.sign_in("ada", &format!("wrong horse {guess}"), None).await })
        });
        let mut heard = 0;
        for guess in guesses.collect::<Vec<_>>() {
            heard += usize::from(fault(guess.await.unwrap()).code == FaultCode::SignIn);
        }
        // Five guesses are free, and as many more may be in progress as there are permits (at most eight).
        assert!((5..=13).contains(&heard), "{heard}");
    }

    async fn an_address_that_tries_many_names_waits(fixture: &Fixture) {
        let from = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)));
        for guess in 0..30 {
            let name = format!("name{guess}");
            let secret = format!("ptl_{guess}");
            assert_eq!(fault(fixture.store.sign_in(&name, &secret, from).await).code, FaultCode::SignIn);
        }
        let waits = fault(fixture.store.sign_in("another", "wrong horse", from).await);
        assert_eq!(waits.code, FaultCode::TooMany);
        let elsewhere = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 8)));
        assert_eq!(fault(fixture.store.sign_in("another", "wrong horse", elsewhere).await).code, FaultCode::SignIn);
    }

    async fn neighbours_and_strangers_cannot_lock_a_person_out(fixture: &Fixture) {
        sign_up(fixture, "ada").await;
        let home = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)));
        fixture.store.sign_in("ada", PASSWORD, home).await.unwrap();
        // A neighbour behind the same address guesses passwords of other names until the address has to wait.
        for guess in 0..40 {
            let _ = fixture.store.sign_in(&format!("name{guess}"), "wrong horse", home).await;
        }
        assert_eq!(fault(fixture.store.sign_in("ben", PASSWORD, home).await).code, FaultCode::TooMany);
        fixture.store.sign_in("ada", PASSWORD, home).await.unwrap();
        // Strangers guess the account's password from many addresses until the account has to wait elsewhere.
        for guess in 0..101 {
            let from = Some(IpAddr::V4(Ipv4Addr::new(198, 51, 100, guess)));
            let _ = fixture.store.sign_in("ada", "wrong horse", from).await;
        }
        let elsewhere = Some(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1)));
        assert_eq!(fault(fixture.store.sign_in("ada", PASSWORD, elsewhere).await).code, FaultCode::TooMany);
        fixture.store.sign_in("ada", PASSWORD, home).await.unwrap();
        // Where no address is known, the wait stays short.
        for _ in 0..40 {
            fixture.pass(Duration::from_mins(2));
            let _ = fixture.store.sign_in("ada", "wrong horse", None).await;
        }
        let waits = fault(fixture.store.sign_in("ada", PASSWORD, None).await);
        assert_eq!((waits.code, waits.retry_after), (FaultCode::TooMany, Some(61)));
    }

    async fn a_sign_in_whose_caller_hangs_up_counts_as_a_failure(fixture: &Fixture) {
        sign_up(fixture, "ada").await;
        let from = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)));
        for _ in 0..5 {
            let sign_in = fixture.store.sign_in("ada", "wrong horse", from);
            assert!(tokio::time::timeout(Duration::from_micros(1), sign_in).await.is_err());
        }
        let recorded = async {
            while fixture.rows("sign_in_failure WHERE failures = 5").await < 3 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), recorded).await.unwrap();
        assert_eq!(fault(fixture.store.sign_in("ada", PASSWORD, from).await).code, FaultCode::TooMany);
    }

    async fn an_empty_password_is_no_attempt(fixture: &Fixture) {
        sign_up(fixture, "ada").await;
        for name in ["ada", "nobody"] {
            for _ in 0..40 {
                assert_eq!(fault(fixture.store.sign_in(name, "", None).await).code, FaultCode::SignIn);
            }
        }
        assert_eq!(fixture.rows("sign_in_failure").await, 0);
        fixture.store.sign_in("ada", PASSWORD, None).await.unwrap();
    }

    async fn a_name_is_the_same_with_a_password_and_with_a_token(fixture: &Fixture) {
        let ada = sign_up(fixture, "ada").await;
        fixture.store.confirm_email(&fixture.administrator("root").await, "ada").await.unwrap();
        let form = NewToken { label: "ci".to_owned(), scopes: Vec::new(), expires_at: None };
        let token = fixture.store.create_token(&ada, &form).await.unwrap().secret;
        for by in ["ada", "Ada", "ADA", " ada ", "ada@example.org", "Ada@Example.ORG "] {
            for secret in [PASSWORD, token.as_str()] {
                let viewer = fixture.store.sign_in(by, secret, None).await.unwrap();
                assert_eq!(name(&viewer).unwrap(), "ada", "{by}");
            }
        }
    }

    async fn a_right_token_enters_from_an_address_that_waits_and_a_wrong_one_waits(fixture: &Fixture) {
        let ada = sign_up(fixture, "ada").await;
        let form = NewToken { label: "ci".to_owned(), scopes: Vec::new(), expires_at: None };
        let secret = fixture.store.create_token(&ada, &form).await.unwrap().secret;
        let from = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)));
        for _ in 0..30 {
            assert_eq!(fault(fixture.store.sign_in("ada", "ptl_wrong", from).await).code, FaultCode::SignIn);
        }
        assert_eq!(name(&fixture.store.sign_in("ada", &secret, from).await.unwrap()).unwrap(), "ada");
        for (name, secret) in [("ada", "ptl_wrong"), ("nobody", "ptl_wrong"), ("nobody", secret.as_str())] {
            assert_eq!(fault(fixture.store.sign_in(name, secret, from).await).code, FaultCode::TooMany, "{name}");
        }
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

    async fn a_token_works_also_where_its_use_cannot_be_written_down(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let form = NewToken { label: "ci".to_owned(), scopes: Vec::new(), expires_at: None };
        let first = fixture.store.create_token(&ada, &form).await.unwrap();
        let second = fixture.store.create_token(&ada, &form).await.unwrap();
        let once = "CREATE UNIQUE INDEX used_once ON token (last_used_at)";
        fixture.store.database().pool().execute_unprepared(once).await.unwrap();
        for secret in [&first.secret, &second.secret] {
            assert_eq!(name(&fixture.store.secret_viewer(secret).await.unwrap()).unwrap(), "ada");
        }
        let used = fixture.store.tokens(&ada).await.unwrap().iter().filter(|token| token.last_used_at.is_some()).count();
        assert_eq!(used, 1);
    }

    async fn a_form_for_a_token_that_is_sent_twice_creates_one(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let expires_at = |seconds| Some(fixture.store.clock().now().plus(Duration::from_secs(seconds)));
        let form = |label: &str, scopes: &[&str], expires_at| NewToken {
            label: label.to_owned(),
            scopes: scopes.iter().map(|scope| scope.parse().unwrap()).collect(),
            expires_at,
        };
        let created = futures::future::join_all(
            (0..4).map(|_| async { fixture.store.create_token_once(&ada, &form("ci", &[], expires_at(60))).await }),
        );
        let created: Vec<_> = created.await.into_iter().map(Result::unwrap).collect();
        let kept = fixture.store.tokens(&ada).await.unwrap();
        assert_eq!(kept.len(), 1);
        let mut working = 0;
        for one in &created {
            working += usize::from(fixture.store.secret_viewer(&one.secret).await.is_ok());
        }
        assert_eq!(working, 1, "only the last answer has a secret that works");
        for other in [form("ci 2", &[], expires_at(60)), form("ci", &["a/b:pull"], expires_at(60)), form("ci", &[], None)] {
            fixture.store.create_token_once(&ada, &other).await.unwrap();
        }
        assert_eq!(fixture.store.tokens(&ada).await.unwrap().len(), 4);
        fixture.store.create_token(&ada, &form("ci", &[], None)).await.unwrap();
        assert_eq!(fixture.store.tokens(&ada).await.unwrap().len(), 5);
        let ben = fixture.person("ben").await;
        fixture.store.create_token_once(&ben, &form("ci", &[], None)).await.unwrap();
        assert_eq!(fixture.store.tokens(&ada).await.unwrap().len(), 5);
    }

    async fn a_token_works_as_a_password_until_it_is_revoked(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let form = NewToken { label: "laptop".to_owned(), scopes: Vec::new(), expires_at: None };
        let made = fixture.store.create_token(&ada, &form).await.unwrap();
        assert_eq!(fixture.store.tokens(&ada).await.unwrap(), vec![made.token.clone()]);
        let viewer = fixture.store.sign_in("ada", &made.secret, None).await.unwrap();
        assert_eq!(name(&viewer).unwrap(), "ada");
        assert!(fixture.store.tokens(&ada).await.unwrap()[0].last_used_at.is_some());
        let other = fault(fixture.store.sign_in("ben", &made.secret, None).await);
        assert_eq!(other.code, FaultCode::SignIn);
        let ben = fixture.person("ben").await;
        assert!(matches!(fixture.store.revoke_token(&ben, made.token.id).await, Err(Error::Absent)));
        fixture.store.revoke_token(&ada, made.token.id).await.unwrap();
        assert!(matches!(fixture.store.secret_viewer(&made.secret).await, Err(Error::SignIn)));
    }

    async fn a_token_stops_when_it_expires(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let expires_at = Some(fixture.store.clock().now().plus(Duration::from_mins(1)));
        let form = NewToken { label: "short".to_owned(), scopes: Vec::new(), expires_at };
        let secret = fixture.store.create_token(&ada, &form).await.unwrap().secret;
        let viewer = fixture.store.secret_viewer(&secret).await.unwrap();
        let refresh = fixture.store.issue_refresh(&viewer, "hub").await.unwrap();
        fixture.store.refresh_viewer(&refresh, "hub").await.unwrap();
        fixture.pass(Duration::from_mins(1));
        assert!(matches!(fixture.store.secret_viewer(&secret).await, Err(Error::SignIn)));
        assert!(matches!(fixture.store.refresh_viewer(&refresh, "hub").await, Err(Error::SignIn)));
        assert_eq!(fields(&fault(fixture.store.create_token(&ada, &form).await)), ["expires_at"]);
    }

    async fn a_narrow_token_does_what_it_says_and_nothing_about_the_account(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let app = fixture.repository(&ada, "app", Visibility::Private).await;
        let other = fixture.repository(&ada, "deep/other", Visibility::Private).await;
        let scopes = vec!["ada/*:pull,push".parse().unwrap()];
        let form = NewToken { label: "ci".to_owned(), scopes, expires_at: None };
        let secret = fixture.store.create_token(&ada, &form).await.unwrap().secret;
        let ci = fixture.store.secret_viewer(&secret).await.unwrap();
        fixture.store.permit::<Pull>(&ci, &app).await.unwrap();
        fixture.store.permit::<Push>(&ci, &app).await.unwrap();
        assert!(matches!(fixture.store.permit::<Delete>(&ci, &app).await, Err(Error::Forbidden)));
        assert!(matches!(fixture.store.permit::<Own>(&ci, &app).await, Err(Error::Forbidden)));
        assert!(matches!(fixture.store.permit::<See>(&ci, &other).await, Err(Error::Absent)));
        assert!(matches!(fixture.store.tokens(&ci).await, Err(Error::Forbidden)));
        assert!(matches!(fixture.store.create_token(&ci, &form).await, Err(Error::Forbidden)));
        assert!(matches!(fixture.store.change_password(&ci, "a", PASSWORD).await, Err(Error::Forbidden)));
        let patch = ProfilePatch::default();
        assert!(matches!(fixture.store.update_profile(&ci, &patch).await, Err(Error::Forbidden)));
        let refresh = fixture.store.issue_refresh(&ci, "hub").await.unwrap();
        let again = fixture.store.refresh_viewer(&refresh, "hub").await.unwrap();
        assert!(matches!(fixture.store.permit::<Delete>(&again, &app).await, Err(Error::Forbidden)));
    }

    async fn a_refresh_token_is_for_one_service_and_ends_with_what_it_rests_on(fixture: &Fixture) {
        let ada = sign_up(fixture, "ada").await;
        let refresh = fixture.store.issue_refresh(&ada, "hub").await.unwrap();
        assert!(matches!(fixture.store.refresh_viewer(&refresh, "mirror").await, Err(Error::SignIn)));
        assert!(matches!(fixture.store.secret_viewer(&refresh).await, Err(Error::SignIn)));
        assert_eq!(name(&fixture.store.refresh_viewer(&refresh, "hub").await.unwrap()).unwrap(), "ada");
        fixture.store.change_password(&ada, PASSWORD, "another horse").await.unwrap();
        assert!(matches!(fixture.store.refresh_viewer(&refresh, "hub").await, Err(Error::SignIn)));

        let form = NewToken { label: "laptop".to_owned(), scopes: Vec::new(), expires_at: None };
        let made = fixture.store.create_token(&ada, &form).await.unwrap();
        let viewer = fixture.store.secret_viewer(&made.secret).await.unwrap();
        let refresh = fixture.store.issue_refresh(&viewer, "hub").await.unwrap();
        fixture.store.revoke_token(&ada, made.token.id).await.unwrap();
        assert!(matches!(fixture.store.refresh_viewer(&refresh, "hub").await, Err(Error::SignIn)));
    }

    async fn a_refresh_token_that_nobody_uses_ends_and_each_use_keeps_it(fixture: &Fixture) {
        const DAY: Duration = Duration::from_hours(24);
        let ada = fixture.person("ada").await;
        let used = fixture.store.issue_refresh(&ada, "hub").await.unwrap();
        let unused = fixture.store.issue_refresh(&ada, "hub").await.unwrap();
        fixture.pass(DAY * 60);
        fixture.store.refresh_viewer(&used, "hub").await.unwrap();
        fixture.pass(DAY * 31);
        fixture.store.refresh_viewer(&used, "hub").await.unwrap();
        assert!(matches!(fixture.store.refresh_viewer(&unused, "hub").await, Err(Error::SignIn)));
        assert_eq!(fixture.store.sweep_refresh_tokens(&fixture.system).await.unwrap(), 1);
        assert_eq!(fixture.rows("token").await, 1);
    }

    async fn an_account_keeps_its_newest_refresh_tokens_of_each_service(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let mirror = fixture.store.issue_refresh(&ada, "mirror").await.unwrap();
        let mut issued = Vec::new();
        for _ in 0..101 {
            issued.push(fixture.store.issue_refresh(&ada, "hub").await.unwrap());
        }
        assert!(matches!(fixture.store.refresh_viewer(&issued[0], "hub").await, Err(Error::SignIn)));
        fixture.store.refresh_viewer(&issued[1], "hub").await.unwrap();
        fixture.store.refresh_viewer(&issued[100], "hub").await.unwrap();
        fixture.store.refresh_viewer(&mirror, "mirror").await.unwrap();
    }

    async fn a_changed_password_asks_for_the_old_one_and_ends_all_sessions(fixture: &Fixture) {
        let ada = sign_up(fixture, "ada").await;
        let sessions = Sessions::new(fixture.store.clone());
        let mut session = record(&ada, fixture);
        sessions.create(&mut session).await.unwrap();
        let wrong = fault(fixture.store.change_password(&ada, "wrong horse", "another horse").await);
        assert_eq!(fields(&wrong), ["old"]);
        let short = fault(fixture.store.change_password(&ada, PASSWORD, "short").await);
        assert_eq!(fields(&short), ["new"]);
        fixture.store.change_password(&ada, PASSWORD, "another horse").await.unwrap();
        assert!(sessions.load(&session.id).await.unwrap().is_none());
        assert!(fixture.store.sign_in("ada", PASSWORD, None).await.is_err());
        fixture.store.sign_in("ada", "another horse", None).await.unwrap();
    }

    async fn a_session_comes_back_as_it_was_left_and_what_ended_stays_ended(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let sessions = Sessions::new(fixture.store.clone());
        let mut session = record(&ada, fixture);
        sessions.create(&mut session).await.unwrap();
        assert_eq!(sessions.load(&session.id).await.unwrap(), Some(session.clone()));
        session.data.insert("theme".to_owned(), "dark".into());
        sessions.save(&session).await.unwrap();
        assert_eq!(sessions.load(&session.id).await.unwrap().unwrap().data, session.data);
        let id = session.id.to_string();
        assert_eq!(name(&fixture.store.session_viewer(&id).await.unwrap()).unwrap(), "ada");

        sessions.delete(&session.id).await.unwrap();
        sessions.save(&session).await.unwrap();
        assert!(sessions.load(&session.id).await.unwrap().is_none());
        assert!(!fixture.store.session_viewer(&id).await.unwrap().is_signed_in());

        let mut session = record(&ada, fixture);
        sessions.create(&mut session).await.unwrap();
        fixture.pass(Duration::from_hours(1));
        assert!(sessions.load(&session.id).await.unwrap().is_none());
        assert!(!fixture.store.session_viewer(&session.id.to_string()).await.unwrap().is_signed_in());
        assert_eq!(fixture.store.sweep_sessions(&fixture.system).await.unwrap(), 1);
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
