//! Changes to a repository's texts, settings and name.

use model::clock::Timestamp;
use model::event::{Event, EventKind};
use model::fault::Fault;
use model::oci::RepositoryName;
use model::reason::Reason;
use model::repository::{MAX_OVERVIEW, MAX_TOPICS, Repository, RepositoryPatch, parse_topic};
use model::role::Visibility;
use sea_orm::sea_query::{Expr, LockType, Value};
use sea_orm::{ActiveValue, ColumnTrait, EntityTrait, QueryFilter, QuerySelect, SqlErr};

use super::create;
use super::delete::delete_pending_at;
use crate::access::{Manage, Need, Own, Permit};
use crate::database::Tx;
use crate::entity::column::{Json, Text};
use crate::entity::{repository, repository_alias};
use crate::error::{Error, Result};
use crate::outbox::event;
use crate::{Store, cursor, outbox};

impl Store {
    /// Changes texts and settings and returns the repository. Fields that the patch does not set keep their values.
    pub async fn update_repository(&self, permit: &Permit<Manage>, patch: &RepositoryPatch) -> Result<Repository> {
        let description = patch.description.as_deref().map(create::description).transpose()?;
        let overview = patch.overview.as_deref();
        if let Some(overview) = overview {
            cursor::no_zero("overview", overview)?;
            if overview.len() > MAX_OVERVIEW {
                let reason = Reason::ReadmeTooLarge { kib: MAX_OVERVIEW / 1024 };
                return Err(Error::Fault(Fault::invalid("overview", reason)));
            }
        }
        let topics = patch.topics.as_deref().map(topics).transpose()?;
        let now = self.clock().now();
        let changes = &repository::ActiveModel {
            description: set(description.map(str::to_owned)),
            overview: set(overview.map(str::to_owned)),
            visibility: set(patch.visibility.map(Text)),
            comments: set(patch.comments.map(Text)),
            topics: set(topics.map(Json)),
            updated_at: ActiveValue::Set(now.micros()),
            changed_at: ActiveValue::Set(now.micros()),
            ..Default::default()
        };
        self.database()
            .write(permit, |tx| async move {
                let before = visibility(&tx, permit).await?;
                let update = repository::Entity::update_many()
                    .set(changes.clone())
                    .filter(repository::Column::Id.eq(permit.repository().0));
                if update.exec(&*tx).await?.rows_affected == 0 {
                    return Err(Error::Absent);
                }
                let after = patch.visibility.unwrap_or(before);
                if after != before {
                    let kind = EventKind::VisibilityChanged { before, after };
                    outbox::append(&*tx, &event(permit, kind), now).await?;
                }
                outbox::append(&*tx, &event(permit, EventKind::RepositoryUpdated), now).await
            })
            .await?;
        self.changed();
        self.repository(&permit.narrow()).await
    }

    /// Renames a repository within its namespace. The old path redirects to it, and no other repository can use it.
    pub async fn rename_repository(&self, permit: &Permit<Own>, name: &str) -> Result<Repository> {
        let path = &create::repository_path(permit.path().namespace(), name.trim())?;
        if path != permit.path() {
            let now = self.clock().now();
            let renamed = self.database().write(permit, |tx| async move { rename(&tx, permit, path, now).await }).await;
            renamed.map_err(|error| match error {
                Error::Unavailable(source)
                    if matches!(source.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) =>
                {
                    create::taken()
                }
                error => error,
            })?;
            self.changed();
        }
        self.repository(&permit.narrow()).await
    }

    /// Clears cached standings and notifies followers. Must be called after every change that affects standings.
    pub(crate) fn changed(&self) {
        self.standings().forget();
        self.notifier().notify();
    }
}

/// Returns the repository's visibility and locks it until the transaction ends.
async fn visibility<N: Need>(tx: &Tx, permit: &Permit<N>) -> Result<Visibility> {
    let find = repository::Entity::find_by_id(permit.repository().0)
        .select_only()
        .column(repository::Column::Visibility)
        .lock(LockType::NoKeyUpdate);
    Ok(find.into_tuple::<Text<Visibility>>().one(tx).await?.ok_or(Error::Absent)?.0)
}

async fn rename(tx: &Tx, permit: &Permit<Own>, path: &RepositoryName, now: Timestamp) -> Result<()> {
    let id = permit.repository().0;
    // The new path may be one of the repository's former paths, which must then no longer be an alias.
    repository_alias::Entity::delete_many()
        .filter(repository_alias::Column::Path.eq(path.as_str()))
        .filter(repository_alias::Column::RepositoryId.eq(id))
        .exec(tx)
        .await?;
    delete_pending_at(tx, path, now).await?;
    let renamed = repository::Entity::update_many()
        .col_expr(repository::Column::Path, Expr::value(path.as_str()))
        .col_expr(repository::Column::UpdatedAt, Expr::value(now.micros()))
        .col_expr(repository::Column::ChangedAt, Expr::value(now.micros()))
        .filter(repository::Column::Id.eq(id))
        .filter(repository::Column::Path.eq(permit.path().as_str()));
    if renamed.exec(tx).await?.rows_affected == 0 {
        return Err(Error::Absent);
    }
    if create::is_alias(tx, path).await? {
        return Err(create::taken());
    }
    let alias = repository_alias::ActiveModel {
        path: ActiveValue::Set(Text(permit.path().clone())),
        repository_id: ActiveValue::Set(id),
    };
    repository_alias::Entity::insert(alias).exec_without_returning(tx).await?;
    let renamed = EventKind::RepositoryRenamed { before: permit.path().clone() };
    let repository = Some((permit.repository(), path.clone()));
    outbox::append(tx, &Event { repository, ..event(permit, renamed) }, now).await?;
    Ok(())
}

/// Returns an assignment to a column; no assignment if there is no value.
fn set<T: Into<Value>>(value: Option<T>) -> ActiveValue<T> {
    value.map_or(ActiveValue::NotSet, ActiveValue::Set)
}

/// Validates topics and removes duplicates, keeping the order.
fn topics(given: &[String]) -> Result<Vec<String>> {
    let mut topics: Vec<String> = Vec::new();
    for topic in given {
        let topic = parse_topic(topic)?;
        if !topics.contains(&topic) {
            topics.push(topic);
        }
    }
    if topics.len() > MAX_TOPICS {
        return Err(Error::Fault(Fault::invalid("topics", Reason::TooManyTopics { max: MAX_TOPICS })));
    }
    Ok(topics)
}
