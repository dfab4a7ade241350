//! Why the program did not start, and what to do.
use std::fmt;
use std::net::SocketAddr;

use crate::base::db::DbError;
use crate::base::migrate::MigrateError;
use crate::base::postgres::PostgresError;
use crate::base::seal::KeyError;
use crate::dispatcher::http::TlsError;

/// Why the program did not start.
#[derive(Debug)]
#[allow(missing_docs)]
pub enum StartError {
    /// The address is taken or not ours.
    Listen {
        address: SocketAddr,
        error: std::io::Error,
    },
    /// The data directory cannot be used.
    DataDir {
        path: std::path::PathBuf,
        error: std::io::Error,
    },
    /// A setting that only its reader can judge.
    Setting {
        variable: &'static str,
        value: String,
        accepted: String,
    },
    Key(KeyError),
    /// The key does not open what is in the database.
    WrongKey,
    Postgres(PostgresError),
    Database(String),
    Migrate(MigrateError),
    Tls(TlsError),
    Threads(std::io::Error),
    Signals(std::io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen { address, error } => {
                write!(f, "cannot listen on {address}: {error}. Choose another address with CALLOUT_LISTEN")
            }
            Self::DataDir { path, error } => {
                let path = path.display();
                write!(f, "the data directory {path} cannot be used: {error}. Choose another with CALLOUT_DATA_DIR")
            }
            Self::Setting { variable, value, accepted } => {
                write!(f, "{variable} is `{value}`; accepted is {accepted}")
            }
            Self::Key(error) => error.fmt(f),
            Self::WrongKey => f.write_str(
                "the secret key does not open the secrets in this database. Set CALLOUT_SECRET_KEY to the key that it \
                 was used with, or bring back the file secret.key in the data directory",
            ),
            Self::Postgres(error) => error.fmt(f),
            Self::Database(why) => write!(f, "the database cannot be reached: {why}. Check CALLOUT_DATABASE_URL"),
            Self::Migrate(error) => error.fmt(f),
            Self::Tls(error) => error.fmt(f),
            Self::Threads(error) => write!(f, "a thread could not be started: {error}"),
            Self::Signals(error) => write!(f, "signals cannot be received: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

impl From<DbError> for StartError {
    fn from(error: DbError) -> Self {
        Self::Database(error.to_string())
    }
}

impl From<diesel::result::Error> for StartError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database(error.to_string())
    }
}
