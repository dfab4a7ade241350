//! The audit log: who did what that others may have to answer for. Lines are written in the transaction that does it, and
//! never changed.
use diesel::prelude::*;
use time::{Duration, OffsetDateTime};

use crate::base::db::DbError;
use crate::base::ids::{self, AuditId, ProjectId, RevealId, UserId};
use crate::base::schema::audit;

/// A line is kept for so long.
pub const KEPT: Duration = Duration::days(400);
/// So many old lines go at a time.
const FORGOTTEN_AT_A_TIME: i64 = 5_000;

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident $word:literal $words:literal,)*) => {
        /// What was done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Action { $($(#[$doc])* $name,)* }

        impl Action {
            /// Every action, in the order of the filter.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// As stored, and as in addresses.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// For people.
            pub fn words(self) -> &'static str {
                match self { $(Self::$name => $words,)* }
            }
        }
    };
}

actions! {
    /// Somebody gave a reason to see personal data.
    RevealBegun "reveal.begun" "Personal data revealed",
    /// They had it masked again before its time.
    RevealEnded "reveal.ended" "Masked again",
    /// A record with personal data was opened meanwhile.
    RecordViewed "record.viewed" "Record opened while revealed",
    /// What is masked was changed.
    MaskingChanged "masking.changed" "Masking changed",
    /// A person got a role.
    RoleChanged "role.changed" "Role changed",
    /// An API key was made.
    KeyCreated "key.created" "API key created",
    /// An API key was revoked.
    KeyRevoked "key.revoked" "API key revoked",
    /// A webhook was made.
    WebhookCreated "webhook.created" "Webhook created",
    /// A webhook's settings were saved.
    WebhookChanged "webhook.changed" "Webhook changed",
    /// A webhook was deleted.
    WebhookDeleted "webhook.deleted" "Webhook deleted",
    /// A webhook got a new secret, or an old one back.
    SecretChanged "secret.changed" "Signing secret changed",
    /// All webhooks of a project were switched off or on.
    AllSwitched "webhooks.switched" "All webhooks switched",
    /// Deliveries are sent again together.
    ReplayBegun "replay.begun" "Replay begun",
}

impl Action {
    /// The action of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.as_str() == word)
    }
}

/// A line to write.
#[derive(Clone, Debug)]
pub struct Entry {
    /// None for a program with a key, and for the command line.
    pub user: Option<UserId>,
    /// None for what belongs to no project.
    pub project: Option<ProjectId>,
    /// What.
    pub action: Action,
    /// The id of what it was done to.
    pub subject: String,
    /// More about it, without secrets and personal data.
    pub detail: String,
}

/// Writes a line.
pub fn write(conn: &mut PgConnection, entry: &Entry, now: OffsetDateTime) -> Result<(), DbError> {
    insert(conn, entry, None, now)
}

/// Writes that a record was opened while personal data was shown: once for each record and reveal.
pub fn write_viewed(
    conn: &mut PgConnection,
    entry: &Entry,
    reveal: RevealId,
    now: OffsetDateTime,
) -> Result<(), DbError> {
    let once = format!("{reveal} {}", entry.subject);
    insert(conn, entry, Some(once), now)
}

fn insert(
    conn: &mut PgConnection,
    entry: &Entry,
    once: Option<String>,
    now: OffsetDateTime,
) -> Result<(), DbError> {
    diesel::insert_into(audit::table)
        .values((
            audit::id.eq(AuditId::new(now)),
            audit::at.eq(now),
            audit::user_id.eq(entry.user),
            audit::project_id.eq(entry.project),
            audit::action.eq(entry.action.as_str()),
            audit::subject.eq(&entry.subject),
            audit::detail.eq(&entry.detail),
            audit::once.eq(once),
        ))
        .on_conflict_do_nothing()
        .execute(conn)?;
    Ok(())
}

/// A line as it was written.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = audit, check_for_backend(diesel::pg::Pg))]
#[allow(missing_docs)]
pub struct Line {
    pub id: AuditId,
    pub at: OffsetDateTime,
    #[diesel(column_name = user_id)]
    pub user: Option<UserId>,
    #[diesel(column_name = project_id)]
    pub project: Option<ProjectId>,
    /// A word of [`Action`].
    pub action: String,
    pub subject: String,
    pub detail: String,
}

/// Which lines.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only of this project.
    pub project: Option<ProjectId>,
    /// Only what this person did.
    pub user: Option<UserId>,
    /// Only this.
    pub action: Option<Action>,
    /// At or after.
    pub since: Option<OffsetDateTime>,
    /// Before.
    pub until: Option<OffsetDateTime>,
    /// Older than this line: the last of the page before.
    pub before: Option<AuditId>,
}

/// A page of lines, newest first.
pub fn list(conn: &mut PgConnection, filter: &Filter, limit: i64) -> Result<Vec<Line>, DbError> {
    let mut query = audit::table.into_boxed();
    if let Some(project) = filter.project {
        query = query.filter(audit::project_id.eq(project));
    }
    if let Some(user) = filter.user {
        query = query.filter(audit::user_id.eq(user));
    }
    if let Some(action) = filter.action {
        query = query.filter(audit::action.eq(action.as_str()));
    }
    if let Some(since) = filter.since {
        query = query.filter(audit::id.ge(AuditId(ids::lower_bound(since))));
    }
    if let Some(until) = filter.until {
        query = query.filter(audit::id.lt(AuditId(ids::lower_bound(until))));
    }
    if let Some(before) = filter.before {
        query = query.filter(audit::id.lt(before));
    }
    Ok(query.order(audit::id.desc()).limit(limit).select(Line::as_select()).load(conn)?)
}

/// Forgets lines that have had their time, some thousands at most. Answers how many.
pub fn forget_old(conn: &mut PgConnection, now: OffsetDateTime) -> Result<usize, DbError> {
    let old: Vec<AuditId> = audit::table
        .filter(audit::id.lt(AuditId(ids::lower_bound(now - KEPT))))
        .order(audit::id)
        .limit(FORGOTTEN_AT_A_TIME)
        .select(audit::id)
        .load(conn)?;
    Ok(diesel::delete(audit::table.filter(audit::id.eq_any(old))).execute(conn)?)
}
