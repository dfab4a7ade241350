//! Where a command works: the database of a running `serve`, or one that the command starts itself.
use diesel::{Connection, PgConnection};

use super::flags::PlaceFlags;
use super::{Failure, logging};
use crate::base::clock::Clock;
use crate::base::migrate;
use crate::base::postgres::PrivatePostgres;

/// An open, migrated database, whether `serve` runs on it or nothing does.
pub(super) struct Place {
    /// The system's.
    pub(super) clock: Clock,
    /// A connection of the command's own.
    pub(super) conn: PgConnection,
    /// The migrations that opening it ran.
    pub(super) ran: Vec<String>,
    /// Held until the command ends; after the connection, since fields go in this order.
    _postgres: Option<PrivatePostgres>,
}

impl Place {
    /// Reads the settings, joins or starts the database, and brings it to the newest form.
    pub(super) fn open(flags: &PlaceFlags) -> Result<Self, Failure> {
        logging::start_quietly();
        let config =
            flags.config().map_err(|wrong| Failure::new(wrong.to_string(), "correct that and try again"))?;
        let (url, postgres) = match &config.database_url {
            Some(url) => (url.clone(), None),
            None => {
                let postgres = PrivatePostgres::open(&config.data_dir)
                    .map_err(|error| Failure::new(error.to_string(), "nothing was changed"))?;
                (postgres.url(), Some(postgres))
            }
        };
        let mut conn = PgConnection::establish(&url).map_err(|error| {
            Failure::new(
                format!("the database cannot be reached: {error}"),
                "check CALLOUT_DATABASE_URL, and that the server runs",
            )
        })?;
        let ran = migrate::run_pending(&mut conn)
            .map_err(|error| Failure::new(error.to_string(), "nothing was changed by the failed step"))?;
        Ok(Self { clock: Clock::system(), conn, ran, _postgres: postgres })
    }
}
