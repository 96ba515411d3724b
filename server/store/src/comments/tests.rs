//! Tests of threads, editing and moderation, on both databases.

use std::time::Duration;

use model::comment::{MAX_BODY, NewComment};
use model::event::EventKind;
use model::fault::Fault;
use model::id::CommentId;
use model::oci::RepositoryName;
use model::page::PageRequest;
use model::repository::{CommentPolicy, RepositoryPatch};
use model::role::{Role, Visibility};

use crate::access::{Comment, Manage, Participate, See, Viewer};
use crate::testing::{Fixture, each_database};
use crate::{Error, Result};

fn form(body: &str, parent: Option<CommentId>) -> NewComment {
    NewComment { body: body.to_owned(), parent, tag: None }
}

async fn post(
    fixture: &Fixture,
    viewer: &Viewer,
    path: &RepositoryName,
    form: &NewComment,
) -> Result<model::comment::Comment> {
    let permit = fixture.store.permit::<Comment>(viewer, path).await?;
    fixture.store.post_comment(&permit, form).await
}

/// Returns each thread as `root: reply, reply`.
async fn threads(fixture: &Fixture, viewer: &Viewer, path: &RepositoryName) -> Vec<String> {
    let permit = fixture.store.permit::<See>(viewer, path).await.unwrap();
    let page = fixture.store.threads(&permit, &PageRequest::default()).await.unwrap();
    let text = |comment: &model::comment::Comment| comment.body.clone();
    let threads = page.items.iter().map(|thread| {
        format!("{}: {}", text(&thread.root), thread.replies.iter().map(text).collect::<Vec<_>>().join(", "))
    });
    threads.collect()
}

fn field<T>(answer: Result<T>) -> String {
    Fault::from(answer.err().expect("it was refused")).fields[0].field.clone()
}

each_database! {
    async fn comments_are_numbered_within_their_repository(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let app = fixture.repository(&ada, "app", Visibility::Public).await;
        let hidden = fixture.repository(&ada, "hidden", Visibility::Private).await;
        for text in ["one", "two", "three"] {
            post(fixture, &ada, &hidden, &form(text, None)).await.unwrap();
        }
        let root = post(fixture, &ada, &app, &form("first", None)).await.unwrap();
        assert_eq!(root.id, CommentId(1));
        let reply = post(fixture, &ada, &app, &form("reply", Some(root.id))).await.unwrap();
        assert_eq!((reply.id, reply.parent), (CommentId(2), Some(CommentId(1))));
        // Another repository's comment with the same number is neither shown in the thread nor deleted.
        assert_eq!(threads(fixture, &ada, &app).await, ["first: reply"]);
        let permit = fixture.store.permit::<Participate>(&ada, &app).await.unwrap();
        fixture.store.delete_comment(&permit, reply.id).await.unwrap();
        assert_eq!(post(fixture, &ada, &app, &form("next", None)).await.unwrap().id, CommentId(3));
        assert_eq!(threads(fixture, &ada, &hidden).await, ["three: ", "two: ", "one: "]);
    }

    async fn answers_join_the_thread_and_the_newest_thread_comes_first(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let ben = fixture.person("ben").await;
        let app = fixture.repository(&ada, "app", Visibility::Public).await;
        let first = post(fixture, &ben, &app, &form(" one ", None)).await.unwrap();
        let answer = post(fixture, &ada, &app, &form("one a", Some(first.id))).await.unwrap();
        post(fixture, &ben, &app, &form("two", None)).await.unwrap();
        let deeper = post(fixture, &ben, &app, &form("one b", Some(answer.id))).await.unwrap();
        assert_eq!(deeper.parent, Some(first.id));
        assert_eq!((answer.author_role, first.author_role), (Some(Role::Owner), None));
        assert_eq!(threads(fixture, &ada, &app).await, ["two: ", "one: one a, one b"]);
        let (_, head) = fixture.store.head(&ada, &app).await.unwrap();
        assert_eq!(head.comment_count, 4);
        let told = fixture.events().await.into_iter().filter(|what| matches!(what, EventKind::CommentCreated { .. })).count();
        assert_eq!(told, 4);
    }

    async fn a_form_that_is_sent_twice_posts_one_comment(fixture: &Fixture) {
        let (ada, ben) = (fixture.person("ada").await, fixture.person("ben").await);
        let app = fixture.repository(&ada, "app", Visibility::Public).await;
        let text = form("What I think.", None);
        let (one, two) = tokio::join!(post(fixture, &ada, &app, &text), post(fixture, &ada, &app, &text));
        let (one, two) = (one.unwrap(), two.unwrap());
        assert_eq!(one.id, two.id);
        // Another author, another place, another text and another time are other comments.
        post(fixture, &ben, &app, &text).await.unwrap();
        post(fixture, &ada, &app, &form("What I think.", Some(one.id))).await.unwrap();
        post(fixture, &ada, &app, &form("What else I think.", None)).await.unwrap();
        fixture.pass(Duration::from_secs(11));
        assert_ne!(post(fixture, &ada, &app, &text).await.unwrap().id, one.id);
        let (_, head) = fixture.store.head(&ada, &app).await.unwrap();
        assert_eq!(head.comment_count, 5);
    }

    async fn a_thread_has_a_bounded_number_of_replies(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let app = fixture.repository(&ada, "app", Visibility::Public).await;
        let root = post(fixture, &ada, &app, &form("root", None)).await.unwrap();
        let mut last = root.id;
        for number in 0..super::MAX_REPLIES {
            last = post(fixture, &ada, &app, &form(&number.to_string(), Some(last))).await.unwrap().id;
        }
        for parent in [root.id, last] {
            assert_eq!(field(post(fixture, &ada, &app, &form("one more", Some(parent))).await), "parent");
        }
        post(fixture, &ada, &app, &form("another thread", None)).await.unwrap();
    }

    async fn pages_of_threads_make_the_whole(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let app = fixture.repository(&ada, "app", Visibility::Public).await;
        for number in 0..5 {
            post(fixture, &ada, &app, &form(&number.to_string(), None)).await.unwrap();
        }
        let permit = fixture.store.permit::<See>(&ada, &app).await.unwrap();
        let mut page = PageRequest { limit: Some(2), cursor: None };
        let mut bodies = Vec::new();
        loop {
            let answer = fixture.store.threads(&permit, &page).await.unwrap();
            bodies.extend(answer.items.into_iter().map(|thread| thread.root.body));
            let Some(next) = answer.next else { break };
            page.cursor = Some(next);
        }
        assert_eq!(bodies, ["4", "3", "2", "1", "0"]);
    }

    async fn only_its_author_edits_a_comment_and_maintainers_may_delete_it(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let ben = fixture.person("ben").await;
        let cleo = fixture.person("cleo").await;
        let store = &fixture.store;
        let app = fixture.repository(&ada, "app", Visibility::Public).await;
        fixture.collaborator(&ada, &app, &cleo, Role::Writer).await;
        let mine = post(fixture, &ben, &app, &form("mine", None)).await.unwrap();
        assert!(mine.editable && mine.deletable);
        for (viewer, editable, deletable) in [(&ada, false, true), (&ben, true, true), (&cleo, false, false)] {
            let permit = store.permit::<See>(viewer, &app).await.unwrap();
            let page = store.threads(&permit, &PageRequest::default()).await.unwrap();
            let seen = &page.items[0].root;
            assert_eq!((seen.editable, seen.deletable), (editable, deletable), "{viewer:?}");
        }
        let by = async |viewer: &Viewer| store.permit::<Participate>(viewer, &app).await;
        let (by_ada, by_ben, by_cleo) = (by(&ada).await.unwrap(), by(&ben).await.unwrap(), by(&cleo).await.unwrap());
        assert!(matches!(store.edit_comment(&by_ada, mine.id, "x").await, Err(Error::Forbidden)));
        assert!(matches!(store.delete_comment(&by_cleo, mine.id).await, Err(Error::Forbidden)));
        assert!(matches!(by(&store.anonymous()).await, Err(Error::SignIn)));
        let narrow = ben.clone().limited(vec!["**:pull".parse().unwrap()], false);
        assert!(matches!(by(&narrow).await, Err(Error::Forbidden)));
        let elsewhere = ben.clone().limited(vec!["ben/other:manage".parse().unwrap()], false);
        assert!(matches!(by(&elsewhere).await, Err(Error::Absent)));
        for limited in [&narrow, &elsewhere] {
            let permit = store.permit::<See>(limited, &app).await.unwrap();
            let seen = store.comment(&permit, mine.id).await.unwrap();
            assert_eq!((seen.editable, seen.deletable), (false, false), "{limited:?}");
        }
        let edited = store.edit_comment(&by_ben, mine.id, "better").await.unwrap();
        assert!(edited.body == "better" && edited.edited_at.is_some());
        store.delete_comment(&by_ada, mine.id).await.unwrap();
        assert!(matches!(store.delete_comment(&by_ada, mine.id).await, Err(Error::Absent)));
        assert!(matches!(store.edit_comment(&by_ben, mine.id, "x").await, Err(Error::Absent)));
        assert_eq!(threads(fixture, &ada, &app).await, Vec::<String>::new());
    }

    async fn a_deleted_comment_stands_without_its_text_while_it_has_answers(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let app = fixture.repository(&ada, "app", Visibility::Public).await;
        let root = post(fixture, &ada, &app, &form("regretted", None)).await.unwrap();
        let answer = post(fixture, &ada, &app, &form("answer", Some(root.id))).await.unwrap();
        let permit = fixture.store.permit::<Participate>(&ada, &app).await.unwrap();
        fixture.store.delete_comment(&permit, root.id).await.unwrap();
        assert_eq!(threads(fixture, &ada, &app).await, [": answer"]);
        assert_eq!(field(post(fixture, &ada, &app, &form("late", Some(root.id))).await), "parent");
        fixture.store.delete_comment(&permit, answer.id).await.unwrap();
        assert_eq!(threads(fixture, &ada, &app).await, Vec::<String>::new());
        assert_eq!(fixture.store.head(&ada, &app).await.unwrap().1.comment_count, 0);
    }

    async fn a_comment_is_reached_only_through_its_own_repository(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let app = fixture.repository(&ada, "app", Visibility::Public).await;
        let other = fixture.repository(&ada, "other", Visibility::Public).await;
        let comment = post(fixture, &ada, &app, &form("here", None)).await.unwrap();
        let permit = fixture.store.permit::<Participate>(&ada, &other).await.unwrap();
        assert!(matches!(fixture.store.edit_comment(&permit, comment.id, "x").await, Err(Error::Absent)));
        assert!(matches!(fixture.store.delete_comment(&permit, comment.id).await, Err(Error::Absent)));
        assert_eq!(field(post(fixture, &ada, &other, &form("x", Some(comment.id))).await), "parent");
    }

    async fn who_may_comment_is_the_repositorys_to_say(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let ben = fixture.person("ben").await;
        let app = fixture.repository(&ada, "app", Visibility::Public).await;
        let nobody = fixture.store.anonymous();
        assert!(matches!(post(fixture, &nobody, &app, &form("x", None)).await, Err(Error::SignIn)));
        let manage = fixture.store.permit::<Manage>(&ada, &app).await.unwrap();
        for (policy, stranger, owner) in [(CommentPolicy::Members, false, true), (CommentPolicy::Off, false, false)] {
            let patch = RepositoryPatch { comments: Some(policy), ..RepositoryPatch::default() };
            fixture.store.update_repository(&manage, &patch).await.unwrap();
            assert_eq!(post(fixture, &ben, &app, &form("x", None)).await.is_ok(), stranger);
            assert_eq!(post(fixture, &ada, &app, &form("x", None)).await.is_ok(), owner);
        }
    }

    async fn a_comment_says_something_and_not_too_much(fixture: &Fixture) {
        let ada = fixture.person("ada").await;
        let app = fixture.repository(&ada, "app", Visibility::Public).await;
        for body in ["", "  \n", "\0", &"x".repeat(MAX_BODY + 1)] {
            assert_eq!(field(post(fixture, &ada, &app, &form(body, None)).await), "body");
        }
        let tagged = |tag: &str| NewComment { tag: Some(tag.to_owned()), ..form("about a tag", None) };
        assert_eq!(field(post(fixture, &ada, &app, &tagged("no tag")).await), "tag");
        let posted = post(fixture, &ada, &app, &tagged("1.0")).await.unwrap();
        assert_eq!(posted.tag.unwrap().as_str(), "1.0");
    }
}
