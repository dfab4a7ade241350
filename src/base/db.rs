//! The way to Postgres: a pool for pages and the API, one blocking thread per statement sequence.
use std::fmt;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use diesel::RunQueryDsl as _;
use diesel::connection::SimpleConnection;
use diesel::pg::{Pg, PgConnection};
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Pool};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::Binary;
use diesel::{Connection, ConnectionResult};

/// How long a request waits for a free connection before it is refused with "try again".
const POOL_WAIT_MAX: Duration = Duration::from_secs(4);
/// No statement of a page or an API call may run longer.
const STATEMENT_TIMEOUT_MS: u32 = 9_000;
/// A request gets an answer after so long even if the server is frozen; what it asked for may still happen.
pub const ANSWER_MAX: Duration = Duration::from_secs(10);
/// No statement waits longer for another's lock.
const LOCK_TIMEOUT_MS: u32 = 5_000;

/// Why a database operation did not happen.
#[derive(Debug)]
pub enum DbError {
    /// No connection could be had, or the database stopped answering: try again later (503).
    Unavailable(String),
    /// The database's disk has no room: nothing can be written until somebody makes some (503).
    DiskFull(String),
    /// The statement itself failed.
    Query(DieselError),
}

impl fmt::Display for DbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(why) => write!(f, "the database is not available: {why}"),
            Self::DiskFull(why) => write!(
                f,
                "the database's disk is full: free space on it or enlarge it, everything goes on by itself then ({why})"
            ),
            Self::Query(error) => write!(f, "a statement failed: {error}"),
        }
    }
}

impl std::error::Error for DbError {}

impl From<DieselError> for DbError {
    fn from(error: DieselError) -> Self {
        match &error {
            DieselError::DatabaseError(DatabaseErrorKind::ClosedConnection, info) => {
                Self::Unavailable(info.message().to_owned())
            }
            DieselError::DatabaseError(_, info) if is_of_full_disk(info.message()) => {
                Self::DiskFull(info.message().to_owned())
            }
            DieselError::DatabaseError(_, info) if is_passing(info.message()) => {
                Self::Unavailable(info.message().to_owned())
            }
            DieselError::BrokenTransactionManager => Self::Unavailable("the connection broke".to_owned()),
            _ => Self::Query(error),
        }
    }
}

/// Whether a message of Postgres says that a disk, or a share of one, is used up.
pub fn is_of_full_disk(message: &str) -> bool {
    ["No space left on device", "Disk quota exceeded"].iter().any(|text| message.contains(text))
}

/// Messages of a server that is starting, stopping, gone or busy: the same statement may work later.
fn is_passing(message: &str) -> bool {
    const PASSING: [&str; 10] = [
        "server closed the connection",
        "terminating connection",
        "connection to server",
        "no connection to the server",
        "the database system is",
        "could not receive data",
        "could not send data",
        "canceling statement due to",
        "deadlock detected",
        "SSL connection has been closed",
    ];
    PASSING.iter().any(|text| message.contains(text))
}

/// How Postgres knows the connections of a program that runs: commands have none of this name.
const APPLICATION_NAME: &str = "callout serve";

/// Whether a program runs on this database, here or elsewhere.
pub fn is_in_use(conn: &mut PgConnection) -> Result<bool, DbError> {
    #[derive(diesel::QueryableByName)]
    struct Found {
        #[diesel(sql_type = diesel::sql_types::Bool)]
        is_in_use: bool,
    }
    let found: Found = diesel::sql_query(
        "select exists (select from pg_stat_activity \
         where datname = current_database() and application_name = $1) as is_in_use",
    )
    .bind::<diesel::sql_types::Text, _>(APPLICATION_NAME)
    .get_result(conn)?;
    Ok(found.is_in_use)
}

/// Whether a statement failed because of the constraint of this name.
pub fn violates(error: &DieselError, constraint: &str) -> bool {
    matches!(error, DieselError::DatabaseError(_, info) if info.constraint_name() == Some(constraint))
}

#[derive(Debug)]
struct Limits;

impl CustomizeConnection<PgConnection, diesel::r2d2::Error> for Limits {
    fn on_acquire(&self, conn: &mut PgConnection) -> Result<(), diesel::r2d2::Error> {
        conn.batch_execute(&limits()).map_err(diesel::r2d2::Error::QueryError)
    }
}

/// A handle to the database; clones share one pool.
#[derive(Clone)]
pub struct Db {
    url: Arc<str>,
    pool: Pool<ConnectionManager<PgConnection>>,
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Db") // the address may hold a password
    }
}

impl Db {
    /// A pool of up to `connections_max` on `url`, opened as they are needed.
    pub fn new(url: &str, connections_max: u32) -> Self {
        let url = with_silence_limits(url);
        let pool = Pool::builder()
            .max_size(connections_max)
            .min_idle(Some(0))
            // Dear for the hot path (it owns its connections) but cheap here: a server that restarted goes unnoticed.
            .test_on_check_out(true)
            .connection_timeout(POOL_WAIT_MAX)
            .connection_customizer(Box::new(Limits))
            .build_unchecked(ConnectionManager::new(&url));
        Self { url: url.into(), pool }
    }

    /// A connection of its own, outside the pool, for the threads that keep one for good and say the same few prepared
    /// statements again and again, all of which find rows by their keys.
    pub fn own_connection(&self) -> ConnectionResult<PgConnection> {
        self.connection(&format!("{}; {BY_KEY}", limits()))
    }

    /// As [`Db::own_connection`], for migrations: its statements may take as long as they need.
    pub fn unlimited_connection(&self) -> ConnectionResult<PgConnection> {
        self.connection("set timezone = 'UTC'")
    }

    fn connection(&self, settings: &str) -> ConnectionResult<PgConnection> {
        let mut conn = PgConnection::establish(&self.url)?;
        conn.batch_execute(settings).map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
        Ok(conn)
    }

    /// Runs `work` on a blocking thread with a pooled connection, each statement its own transaction. For reading.
    pub async fn run<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut PgConnection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let db = self.clone();
        blocking(move || db.run_blocking(work)).await
    }

    /// Runs `work` in one transaction on a blocking thread: all of it happens or none.
    ///
    /// Nothing in it can await, so nobody holds a connection while calling out.
    pub async fn transaction<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut PgConnection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + From<DieselError> + Send + 'static,
    {
        self.run(move |conn| conn.transaction(work)).await
    }

    /// As [`Db::run`], however long it takes: only each statement keeps its limit. For work that a person waits for.
    pub async fn run_long<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut PgConnection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let db = self.clone();
        match tokio::task::spawn_blocking(move || db.run_blocking(work)).await {
            Ok(result) => result,
            Err(error) => Err(DbError::Unavailable(error.to_string()).into()),
        }
    }

    /// As [`Db::run`], on the calling thread (commands and threads of their own).
    pub fn run_blocking<T, E>(&self, work: impl FnOnce(&mut PgConnection) -> Result<T, E>) -> Result<T, E>
    where
        E: From<DbError>,
    {
        let mut conn = self.pool.get().map_err(|error| DbError::Unavailable(error.to_string()))?;
        work(&mut conn)
    }
}

async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<DbError> + Send + 'static,
{
    match tokio::time::timeout(ANSWER_MAX, tokio::task::spawn_blocking(work)).await {
        Ok(Ok(result)) => result,
        Ok(Err(error)) => Err(DbError::Unavailable(error.to_string()).into()),
        Err(_) => Err(DbError::Unavailable("it did not answer in time".to_owned()).into()),
    }
}

/// Runs `work` in a transaction whose prepared statements are planned once and look rows up by an index, one by one.
/// For those that look into the tables of every day: to plan that takes longer than to read the few rows they want, and
/// what the planner would choose for a day's table while it is empty is a bad plan an hour later.
pub fn by_key<T>(
    conn: &mut PgConnection,
    work: impl FnOnce(&mut PgConnection) -> Result<T, DbError>,
) -> Result<T, DbError> {
    conn.transaction(|conn| {
        conn.batch_execute(&BY_KEY.replace("set ", "set local "))?;
        work(conn)
    })
}

/// The settings for [`by_key`].
const BY_KEY: &str = "set plan_cache_mode = force_generic_plan; set enable_seqscan = off; set enable_bitmapscan = off; \
                      set enable_hashjoin = off; set enable_mergejoin = off";

/// No statement is long enough for its compilation, or for helpers, to pay. A page wants a few rows through an index: at
/// the price that rows had on disks that turned, reading past very many looks cheap. And it is planned for what it asks
/// for, each time: a plan for anything whatever reads all of a history for what is rare in it.
fn limits() -> String {
    format!(
        "set application_name = '{APPLICATION_NAME}'; set statement_timeout = {STATEMENT_TIMEOUT_MS}; set lock_timeout = {LOCK_TIMEOUT_MS}; set timezone = 'UTC'; \
         set jit = off; set max_parallel_workers_per_gather = 0; set random_page_cost = 1.1; \
         set plan_cache_mode = force_custom_plan"
    )
}

/// The address with limits on how long a remote server may be silent, unless it has its own.
fn with_silence_limits(url: &str) -> String {
    let mut url = url.to_owned();
    let is_uri = url.contains("://");
    for (name, value) in [("connect_timeout", "5"), ("tcp_user_timeout", "10000")] {
        if url.contains(name) {
            continue;
        }
        let separator = match (is_uri, url.contains('?')) {
            (true, true) => "&",
            (true, false) => "?",
            (false, _) => " ",
        };
        url.push_str(&format!("{separator}{name}={value}"));
    }
    url
}

/// Bytes as a `bytea` parameter, without a copy of their own.
#[derive(Clone, Debug)]
pub struct Blob(pub bytes::Bytes);

impl ToSql<Binary, Pg> for Blob {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(&self.0)?;
        Ok(IsNull::No)
    }
}
