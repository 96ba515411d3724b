//! Tests of personal access tokens and refresh tokens.

use super::*;

each_database! {
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
}
