//! Comments: a permit, the store, then Markdown to HTML.

use app::portal::{Comments, PortalResult};
use async_trait::async_trait;
use model::comment::{Comment, NewComment, Thread};
use model::fault::{Fault, FaultCode};
use model::id::CommentId;
use model::oci::RepositoryName;
use model::page::{Page, PageRequest};
use model::reason::Reason;
use model::repository::MAX_OVERVIEW;
use store::access::{self, Participate, See};

use super::{Visit, told};
use crate::limits::LimitedAction;

impl Visit {
    /// One comment.
    pub(crate) async fn comment(&self, path: &RepositoryName, id: CommentId) -> PortalResult<Comment> {
        let permit = self.permit::<See>(path).await?;
        self.shown(self.state.store.comment(&permit, id).await.map_err(told)?).await
    }

    /// Renders a comment.
    async fn shown(&self, mut comment: Comment) -> PortalResult<Comment> {
        comment.html = self.state.texts.comment(&comment.body, comment.id).await?;
        Ok(comment)
    }
}

#[async_trait]
impl Comments for Visit {
    async fn threads(&self, path: &RepositoryName, page: PageRequest) -> PortalResult<Page<Thread>> {
        let permit = self.permit::<See>(path).await?;
        let mut threads = self.state.store.threads(&permit, &page).await.map_err(told)?;
        for thread in &mut threads.items {
            thread.root.html = self.state.texts.comment(&thread.root.body, thread.root.id).await?;
            for reply in &mut thread.replies {
                reply.html = self.state.texts.comment(&reply.body, reply.id).await?;
            }
        }
        Ok(threads)
    }

    async fn post_comment(&self, path: &RepositoryName, form: NewComment) -> PortalResult<Comment> {
        let permit = self.permit::<access::Comment>(path).await?;
        self.limited(LimitedAction::Comment)?;
        self.shown(self.state.store.post_comment(&permit, &form).await.map_err(told)?).await
    }

    async fn edit_comment(&self, path: &RepositoryName, id: CommentId, body: &str) -> PortalResult<Comment> {
        let permit = self.permit::<Participate>(path).await?;
        self.shown(self.state.store.edit_comment(&permit, id, body).await.map_err(told)?).await
    }

    async fn delete_comment(&self, path: &RepositoryName, id: CommentId) -> PortalResult<()> {
        let permit = self.permit::<Participate>(path).await?;
        self.state.store.delete_comment(&permit, id).await.map_err(told)
    }

    async fn preview(&self, markdown: &str) -> PortalResult<String> {
        if !self.viewer.is_signed_in() {
            return Err(Fault::sign_in());
        }
        if markdown.len() > MAX_OVERVIEW {
            return Err(Fault::new(FaultCode::TooLarge, Reason::TextTooLarge { kib: MAX_OVERVIEW / 1024 }));
        }
        self.state.texts.preview(markdown).await
    }
}
