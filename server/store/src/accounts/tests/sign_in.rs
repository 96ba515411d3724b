//! Tests of signing in, waits after failures, and sessions.

use super::*;

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
}
