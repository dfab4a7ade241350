//! The rate of a webhook: so many requests a second at most, over all nodes together.
//!
//! Its deliveries wait in the table, also new ones. A row of `webhook_rates` says from when on the next request may go:
//! whoever claims locks it, takes what has come together since the last claim, and moves it on. A claim is begun at
//! once or given back, so what the receiver gets in any second is what was claimed in it.
use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Timestamptz, Uuid as SqlUuid};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::queue::{ClaimedRow, Row, lease};
use super::{Claimed, Look};
use crate::base::db::DbError;
use crate::base::ids::WebhookId;
use crate::prepared;

/// What may go at once after a pause: this part of a second's worth, and no less than one. So much less comes together
/// in a second than the rate says: then no second has more than the rate, not even one that begins with such a burst.
const BURST_PART: i32 = 10;
/// Between two looks for one webhook: half the time in which a burst comes together, so that none is lost.
const APART: Duration = Duration::milliseconds(50);
/// Another node is just claiming, or there is no slot: so long until it is worth another look.
const LOCKED_WAIT: Duration = Duration::milliseconds(100);
/// At 1 a second a claim moves the next by a second. What is further ahead was written by a clock that was wrong.
const AHEAD_MAX: Duration = Duration::MINUTE;
/// What waited longer than this for a slot after its claim is claimed anew: it would come on top of what is claimed now.
const BEGIN_MAX: Duration = Duration::SECOND;

prepared! {
    /// Claims what the rates let out. A row is locked by one node at a time; one that is locked is passed over. Of a
    /// webhook that is slowed as well no more goes than it is the turn of.
    pub struct ClaimRated -> diesel::sql_types::Untyped {
        now: Timestamptz = OffsetDateTime,
        burst_part: Integer = i32,
        ahead: Timestamptz = OffsetDateTime,
        busy: Array<SqlUuid> = Vec<WebhookId>,
        counts: Array<BigInt> = Vec<i64>,
        due_by: Timestamptz = OffsetDateTime,
        room_each: BigInt = i64,
        limit: BigInt = i64,
        taken_at: Timestamptz = OffsetDateTime,
        node: SqlUuid = Uuid,
    }
    // The 0.001: a burst's worth of microseconds, cut, is still a burst. What is taken is counted in full all the same.
    sql "with asked as (select {}::timestamptz as now, {} as burst_part, {}::timestamptz as ahead), rated as materialized ( \
           select r.project_id, r.webhook_id, w.timeout_ms, b.burst, w.rate_per_s - b.burst + 1 as refill, a.now, \
             case when r.next_at > a.ahead then a.now else greatest(r.next_at, \
               a.now - (b.burst - 1) / (w.rate_per_s - b.burst + 1)::float8 * interval '1 second') end as since, \
             exists (select from webhook_pace p where p.project_id = r.project_id and p.webhook_id = r.webhook_id) as is_slowed \
           from asked a cross join webhook_rates r \
           join webhooks w on w.project_id = r.project_id and w.id = r.webhook_id \
           cross join lateral (select greatest(w.rate_per_s / a.burst_part, 1) as burst) b \
           where w.rate_per_s is not null and (r.next_at <= a.now or r.next_at > a.ahead) \
           order by random() for update of r skip locked \
         ), turn as materialized ( \
           select p.project_id, p.webhook_id, p.at_a_time from webhook_pace p join rated r \
             on p.project_id = r.project_id and p.webhook_id = r.webhook_id \
           where p.next_at <= r.now for update of p skip locked \
         ), room as ( \
           select r.project_id, r.webhook_id, r.timeout_ms, least( \
             floor(extract(epoch from r.now - r.since) * r.refill + 0.001)::bigint + 1, \
             case when r.is_slowed then coalesce(t.at_a_time, 0) end) as let_out, coalesce(b.n, 0) as busy \
           from rated r left join turn t on t.project_id = r.project_id and t.webhook_id = r.webhook_id \
           left join unnest({}, {}) b (id, n) on b.id = r.webhook_id \
         ), picked as materialized ( \
           select d.project_id, d.id, d.webhook_id, r.timeout_ms from room r cross join lateral ( \
             select d.project_id, d.id, d.webhook_id from deliveries d \
             where d.webhook_id = r.webhook_id and d.project_id = r.project_id and d.status in (0, 3) and d.due_at <= {} \
             order by d.due_at limit greatest(least(r.let_out, {} - r.busy), 0) for update skip locked \
           ) d limit {} \
         ), counted as materialized ( \
           select project_id, webhook_id, count(*) as n from picked group by project_id, webhook_id \
         ), spent as ( \
           update webhook_rates w set next_at = r.since + ceil(c.n * 1000000.0 / r.refill)::float8 * interval '1 microsecond' \
           from counted c join rated r on r.project_id = c.project_id and r.webhook_id = c.webhook_id \
           where w.project_id = c.project_id and w.webhook_id = c.webhook_id \
         ), taken as ( \
           update webhook_pace p set next_at = {} + p.apart_ms * interval '1 millisecond', stepped_back = false \
           from counted c where p.project_id = c.project_id and p.webhook_id = c.webhook_id \
         ) \
         update deliveries d set status = 1, claims = d.claims + 1, \
           due_at = r.now + (p.timeout_ms + 15000) * interval '1 millisecond', claimed_by = {} \
         from picked p, asked r where d.project_id = p.project_id and d.id = p.id and d.status in (0, 3) \
         returning d.project_id, d.id, d.event_id, d.webhook_id, d.claims, d.due_at, d.attempt_count, d.retries_used, d.test"
}

/// Claims what the rates let out, oldest due first within a webhook, at most `room_each` for a webhook (less what `taken`
/// says is in this node's hands: it must find a slot at once) and `limit` in all; and notes in `look` when it is worth
/// looking again. Call it in a transaction.
pub(super) fn claim_rated(
    conn: &mut PgConnection,
    look: &mut Look,
    node: Uuid,
    now: OffsetDateTime,
    room_each: i64,
    taken: &HashMap<WebhookId, i64>,
    limit: i64,
) -> Result<(), DbError> {
    let ahead = now + AHEAD_MAX;
    if look.rated.values().any(|at| *at <= now || *at > ahead) {
        let (busy, counts) = taken.iter().map(|(id, n)| (*id, *n)).unzip();
        let statement = ClaimRated {
            now,
            burst_part: BURST_PART,
            ahead,
            busy,
            counts,
            due_by: now,
            room_each,
            limit,
            taken_at: now,
            node,
        };
        let rows: Vec<Row> = statement.load(conn)?;
        let is_slowed = |id| look.turns.contains_key(&id);
        let claimed = rows.into_iter().map(ClaimedRow::from);
        let claimed: Vec<ClaimedRow> =
            claimed.map(|row| ClaimedRow { in_turn: is_slowed(row.webhook), by_rate: true, ..row }).collect();
        look.rows.extend(claimed);
        look.read_turns(conn)?;
    }
    let claimed: HashSet<WebhookId> = look.rows.iter().map(|row| row.webhook).collect();
    for (webhook, at) in &mut look.rated {
        *at = match *at {
            at if claimed.contains(webhook) => at.clamp(now + APART, ahead),
            at if at <= now || at > ahead => now + LOCKED_WAIT,
            at => at,
        };
    }
    Ok(())
}

impl Claimed {
    /// Whether it goes back into the table instead of out, at `now`: its webhook has a rate, and it was not let out by
    /// that, or so long ago that it would come on top of what is let out now.
    pub fn is_past_its_rate(&self, now: OffsetDateTime) -> bool {
        let Some(target) = &self.target else { return false };
        let settings = &target.webhook.settings;
        settings.rate_per_s.is_some()
            && (!self.by_rate || now - (self.lease_ends - lease(settings.timeout_ms)) > BEGIN_MAX)
    }
}
