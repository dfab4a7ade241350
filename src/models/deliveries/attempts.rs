//! Attempts: every HTTP try, exactly as sent and answered, secrets masked.
use diesel::prelude::*;
use time::OffsetDateTime;

use super::status::{Failure, failure_of};
use crate::base::db::DbError;
use crate::base::ids::{DeliveryId, ProjectId};
use crate::base::schema::attempts;
use crate::models::webhooks::Settings;
use crate::rules::body::{BodyFormat, OLDER_VERSION};
use crate::rules::kept::headers::{Facts, unpack};

/// How the request's body can be had again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyKind {
    /// The envelope of version 2024-01-01 around the event's data; rebuilt from the event and the attempt.
    Envelope,
    /// The event's data itself.
    Flat,
    /// The older envelope, of version 2018-08-01, around the event's data; rebuilt from the event.
    Envelope2018,
    /// Kept with the attempt, because it cannot be rebuilt.
    Kept(Vec<u8>),
}

impl BodyKind {
    /// What a webhook with these settings is sent.
    pub fn of(settings: &Settings) -> Self {
        match settings.body {
            BodyFormat::Flat => Self::Flat,
            BodyFormat::Envelope if settings.version == OLDER_VERSION => Self::Envelope2018,
            BodyFormat::Envelope => Self::Envelope,
        }
    }

    pub(super) fn number(&self) -> i16 {
        match self {
            Self::Kept(_) => 0,
            Self::Envelope => 1,
            Self::Flat => 2,
            Self::Envelope2018 => 3,
        }
    }
}

/// Microseconds that each step took; none for a step that did not happen (a kept connection, plain http).
///
/// The first byte is timed from the start of the attempt, look-up, connection and handshake included, as is the total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Timings {
    pub dns_us: Option<i32>,
    pub connect_us: Option<i32>,
    pub tls_us: Option<i32>,
    pub first_byte_us: Option<i32>,
    pub total_us: i32,
}

/// A response as received, up to the cap on its body.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Response {
    pub status: u16,
    /// Name and value, in the order received per name.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub truncated: bool,
}

/// One HTTP try.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Attempt {
    pub started_at: OffsetDateTime,
    pub url: String,
    /// Where the connection went, with port.
    pub address: Option<String>,
    /// Name and value as sent; secrets masked.
    pub request_headers: Vec<(String, String)>,
    pub body: BodyKind,
    pub response: Option<Response>,
    pub failure: Option<Failure>,
    pub timings: Timings,
}

/// An attempt as read back.
#[derive(Clone, Debug)]
pub struct AttemptRow {
    /// Counts from 1 within the delivery.
    pub number: usize,
    /// What happened.
    pub attempt: Attempt,
    /// Whether the response had a body that is no longer kept: it is empty here.
    pub response_is_emptied: bool,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = attempts, check_for_backend(diesel::pg::Pg))]
struct Row {
    started_at: OffsetDateTime,
    duration_us: i32,
    url: String,
    address: Option<String>,
    delivery_id: DeliveryId,
    request_headers: Vec<u8>,
    body_format: i16,
    request_body: Option<Vec<u8>>,
    response_status: Option<i16>,
    response_headers: Option<Vec<u8>>,
    response_body: Option<Vec<u8>>,
    response_truncated: bool,
    failure_kind: Option<i16>,
    failure_detail: Option<String>,
    dns_us: Option<i32>,
    connect_us: Option<i32>,
    tls_us: Option<i32>,
    first_byte_us: Option<i32>,
}

/// The attempts of a delivery, first one first; at most the last `limit`.
pub fn of_delivery(
    conn: &mut PgConnection,
    project: ProjectId,
    delivery: DeliveryId,
    limit: i64,
) -> Result<Vec<AttemptRow>, DbError> {
    let total: i64 = attempts::table
        .filter(attempts::project_id.eq(project))
        .filter(attempts::delivery_id.eq(delivery))
        .count()
        .get_result(conn)?;
    let mut rows: Vec<Row> = attempts::table
        .filter(attempts::project_id.eq(project))
        .filter(attempts::delivery_id.eq(delivery))
        .order(attempts::number.desc())
        .limit(limit)
        .select(Row::as_select())
        .load(conn)?;
    rows.reverse();
    let skipped = usize::try_from(total).unwrap_or_default().saturating_sub(rows.len());
    Ok(rows
        .into_iter()
        .enumerate()
        .map(|(n, row)| AttemptRow {
            number: skipped + n + 1,
            response_is_emptied: row.response_status.is_some() && row.response_body.is_none(),
            attempt: row.into(),
        })
        .collect())
}

impl From<Row> for Attempt {
    fn from(row: Row) -> Self {
        let id = row.delivery_id.to_string();
        let facts = Facts { id: &id, started_at: row.started_at, url: &row.url };
        let headers = |packed: &Vec<u8>| unpack(packed, facts);
        let request_headers = headers(&row.request_headers);
        let response_headers = row.response_headers.as_ref().map(headers).unwrap_or_default();
        Self {
            started_at: row.started_at,
            url: row.url,
            address: row.address,
            request_headers,
            body: match row.body_format {
                1 => BodyKind::Envelope,
                2 => BodyKind::Flat,
                3 => BodyKind::Envelope2018,
                _ => BodyKind::Kept(row.request_body.unwrap_or_default()),
            },
            response: row.response_status.map(|status| Response {
                status: u16::try_from(status).unwrap_or_default(),
                headers: response_headers,
                body: row.response_body.unwrap_or_default(),
                truncated: row.response_truncated,
            }),
            failure: failure_of(row.failure_kind, row.failure_detail),
            timings: Timings {
                dns_us: row.dns_us,
                connect_us: row.connect_us,
                tls_us: row.tls_us,
                first_byte_us: row.first_byte_us,
                total_us: row.duration_us,
            },
        }
    }
}
