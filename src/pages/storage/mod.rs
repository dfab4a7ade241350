//! `/admin/storage`: what the history takes on disk, how fast it grows, and how long the disk lasts. For owners.
mod chart;
mod outlook;
mod sizes;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;
use time::{Date, OffsetDateTime};

pub use self::outlook::{End, Forecast};
pub use self::sizes::{Kept, Measured, Room, Sizes};

use self::chart::Bar;
use self::outlook::bytes_words;
use crate::base::disk::Disk;
use crate::models::deliveries::TableSize;
use crate::web::page::page_with;
use crate::web::{Frame, Owner, PageResult, Section, SignedIn, filters};

/// With less free the page warns.
const FREE_PERCENT_MIN: u8 = 20;
/// If the disk is full sooner the page warns.
const DAYS_MIN: i64 = 14;

#[derive(Template)]
#[template(path = "storage.html")]
struct StoragePage {
    frame: Frame,
    measured_at: OffsetDateTime,
    /// What to worry about; empty if nothing.
    worries: Vec<String>,
    database: String,
    history: String,
    per_day: Option<String>,
    disk: DiskWords,
    end: EndWords,
    bars: Vec<Bar>,
    tables: Vec<TableRow>,
    /// The index of values, and the most that it may take.
    search: String,
    search_max: String,
    other: String,
    freed_soon: String,
    kept: Kept,
}

/// What is said of the disk.
struct DiskWords {
    figure: String,
    note: String,
}

/// What is said of its end.
struct EndWords {
    figure: String,
    note: &'static str,
    on: Option<Date>,
}

/// A line of the table of tables.
struct TableRow {
    name: &'static str,
    rows: i64,
    rows_size: String,
    index_size: String,
    size: String,
}

/// GET /admin/storage
pub async fn show(Owner(person): Owner, sizes: Data<Sizes>) -> PageResult {
    let measured = sizes.fresh().await?;
    page_with(StatusCode::OK, &StoragePage::of(&person, &measured, sizes.kept))
}

impl StoragePage {
    fn of(person: &SignedIn, measured: &Measured, kept: Kept) -> Self {
        let Measured { at, storage, forecast, .. } = measured;
        let history = storage.events.bytes() + storage.deliveries.bytes() + storage.attempts.bytes();
        Self {
            frame: person.frame("Storage", Section::Storage),
            measured_at: *at,
            worries: worries(measured),
            database: bytes_words(storage.database_bytes),
            history: bytes_words(history),
            per_day: forecast.per_day.map(bytes_words),
            disk: DiskWords::of(measured.room),
            end: EndWords::of(measured),
            bars: chart::bars(&forecast.days),
            tables: vec![
                TableRow::of("Events", &storage.events),
                TableRow::of("Deliveries", &storage.deliveries),
                TableRow::of("Attempts", &storage.attempts),
            ],
            search: bytes_words(measured.search_bytes),
            search_max: bytes_words(u64::from(kept.search_mib) << 20),
            other: bytes_words(storage.database_bytes.saturating_sub(history + measured.search_bytes)),
            freed_soon: bytes_words(forecast.freed_soon),
            kept,
        }
    }
}

/// What an owner should do something about.
fn worries(measured: &Measured) -> Vec<String> {
    let mut worries = Vec::new();
    if let Some(percent) = measured.disk().map(|disk| disk.free_percent()).filter(|p| *p < FREE_PERCENT_MIN) {
        worries.push(format!("Only {percent} % of the disk is free."));
    }
    if let End::Full { in_days, .. } = measured.forecast.end
        && in_days < DAYS_MIN
    {
        worries.push(match in_days {
            1 => "At this rate the disk is full tomorrow.".to_owned(),
            _ => format!("At this rate the disk is full in {in_days} days."),
        });
    }
    worries
}

impl DiskWords {
    fn of(room: Room) -> Self {
        let (figure, note) = match room {
            Room::Known(disk) => known(disk),
            Room::Elsewhere => (
                "Not known".to_owned(),
                "The database runs elsewhere (CALLOUT_DATABASE_URL). Watch its disk there.".to_owned(),
            ),
            Room::Silent => ("Not known".to_owned(), "The disk does not tell how full it is.".to_owned()),
        };
        Self { figure, note }
    }
}

fn known(disk: Disk) -> (String, String) {
    (bytes_words(disk.free), format!("{} % of {}", disk.free_percent(), bytes_words(disk.total)))
}

impl EndWords {
    fn of(measured: &Measured) -> Self {
        match measured.forecast.end {
            End::Full { on, in_days } => Self {
                figure: if in_days == 1 { "Tomorrow".to_owned() } else { format!("In {in_days} days") },
                note: "if every day is as the last ones were, on",
                on: Some(on),
            },
            End::Never { level_from } => Self {
                figure: "Not at this rate".to_owned(),
                note: "as much is dropped by age as comes, at the latest from",
                on: Some(level_from),
            },
            End::Unknown if measured.disk().is_none() => {
                Self { figure: "Not known".to_owned(), note: "without the size of the disk", on: None }
            }
            End::Unknown => Self {
                figure: "Not known yet".to_owned(),
                note: "Growth is known after the first full day with events.",
                on: None,
            },
        }
    }
}

impl TableRow {
    fn of(name: &'static str, table: &TableSize) -> Self {
        Self {
            name,
            rows: i64::try_from(table.rows).unwrap_or(i64::MAX),
            rows_size: bytes_words(table.rows_bytes),
            index_size: bytes_words(table.index_bytes),
            size: bytes_words(table.bytes()),
        }
    }
}
