//! Ids: a prefix that says what it is, then 32 hex digits of a time-ordered UUID (version 7).
//!
//! The database stores the bare UUID. The first 48 bits are milliseconds since 1970, so ids sort by age and large
//! tables are cut into days by id alone.
use std::cell::RefCell;
use std::fmt;
use std::str::FromStr;

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::OffsetDateTime;
use uuid::Uuid;

/// The text is not an id of the kind that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnId {
    /// What an id of this kind begins with.
    pub prefix: &'static str,
}

impl fmt::Display for NotAnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not an id: expected `{}` and 32 hex digits", self.prefix)
    }
}

impl std::error::Error for NotAnId {}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, AsExpression, FromSqlRow)]
        #[diesel(sql_type = sql_types::Uuid)]
        pub struct $name(pub Uuid);

        impl $name {
            /// What the text form begins with.
            pub const PREFIX: &'static str = $prefix;

            /// A new id that sorts by `now`.
            pub fn new(now: OffsetDateTime) -> Self {
                Self(uuid_at(now))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", $prefix, self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let hex = text.strip_prefix($prefix).ok_or(NotAnId { prefix: $prefix })?;
                simple(hex).map(Self).ok_or(NotAnId { prefix: $prefix })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl ToSql<sql_types::Uuid, Pg> for $name {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                <Uuid as ToSql<sql_types::Uuid, Pg>>::to_sql(&self.0, out)
            }
        }

        impl FromSql<sql_types::Uuid, Pg> for $name {
            fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
                <Uuid as FromSql<sql_types::Uuid, Pg>>::from_sql(bytes).map(Self)
            }
        }
    };
}

id!(
    /// A project: everything else belongs to one.
    ProjectId, "proj_"
);
id!(
    /// A person who can sign in.
    UserId, "user_"
);
id!(
    /// An API key (its id, never the token).
    KeyId, "key_"
);
id!(
    /// A webhook: where we send.
    WebhookId, "wh_"
);
id!(
    /// A delivery: one event to one webhook. Also the `webhook-id` header and the envelope's `id`.
    DeliveryId, "whs_"
);
id!(
    /// A replay: deliveries that are sent again together.
    ReplayId, "rep_"
);
id!(
    /// A saved view: filters of a list under a name.
    ViewId, "view_"
);
id!(
    /// An export that somebody follows, as its page named it.
    ExportId, "exp_"
);
id!(
    /// A note on a delivery.
    NoteId, "note_"
);
id!(
    /// A record that a delivery was sent again with changes.
    ResendId, "res_"
);
id!(
    /// A failure group: attempts that failed alike.
    FailureGroupId, "fg_"
);
id!(
    /// Personal data shown to somebody for a while.
    RevealId, "rev_"
);
id!(
    /// A line of the audit log.
    AuditId, "aud_"
);
id!(
    /// The request that an event came from; events of one cause share it.
    GroupId, "v-"
);

impl GroupId {
    /// The group that is named after its first event: of most, that is the only one, and then needs no room of its own.
    pub fn of(first: EventId) -> Self {
        Self(first.0)
    }
}

/// An event. Its text form needs the type's prefix (`evred_`, `evcus_`, … else `ev_`), so it is printed by
/// [`EventId::with_prefix`]; reading accepts any of them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, AsExpression, FromSqlRow)]
#[diesel(sql_type = sql_types::Uuid)]
pub struct EventId(pub Uuid);

impl EventId {
    /// A new id that sorts by `now`.
    pub fn new(now: OffsetDateTime) -> Self {
        Self(uuid_at(now))
    }

    /// The text form, e.g. `evred_0193…` for the prefix `evred_`.
    pub fn with_prefix(&self, prefix: &str) -> String {
        format!("{prefix}{}", self.0.simple())
    }
}

impl Serialize for EventId {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&self.with_prefix("ev_"))
    }
}

impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl FromStr for EventId {
    type Err = NotAnId;
    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let wrong = NotAnId { prefix: "ev_" };
        let (prefix, hex) = text.split_once('_').ok_or(wrong)?;
        let known =
            prefix.starts_with("ev") && prefix.len() <= 5 && prefix.bytes().all(|b| b.is_ascii_lowercase());
        if !known {
            return Err(wrong);
        }
        simple(hex).map(Self).ok_or(wrong)
    }
}

impl ToSql<sql_types::Uuid, Pg> for EventId {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        <Uuid as ToSql<sql_types::Uuid, Pg>>::to_sql(&self.0, out)
    }
}

impl FromSql<sql_types::Uuid, Pg> for EventId {
    fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
        <Uuid as FromSql<sql_types::Uuid, Pg>>::from_sql(bytes).map(Self)
    }
}

/// The millisecond at which an id was made, as in its first 48 bits.
pub fn millis_of(id: Uuid) -> u64 {
    (id.as_u128() >> 80) as u64
}

/// The same as a time; the epoch for an id that no clock made.
pub fn time_of(id: Uuid) -> OffsetDateTime {
    let nanos = i128::from(millis_of(id)) * 1_000_000;
    OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// The smallest id of a millisecond: a bound for ranges over ids.
pub fn lower_bound(at: OffsetDateTime) -> Uuid {
    let millis = (at.unix_timestamp_nanos() / 1_000_000).max(0) as u128;
    Uuid::from_u128(millis << 80)
}

/// Days behind the newest that a list looks through: first a few, then more, then all there are.
const DAYS_LOOKED_THROUGH: [i64; 3] = [2, 10, 40];

/// What a page of a list looks through for what no index knows, before it says where it stopped: so many rows at first,
/// then more, so that a page that fills early is an early page.
pub const LOOKED_THROUGH: [i64; 3] = [1_000, 4_000, 15_000];

/// Ranges of ids, newest first, each from the first on and below the second; none is no bound. All of them together
/// hold every id.
///
/// For lists that show a page of the newest: most are full after the first range, and to plan a read of the tables of
/// every day takes longer than to read the few that matter.
pub fn ranges_back(newest: OffsetDateTime) -> [(Option<Uuid>, Option<Uuid>); 4] {
    let bound = |days| newest.checked_sub(time::Duration::days(days)).map(lower_bound);
    let [first, second, third] = DAYS_LOOKED_THROUGH.map(bound);
    [(first, None), (second, first), (third, second), (None, third)]
}

/// A UUID of version 7 with the millisecond of `id` and 74 bits taken from `digest`: the same input gives the same id.
pub fn derived(id: Uuid, digest: [u8; 10]) -> Uuid {
    uuid::Builder::from_unix_timestamp_millis(millis_of(id), &digest).into_uuid()
}

fn uuid_at(now: OffsetDateTime) -> Uuid {
    let millis = (now.unix_timestamp_nanos() / 1_000_000).max(0) as u64;
    uuid::Builder::from_unix_timestamp_millis(millis, &random()).into_uuid()
}

/// Random bytes that are asked of the system for many ids at a time. Ids are no secrets.
fn random() -> [u8; 10] {
    thread_local! {
        static POOL: RefCell<([[u8; 10]; 64], usize)> = const { RefCell::new(([[0; 10]; 64], 0)) };
    }
    POOL.with_borrow_mut(|(pool, left)| {
        if *left == 0 {
            // It fails only where nothing could run safely.
            getrandom::fill(pool.as_flattened_mut()).expect("the system's source of randomness answers");
            *left = pool.len();
        }
        *left -= 1;
        pool[*left]
    })
}

fn simple(hex: &str) -> Option<Uuid> {
    // Uuid's own parser also takes hyphens, braces and capitals; an id has one spelling.
    let one_spelling =
        hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    one_spelling.then(|| Uuid::try_parse_ascii(hex.as_bytes()).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_it_was_printed_and_in_no_other_spelling() {
        let id = WebhookId::new(OffsetDateTime::now_utc());
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!(id.to_string().to_uppercase().parse::<WebhookId>().is_err());
        assert!(format!("whs_{}", id.0.simple()).parse::<WebhookId>().is_err());
        assert!(format!("wh_{}", id.0).parse::<WebhookId>().is_err(), "hyphens");
    }

    #[test]
    fn an_event_id_reads_back_under_every_prefix() {
        let id = EventId::new(OffsetDateTime::now_utc());
        for prefix in ["ev_", "evred_", "evbvr_"] {
            assert_eq!(id.with_prefix(prefix).parse(), Ok(id));
        }
        assert!(id.with_prefix("wh_").parse::<EventId>().is_err());
    }

    #[test]
    fn ids_sort_by_time_and_derived_ids_stay_in_their_millisecond() {
        let now = OffsetDateTime::now_utc();
        let early = EventId::new(now);
        let late = EventId::new(now + time::Duration::milliseconds(2));
        assert!(early < late);
        let made = derived(early.0, [0xff; 10]);
        assert_eq!(millis_of(made), millis_of(early.0));
        assert_eq!(made.get_version_num(), 7);
        assert!(lower_bound(now) <= early.0 && early.0 < lower_bound(now + time::Duration::milliseconds(1)));
    }
}
