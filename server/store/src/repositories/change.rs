//! What changes on a repository once it is there: its text, its settings and its name.
//! It refuses to know who may change it: it takes a permit.

use model::clock::Timestamp;
use model::event::{Event, What};
use model::fault::Fault;
use model::oci::RepositoryName;
use model::reason::Reason;
use model::repository::{CommentPolicy, MAX_OVERVIEW, MAX_TOPICS, Repository, RepositoryPatch, parse_topic};
use model::role::Visibility;
use sea_orm::SqlErr;

use super::create;
use crate::access::{Manage, Need, Own, Permit};
use crate::database::Tx;
use crate::error::{Error, Result};
use crate::{Store, cursor, outbox, sql};

impl Store {
    /// Changes text and settings; what the patch leaves out stays. The repository afterwards.
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
        let topics = topics.as_deref();
        let now = self.clock().now();
        self.database()
            .write(|tx| async move {
                let update = "UPDATE repository SET
                        description = COALESCE($2, description), overview = COALESCE($3, overview),
                        visibility = COALESCE($4, visibility), comments = COALESCE($5, comments),
                        topics = COALESCE($6, topics), updated_at = $7, changed_at = $7
                    WHERE id = $1";
                let values = [
                    permit.repository().0.into(),
                    description.into(),
                    overview.into(),
                    patch.visibility.map(Visibility::as_str).into(),
                    patch.comments.map(CommentPolicy::as_str).into(),
                    topics.into(),
                    now.micros().into(),
                ];
                if sql::execute(&*tx, update, values).await? == 0 {
                    return Err(Error::Absent);
                }
                outbox::append(&*tx, &event(permit, What::Changed), now).await
            })
            .await?;
        self.changed();
        self.repository(&permit.narrow()).await
    }

    /// Renames within the namespace. The old path leads here from now on, and nobody else gets it.
    pub async fn rename_repository(&self, permit: &Permit<Own>, name: &str) -> Result<Repository> {
        let path = &create::repository_path(permit.path().namespace(), name.trim())?;
        if path != permit.path() {
            let now = self.clock().now();
            let renamed = self.database().write(|tx| async move { rename(&tx, permit, path, now).await }).await;
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

    /// To be called after each change that others may hold in memory or wait for.
    pub(crate) fn changed(&self) {
        self.standings().forget();
        self.news().notify_waiters();
    }
}

/// What happened to the repository of a permit.
pub(crate) fn event<N: Need>(permit: &Permit<N>, what: What) -> Event {
    Event { repository: permit.repository(), path: permit.path().clone(), actor: permit.actor().cloned(), what }
}

async fn rename(tx: &Tx, permit: &Permit<Own>, path: &RepositoryName, now: Timestamp) -> Result<()> {
    let id = permit.repository().0;
    // Back to a name that it had before.
    let own = "DELETE FROM repository_alias WHERE path = $1 AND repository_id = $2";
    sql::execute(tx, own, [path.as_str().into(), id.into()]).await?;
    let update = "UPDATE repository SET path = $2, updated_at = $4, changed_at = $4 WHERE id = $1 AND path = $3";
    let values = [id.into(), path.as_str().into(), permit.path().as_str().into(), now.micros().into()];
    if sql::execute(tx, update, values).await? == 0 {
        return Err(Error::Absent);
    }
    if create::is_alias(tx, path).await? {
        return Err(create::taken());
    }
    let keep = "INSERT INTO repository_alias (path, repository_id) VALUES ($1, $2)";
    sql::execute(tx, keep, [permit.path().as_str().into(), id.into()]).await?;
    outbox::append(tx, &Event { path: path.clone(), ..event(permit, What::Changed) }, now).await?;
    Ok(())
}

/// Topics as they are kept: each once, in the order given, as a JSON array.
fn topics(given: &[String]) -> Result<String> {
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
    serde_json::to_string(&topics).map_err(|_| Error::Corrupt("repository.topics"))
}
