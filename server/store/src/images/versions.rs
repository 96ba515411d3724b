//! Tags by version, which no SQL of both databases can order: the names are ordered here, and a page's rows are read by name.
//! It refuses to know what a version is; `model::version` says which comes first.

use std::collections::HashMap;

use model::id::RepositoryId;
use model::image::Tag;
use model::oci;
use model::page::{Page, PageRequest};
use model::version::Precedence;

use super::{COLUMNS, Cursor, pattern, tag};
use crate::sql;
use crate::{Error, Result, Store};

impl Store {
    /// The work grows with the number of tags whose names contain the text: about a microsecond each.
    pub(super) async fn tags_by_version(
        &self,
        repository: RepositoryId,
        contains: &str,
        page: &PageRequest,
    ) -> Result<Page<Tag>> {
        let pool = self.database().pool();
        let after = page.cursor.as_deref().map(Cursor::parse).transpose()?;
        let after = after.map(|cursor| Precedence::of(cursor.name.as_str()));
        let select = "SELECT name FROM tag WHERE repository_id = $1 AND LOWER(name) LIKE $2 ESCAPE '!'";
        let rows = sql::all(pool, select, [repository.0.into(), pattern(contains).into()]).await?;
        let mut names = Vec::new();
        for row in rows {
            let name: String = row.try_get_by_index(0)?;
            let precedence = Precedence::of(&name);
            if after.as_ref().is_none_or(|after| precedence > *after) {
                names.push((precedence, oci::Tag::parse(&name).map_err(|_| Error::Corrupt("tag.name"))?));
            }
        }
        names.sort_unstable();
        names.truncate(usize::try_from(page.limit()).unwrap_or(usize::MAX).saturating_add(1));
        let names =
            Page::from_surplus(names, page.limit(), |(_, name)| Cursor { rank: 0, name: name.clone() }.to_string());
        if names.items.is_empty() {
            return Ok(Page::default());
        }
        let select =
            format!("SELECT {COLUMNS} WHERE t.repository_id = $1 AND t.name IN ({})", sql::list(2, names.items.len()));
        let values = names.items.iter().map(|(_, name)| name.as_str().into());
        let rows = sql::all(pool, &select, std::iter::once(repository.0.into()).chain(values)).await?;
        let tags = rows.iter().map(tag).map(|tag| tag.map(|tag| (tag.name.clone(), tag)));
        let mut tags: HashMap<oci::Tag, Tag> = tags.collect::<Result<_>>()?;
        // One that was deleted in between is left out.
        let mut items: Vec<Tag> = names.items.iter().filter_map(|(_, name)| tags.remove(name)).collect();
        self.add_platforms(repository, &mut items).await?;
        Ok(Page { items, next: names.next })
    }
}
