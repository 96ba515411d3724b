//! A repository's comments: threads, newest first, with replies. Replying, editing and deleting are links that open a
//! form in place, so that they work without JavaScript.

use leptos::children::ChildrenFn;
use leptos::prelude::*;
use model::clock::Timestamp;
use model::comment::{Comment, Thread};
use model::repository::CommentPolicy;

use super::page_request;
use super::visit::{Query, Visit};
use crate::actions::comments::{DELETE, EDIT, POST};
use crate::components::icon::{Glyph, icon};
use crate::components::list::{empty, pager};
use crate::components::person::{ago, ago_in_text};
use crate::components::repository::{Tab, head};
use crate::components::rose::rose;
use crate::form::{FormState, editor};
use crate::place::{self, Settings};
use crate::portal::PortalResult;
use crate::texts::{rich, text};
use crate::words;

/// Shared data of all comments on the page.
struct CommentContext<'a> {
    visit: &'a Visit,
    query: &'a Query,
    here: String,
    now: Timestamp,
    /// The open form: its input, error and preview.
    filled: FormState,
    shown: String,
}

/// The page.
pub(crate) async fn page(visit: &Visit, query: &Query) -> PortalResult<AnyView> {
    let path = &visit.head.repository.path;
    let threads = visit.portal.threads(path, page_request(&query.cursor)).await?;
    let form = if !query.edit.is_empty() {
        EDIT
    } else if !query.delete.is_empty() {
        DELETE
    } else {
        POST
    };
    let filled = FormState::from_flash(visit.flash.as_ref(), form);
    let shown = match filled.typed("body") {
        Some(body) if filled.is_preview() => visit.portal.preview(body).await?,
        _ => String::new(),
    };
    let here = place::within(path, "comments");
    let board = CommentContext { visit, query, here, now: visit.portal.now(), filled, shown };
    let list = if threads.items.is_empty() {
        empty(text!(comments.empty_title), board.silence(), ())
    } else {
        let items = threads.items.iter().map(|thread| board.thread(thread)).collect_view();
        view! { <ol class="comments">{items}</ol> }.into_any()
    };
    let answers = query.reply.is_empty() && query.edit.is_empty() && query.delete.is_empty();
    let write = (answers && visit.head.abilities.comment)
        .then(|| view! { <div class="write">{board.write("", text!(comments.write), text!(comments.post))}</div> });
    Ok(view! {
        <div class="wide">
            {head(&visit.head, Tab::Comments, text!(comments.title), visit.me.is_some())}
            <div class="columns repo-body">
                <section aria-label=text!(comments.title)>
                    {list}
                    {pager(&board.here, &[], &query.cursor, threads.next.as_deref())}
                    {write}
                    {board.closed()}
                </section>
                <aside>{board.policy()}</aside>
            </div>
        </div>
    }
    .into_any())
}

impl CommentContext<'_> {
    fn silence(&self) -> &'static str {
        if self.visit.head.abilities.comment { text!(comments.empty_text) } else { text!(comments.empty_text_reader) }
    }

    fn thread(&self, thread: &Thread) -> AnyView {
        let replies = (!thread.replies.is_empty()).then(|| {
            let replies = thread.replies.iter().map(|reply| view! { <li>{self.comment(reply)}</li> }).collect_view();
            view! { <ol class="replies">{replies}</ol> }
        });
        let asked = |comment: &Comment| comment.id.to_string() == self.query.reply;
        let answer = (self.visit.head.abilities.comment && (asked(&thread.root) || thread.replies.iter().any(asked)))
            .then(|| {
                view! {
                    <div class="reply-form">
                        {self.write(&thread.root.id.to_string(), text!(comments.your_reply), text!(comments.post_reply))}
                    </div>
                }
            });
        view! {
            <li>
                {self.comment(&thread.root)}
                {replies}
                {answer}
            </li>
        }
        .into_any()
    }

    fn comment(&self, comment: &Comment) -> AnyView {
        let id = comment.id.to_string();
        let anchor = format!("comment-{id}");
        if comment.deleted {
            return view! {
                <article class="comment" id=anchor>
                    <span class="avatar avatar-m"></span>
                    <p class="faint">{text!(comments.deleted)}</p>
                </article>
            }
            .into_any();
        }
        let author = comment.author.to_string();
        let act = |name: &str, words: &'static str, glyph: Glyph| {
            let href =
                format!("{}{}#{anchor}", self.here, place::query(&[(name, &id), ("cursor", &self.query.cursor)]));
            view! {
                <a class="button button-bare button-small" href=href>
                    {icon(glyph)}
                    {words}
                </a>
            }
        };
        let edited = comment.edited_at.map(|edited| {
            let now = self.now;
            view! { <span>{rich!(comments.edited, <time/> = ago_in_text(edited, now))}</span> }
        });
        let body = if comment.editable && self.query.edit == id {
            self.edit(comment)
        } else {
            view! { <div class="prose prose-small" inner_html=comment.html.clone()></div> }.into_any()
        };
        let delete = (comment.deletable && self.query.delete == id).then(|| self.delete(&id));
        view! {
            <article class="comment" id=anchor.clone()>
                {rose(&author, "avatar avatar-m")}
                <header>
                    <a class="person" href=place::account(&author)>{author.clone()}</a>
                    {comment.author_role.map(|role| view! { <span class="chip">{words::role(role)}</span> })}
                    {comment.tag.as_ref().map(|tag| {
                        view! {
                            <a class="chip chip-mono" href=place::tag(&self.visit.head.repository.path, tag.as_str())>
                                {icon(Glyph::Tag)}
                                {tag.to_string()}
                            </a>
                        }
                    })}
                    <a href=format!("#{anchor}")>{ago(comment.created_at, self.now)}</a>
                    {edited}
                    <span class="acts">
                        {self.visit.head.abilities.comment.then(|| act("reply", text!(comments.reply), Glyph::Reply))}
                        {comment.editable.then(|| act("edit", text!(comments.edit), Glyph::Edit))}
                        {comment.deletable.then(|| act("delete", text!(comments.delete), Glyph::Trash))}
                    </span>
                </header>
                {body}
                {delete}
            </article>
        }
        .into_any()
    }

    fn write(&self, parent: &str, label: &str, act: &'static str) -> AnyView {
        let cancel = (!parent.is_empty())
            .then(|| view! { <a class="button button-bare" href=self.here.clone()>{text!(form.cancel)}</a> });
        view! {
            <form class="form form-close" id="write" method="post" action="/_actions/comments/post">
                {self.filled.summary()}
                <input type="hidden" name="path" value=self.visit.head.repository.path.to_string()/>
                <input type="hidden" name="parent" value=parent.to_owned()/>
                {editor(label, POST, self.filled.value("body", ""), self.shown.clone(), false)}
                <div class="form-end">
                    <button class="button button-primary">{act}</button>
                    {cancel}
                </div>
            </form>
        }
        .into_any()
    }

    fn edit(&self, comment: &Comment) -> AnyView {
        view! {
            <form class="form form-close" method="post" action="/_actions/comments/edit">
                {self.filled.summary()}
                <input type="hidden" name="path" value=self.visit.head.repository.path.to_string()/>
                <input type="hidden" name="comment" value=comment.id.to_string()/>
                {editor(
                    text!(comments.your_comment),
                    EDIT,
                    self.filled.value("body", &comment.body),
                    self.shown.clone(),
                    false,
                )}
                <div class="form-end">
                    <button class="button button-primary">{text!(comments.save)}</button>
                    <a class="button button-bare" href=self.here.clone()>{text!(form.cancel)}</a>
                </div>
            </form>
        }
        .into_any()
    }

    fn delete(&self, id: &str) -> AnyView {
        view! {
            <form class="notice notice-warn" method="post" action="/_actions/comments/delete">
                {icon(Glyph::Alert)}
                {self.filled.summary()}
                <p>{text!(comments.delete_text)}</p>
                <input type="hidden" name="path" value=self.visit.head.repository.path.to_string()/>
                <input type="hidden" name="comment" value=id.to_owned()/>
                <div class="form-end">
                    <button class="button button-danger">{text!(comments.delete_button)}</button>
                    <a class="button button-bare" href=self.here.clone()>{text!(form.cancel)}</a>
                </div>
            </form>
        }
        .into_any()
    }

    /// Why there is no form, for visitors who might expect one.
    fn closed(&self) -> Option<AnyView> {
        if self.visit.head.abilities.comment {
            return None;
        }
        let words = if self.visit.head.repository.comments == CommentPolicy::Off {
            view! { <p>{text!(comments.closed)}</p> }.into_any()
        } else if self.visit.me.is_none() {
            let href = place::sign_in(&self.here);
            let link = move |words: ChildrenFn| view! { <a href=href.clone()>{words()}</a> };
            view! { <p>{rich!(comments.sign_in_first, <link> = link)}</p> }.into_any()
        } else {
            view! { <p>{text!(comments.members_only)}</p> }.into_any()
        };
        Some(
            view! {
                <div class="notice write">
                    {icon(Glyph::Info)}
                    {words}
                </div>
            }
            .into_any(),
        )
    }

    fn policy(&self) -> AnyView {
        let who = match self.visit.head.repository.comments {
            CommentPolicy::Everyone => text!(comment_policy.everyone_help),
            CommentPolicy::Members => text!(comment_policy.members_help),
            CommentPolicy::Off => text!(comment_policy.off_help),
        };
        let change = self.visit.head.abilities.manage.then(|| {
            let href = place::settings(&self.visit.head.repository.path, Settings::General);
            view! { <p><a href=format!("{href}#comments")>{text!(comments.change)}</a></p> }
        });
        view! {
            <section class="side-block">
                <h2>{text!(comments.who_can_comment)}</h2>
                <p class="soft">{who}</p>
                {change}
            </section>
        }
        .into_any()
    }
}
