//! What became of one event at one webhook: every try as it would have been made, signed and answered.
use time::format_description::FormatItem;
use time::macros::format_description;
use time::{Duration, OffsetDateTime};

use super::draw::Draw;
use super::receivers::{Reply, reply};
use super::shop::{Off, Planned};
use crate::base::ids::{DeliveryId, WebhookId};
use crate::models::deliveries::{
    Attempt, BodyKind, Failure, FailureKind, PastDelivery, Response, Status, Timings, delivery_id, parts,
};
use crate::models::events::Payload;
use crate::rules::retry::{self, Failed};
use crate::rules::signing::{self, Secret};

/// RFC 9110, 5.6.7.
const HTTP_DATE: &[FormatItem<'_>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
const USER_AGENT: &str = concat!("Callout/", env!("CARGO_PKG_VERSION"));
/// What waits is due this long after now at the earliest: whoever loads the sample sees it wait.
const DUE_AFTER: Duration = Duration::minutes(2);

/// A webhook of the sample as it was made.
pub(super) struct Made {
    pub(super) planned: Planned,
    pub(super) id: WebhookId,
    pub(super) secret: Secret,
    /// What the receiver says when it is asked for good: 410, and when it said it.
    pub(super) gone_at: Option<OffsetDateTime>,
}

impl Made {
    fn host(&self) -> &str {
        self.planned.settings.target_url.split('/').nth(2).unwrap_or_default()
    }

    /// Whether it answers 410 from now on.
    fn is_gone(&self, at: OffsetDateTime) -> bool {
        matches!(self.planned.off, Some((Off::Gone, off_at)) if at >= off_at)
    }
}

/// The delivery of an event that arrived at `payload.created_at`, as it stands at `now`.
pub(super) fn send(webhook: &Made, payload: &Payload, now: OffsetDateTime, draw: &mut Draw) -> PastDelivery {
    let id = delivery_id(payload.id, webhook.id);
    let settings = &webhook.planned.settings;
    let (before, after) = parts(&BodyKind::of(settings), id, webhook.id, &settings.target_url, payload);
    let mut past = PastDelivery {
        project: payload.project,
        id,
        event: payload.id,
        webhook: webhook.id,
        event_type: payload.event_type.clone(),
        status: Status::Delivered,
        due_at: None,
        retries_used: 0,
        ended_at: None,
        attempts: Vec::new(),
    };
    let mut at = payload.created_at + Duration::microseconds(draw.between(2_200, 31_000));
    loop {
        if cut(webhook, &mut past, at) || waits(&mut past, at, now) {
            return past;
        }
        let answered = if webhook.is_gone(at) {
            gone(draw)
        } else {
            reply(webhook.planned.slug, webhook.host(), webhook.planned.address, at, now, draw)
        };
        let body = [&before[..], &payload.data[..], &after[..]];
        let attempt = attempt(webhook, id, &payload.event_type, at, &body, answered, draw);
        let ended_at = at + Duration::microseconds(i64::from(attempt.timings.total_us));
        let next = after_attempt(webhook, &mut past, &attempt, draw);
        past.attempts.push(attempt);
        match next {
            Some(wait) => at = ended_at + wait,
            None => {
                past.ended_at = Some(ended_at);
                return past;
            }
        }
    }
}

/// What was under way when its webhook was switched off or deleted is held or cancelled.
fn cut(webhook: &Made, past: &mut PastDelivery, at: OffsetDateTime) -> bool {
    match webhook.planned.off {
        // The first try after that moment is the one that was answered 410.
        Some((Off::Gone, off_at)) if at >= off_at && !past.attempts.is_empty() => past.status = Status::Held,
        Some((Off::Paused, off_at)) if at >= off_at => past.status = Status::Held,
        Some((Off::Deleted, off_at)) if at >= off_at => {
            (past.status, past.ended_at) = (Status::Cancelled, Some(off_at));
        }
        _ => return false,
    }
    true
}

fn waits(past: &mut PastDelivery, at: OffsetDateTime, now: OffsetDateTime) -> bool {
    if at <= now {
        return false;
    }
    past.status = if past.attempts.is_empty() { Status::Due } else { Status::Retrying };
    past.due_at = Some(at.max(now + DUE_AFTER));
    true
}

/// The wait before the next attempt; none when the delivery is over.
fn after_attempt(
    webhook: &Made,
    past: &mut PastDelivery,
    attempt: &Attempt,
    draw: &mut Draw,
) -> Option<std::time::Duration> {
    let settings = &webhook.planned.settings;
    let Some(failure) = &attempt.failure else {
        past.status = Status::Delivered;
        return None;
    };
    if failure.kind == FailureKind::Interrupted {
        return Some(std::time::Duration::from_millis(draw.below(2_500) + 1_800));
    }
    let response = attempt.response.as_ref();
    let asked = response.and_then(|r| r.headers.iter().find(|(name, _)| name == "retry-after"));
    let failed = Failed {
        retries_used: u32::try_from(past.retries_used).unwrap_or_default(),
        status: response.map(|response| response.status),
        retry_after: asked.and_then(|(_, value)| retry::parse_retry_after(value, attempt.started_at)),
    };
    match retry::after_failure(&settings.retries, settings.when_used_up, failed, draw.share()) {
        retry::Next::RetryIn(wait) => {
            past.retries_used += 1;
            Some(wait)
        }
        retry::Next::GiveUp { .. } => {
            past.status = Status::Failed;
            None
        }
    }
}

fn gone(draw: &mut Draw) -> Reply {
    Reply::Answer {
        status: 410,
        headers: vec![("content-type", "text/plain"), ("server", "Apache")],
        body: "The till bridge was switched off on purpose. Send nothing here any more.\n",
        ms: draw.between(50, 90),
    }
}

fn attempt(
    webhook: &Made,
    id: DeliveryId,
    event_type: &str,
    at: OffsetDateTime,
    body: &[&[u8]],
    answered: Reply,
    draw: &mut Draw,
) -> Attempt {
    let settings = &webhook.planned.settings;
    let signature = signing::sign([&webhook.secret], &id.to_string(), at.unix_timestamp(), body);
    let date = at.format(HTTP_DATE).unwrap_or_default();
    let length: usize = body.iter().map(|part| part.len()).sum();
    let request_headers = [
        ("host", webhook.host().to_owned()),
        ("content-type", "application/json".to_owned()),
        ("user-agent", USER_AGENT.to_owned()),
        ("accept-encoding", "identity".to_owned()),
        ("date", date.clone()),
        ("webhook-id", id.to_string()),
        ("webhook-timestamp", at.unix_timestamp().to_string()),
        ("webhook-signature", signature),
        ("x-callout-event", event_type.to_owned()),
        ("content-length", length.to_string()),
    ];
    let limit_ms = i64::from(settings.timeout_ms);
    let (response, failure, ms, is_connected) = told(webhook, answered, date, limit_ms);
    Attempt {
        started_at: at,
        url: settings.target_url.clone(),
        address: is_connected.then(|| webhook.planned.address.to_owned()),
        request_headers: request_headers.map(|(name, value)| (name.to_owned(), value)).into(),
        body: BodyKind::of(settings),
        timings: timings(ms, is_connected, response.is_some(), failure.as_ref(), draw),
        response,
        failure,
    }
}

type Told = (Option<Response>, Option<Failure>, i64, bool);

fn told(webhook: &Made, answered: Reply, date: String, limit_ms: i64) -> Told {
    match answered {
        Reply::Silence => {
            let detail = format!("Not done within {} s: connected, but no answer came.", limit_ms / 1_000);
            (None, Some(Failure::new(FailureKind::Timeout, detail)), limit_ms, true)
        }
        Reply::Broken { failure, ms, is_connected } => (None, Some(failure), ms.min(limit_ms), is_connected),
        Reply::Answer { status, headers, body, ms } => {
            let mut all =
                vec![("date".to_owned(), date), ("content-length".to_owned(), body.len().to_string())];
            all.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
            let response =
                Response { status, headers: all, body: body.as_bytes().to_vec(), truncated: false };
            (Some(response), refused(status, webhook), ms.min(limit_ms - 20), true)
        }
    }
}

/// In the dispatcher's words.
fn refused(status: u16, webhook: &Made) -> Option<Failure> {
    if webhook.planned.settings.success.accepts(status) {
        return None;
    }
    let detail = match status {
        410 => "Answered 410: the receiver wants no more. The webhook was disabled.".to_owned(),
        200..=299 => format!("Answered {status}, and this webhook only takes 200 for success."),
        _ => format!("Answered {status}."),
    };
    Some(Failure::new(FailureKind::ResponseStatus, detail))
}

/// Steps that add up: about half the tries find a connection that was kept.
fn timings(
    ms: i64,
    is_connected: bool,
    is_answered: bool,
    failure: Option<&Failure>,
    draw: &mut Draw,
) -> Timings {
    let us = |ms: i64, draw: &mut Draw| i32::try_from(ms * 1_000 + draw.between(0, 999)).unwrap_or(i32::MAX);
    let total_us = us(ms, draw);
    let kind = failure.map(|failure| failure.kind);
    let is_new =
        matches!(kind, Some(FailureKind::Tls | FailureKind::Connect | FailureKind::Dns)) || draw.percent(45);
    let step = |share: i64, draw: &mut Draw| {
        is_new.then(|| {
            i32::try_from(i64::from(total_us) * draw.between(share, share * 2) / 100).unwrap_or_default()
        })
    };
    let is_looked_up = kind != Some(FailureKind::Dns);
    Timings {
        dns_us: if is_looked_up { step(3, draw) } else { Some(total_us - 40) },
        connect_us: step(7, draw).filter(|_| is_connected),
        tls_us: step(11, draw).filter(|_| is_connected && kind != Some(FailureKind::Tls)),
        first_byte_us: is_answered
            .then(|| total_us - i32::try_from(draw.between(60, 900)).unwrap_or_default()),
        total_us,
    }
}
