//! A cache of rendered Markdown, so that a frequently viewed page is rendered once. The HTML depends only on the text,
//! the prefix of its anchors, and how this node shows pictures.

use std::sync::Arc;

use model::fault::Fault;
use model::id::CommentId;
use moka::sync::Cache;
use sha2::{Digest as _, Sha256};

use crate::markdown;
use crate::pictures::PictureLinks;

/// The capacity of the cache, in bytes of HTML.
const ROOM: u64 = 32 << 20;
/// The approximate size of an entry without its HTML, in bytes.
const ENTRY: usize = 128;

/// The SHA-256 of a text and the kind of rendering.
type Key = [u8; 32];

/// The cache of rendered texts.
pub struct Texts {
    pictures: Option<Arc<PictureLinks>>,
    kept: Cache<Key, Arc<str>>,
}

impl Texts {
    /// Creates an empty cache. Without links to pictures, texts contain the words of pictures instead.
    pub fn new(pictures: Option<Arc<PictureLinks>>) -> Self {
        let weight = |_: &Key, html: &Arc<str>| u32::try_from(html.len().saturating_add(ENTRY)).unwrap_or(u32::MAX);
        Self { pictures, kept: Cache::builder().max_capacity(ROOM).weigher(weight).build() }
    }

    /// Returns a README as HTML.
    pub async fn readme(&self, source: &str) -> Result<String, Fault> {
        let pictures = self.pictures.clone();
        self.html("readme", source, move |source| markdown::readme(source, pictures.as_deref())).await
    }

    /// Returns a comment as HTML.
    pub async fn comment(&self, source: &str, id: CommentId) -> Result<String, Fault> {
        let pictures = self.pictures.clone();
        self.html(&id.to_string(), source, move |source| markdown::comment(source, id, pictures.as_deref())).await
    }

    /// Returns a preview as HTML. It is not cached.
    pub async fn preview(&self, source: &str) -> Result<String, Fault> {
        let (source, pictures) = (source.to_owned(), self.pictures.clone());
        rendered(move || markdown::preview(&source, pictures.as_deref())).await
    }

    /// Returns `render(source)`, from the cache if possible. Concurrent calls with the same `kind` and `source` render
    /// once.
    async fn html(
        &self,
        kind: &str,
        source: &str,
        render: impl FnOnce(&str) -> String + Send + 'static,
    ) -> Result<String, Fault> {
        let key = key(kind, source);
        if let Some(html) = self.kept.get(&key) {
            return Ok(html.as_ref().to_owned());
        }
        let (kept, source) = (self.kept.clone(), source.to_owned());
        rendered(move || kept.get_with(key, || render(&source).into()).as_ref().to_owned()).await
    }
}

/// Hashes the kind and the source, separated by a NUL byte, which no kind contains.
fn key(kind: &str, source: &str) -> Key {
    Sha256::new().chain_update(kind).chain_update([0]).chain_update(source).finalize().into()
}

/// Renders Markdown on a blocking thread: long texts take tens of milliseconds.
async fn rendered<T: Send + 'static>(render: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    tokio::task::spawn_blocking(render).await.map_err(|error| {
        tracing::error!(%error, "a text cannot be rendered");
        Fault::internal()
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn equal_texts_are_rendered_once_and_a_changed_one_shows_at_once() {
        let texts = Texts::new(None);
        let times = Arc::new(AtomicUsize::new(0));
        let ask = |kind: &'static str, source: &'static str| {
            let times = Arc::clone(&times);
            texts.html(kind, source, move |source| {
                times.fetch_add(1, Ordering::SeqCst);
                format!("{kind}: {source}")
            })
        };
        for _ in 0..3 {
            assert_eq!(ask("readme", "old").await.unwrap(), "readme: old");
        }
        assert_eq!(times.load(Ordering::SeqCst), 1);
        assert_eq!(ask("readme", "new").await.unwrap(), "readme: new");
        assert_eq!(ask("7", "old").await.unwrap(), "7: old");
        assert_eq!(times.load(Ordering::SeqCst), 3);
        let (one, other) = futures::join!(ask("8", "both"), ask("8", "both"));
        assert_eq!(one.unwrap(), other.unwrap());
        assert_eq!(times.load(Ordering::SeqCst), 4);
    }

    #[tokio::test]
    async fn texts_give_way_to_others_before_they_fill_the_memory() {
        let texts = Texts::new(None);
        for number in 0..100 {
            texts.html(&number.to_string(), "", |_| "x".repeat(1 << 20)).await.unwrap();
        }
        texts.kept.run_pending_tasks();
        assert!(texts.kept.weighted_size() <= ROOM, "{}", texts.kept.weighted_size());
        assert!(texts.kept.entry_count() > 0);
    }

    #[tokio::test]
    async fn a_text_that_cannot_be_rendered_is_tried_again() {
        let texts = Texts::new(None);
        assert!(texts.html("readme", "x", |_| panic!("no")).await.is_err());
        assert_eq!(texts.html("readme", "x", |_| "yes".to_owned()).await.unwrap(), "yes");
    }

    #[tokio::test]
    async fn anchors_of_equal_comments_stay_apart() {
        let texts = Texts::new(None);
        for id in [1, 2] {
            let html = texts.comment("# Same", CommentId(id)).await.unwrap();
            assert!(html.contains(&format!("id=\"c{id}-same\"")), "{html}");
        }
        assert!(texts.readme("# Same").await.unwrap().contains("id=\"readme-same\""));
    }
}
