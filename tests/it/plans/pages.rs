//! What pages and the API ask of a long history.
use callout::base::db::{DbError, by_key};
use callout::base::ids::ProjectId;
use callout::models::deliveries::{self, AttemptCount, FailureKind, Filter, Status, StatusClass};
use callout::models::events;
use diesel::PgConnection;
use time::Duration;

use super::history::{History, project, webhook};
use crate::support::app::NOW;

/// A page and the row that says whether there is another.
const PAGE: i64 = 51;

type Work = Box<dyn Fn(&mut PgConnection) -> Result<usize, DbError>>;

/// Something that a person or a program may ask.
pub(super) struct Asked {
    pub(super) name: &'static str,
    pub(super) work: Work,
    pub(super) rows_max: u64,
    pub(super) blocks_max: u64,
}

fn asked(
    name: &'static str,
    (rows_max, blocks_max): (u64, u64),
    work: impl Fn(&mut PgConnection) -> Result<usize, DbError> + 'static,
) -> Asked {
    Asked { name, work: Box::new(work), rows_max, blocks_max }
}

fn list(name: &'static str, max: (u64, u64), filter: Filter) -> Asked {
    list_of(name, max, project(1), filter)
}

fn list_of(name: &'static str, max: (u64, u64), project: ProjectId, filter: Filter) -> Asked {
    asked(name, max, move |conn| Ok(deliveries::list(conn, project, &filter, PAGE, NOW)?.len()))
}

/// A page as it is shown: what no index knows is searched among a number of rows that is bounded.
pub(super) fn looked(name: &'static str, max: (u64, u64), filter: Filter) -> Asked {
    asked(name, max, move |conn| Ok(deliveries::look(conn, project(1), &filter, PAGE, NOW)?.deliveries.len()))
}

fn events(name: &'static str, max: (u64, u64), filter: events::Filter) -> Asked {
    asked(name, max, move |conn| Ok(events::list(conn, project(1), &filter, PAGE, NOW)?.events.len()))
}

/// Lists of deliveries.
pub(super) fn lists(history: &History) -> Vec<Asked> {
    let any = Filter::default;
    let types = |name: &str| vec![name.to_owned()];
    let last_hour = NOW - Duration::hours(1);
    let (direct, some, _) = DIRECT_SOME_MANY;
    let status = |status| Filter { statuses: vec![status], ..any() };
    let answered = |class| Filter { response_statuses: vec![class], ..any() };
    let (exact, class) = (StatusClass::Exact, StatusClass::Class);
    vec![
        list("all", direct, any()),
        list_of("all of a small project", some, project(5), any()),
        list("all, an old page", direct, Filter { before: Some(history.delivery("true")), ..any() }),
        list("all, a page half-way back", direct, Filter { until: Some(history.back(0.5)), ..any() }),
        list("delivered", direct, status(Status::Delivered)),
        list("failed", direct, status(Status::Failed)),
        list("retrying", direct, status(Status::Retrying)),
        list("held", direct, status(Status::Held)),
        list("cancelled, all of long ago", direct, status(Status::Cancelled)),
        list("due", some, status(Status::Due)),
        list("sending", some, status(Status::Sending)),
        list(
            "under way",
            some,
            Filter {
                statuses: vec![Status::Due, Status::Sending, Status::Retrying],
                test: Some(false),
                ..any()
            },
        ),
        list("failed or held", some, Filter { statuses: vec![Status::Failed, Status::Held], ..any() }),
        list("answered 500", some, answered(exact(500))),
        list("answered 404, rare", direct, answered(exact(404))),
        list("answered 410, long ago", some, answered(exact(410))),
        list("answered 418, never", direct, answered(exact(418))),
        list("answered 200", direct, answered(exact(200))),
        list("answered 5xx", some, answered(class(5))),
        list("answered 4xx", some, answered(class(4))),
        list("answered 3xx, never", direct, answered(class(3))),
        list("answered 2xx", direct, answered(class(2))),
        list("answered 404 or 5xx", some, Filter { response_statuses: vec![exact(404), class(5)], ..any() }),
        list("to a busy webhook", direct, Filter { webhooks: vec![webhook(1)], ..any() }),
        list("to a rare webhook", direct, Filter { webhooks: vec![webhook(20)], ..any() }),
        list("to a webhook of long ago", direct, Filter { webhooks: vec![webhook(19)], ..any() }),
        list("to two webhooks", some, Filter { webhooks: vec![webhook(1), webhook(20)], ..any() }),
        list("of a frequent type", direct, Filter { types: types("redemption.succeeded"), ..any() }),
        list("of a rare type", direct, Filter { types: types("campaign.deleted"), ..any() }),
        list("of a type of long ago", direct, Filter { types: types("voucher.archived"), ..any() }),
        list("of a type that never came", direct, Filter { types: types("order.paid"), ..any() }),
        list("tests", direct, Filter { test: Some(true), ..any() }),
        list("no tests", direct, Filter { test: Some(false), ..any() }),
        list("of one event", direct, Filter { event: Some(history.event_of("true")), ..any() }),
        list("one", direct, Filter { delivery: Some(history.delivery("status = 4")), ..any() }),
        list("of the last hour", direct, Filter { since: Some(last_hour), ..any() }),
        list(
            "of an hour long ago",
            some,
            Filter {
                since: Some(history.back(0.7)),
                until: Some(history.back(0.7) + Duration::HOUR),
                ..any()
            },
        ),
        list(
            "failed, to a busy webhook",
            some,
            Filter { webhooks: vec![webhook(1)], ..status(Status::Failed) },
        ),
        list(
            "failed, to a rare webhook",
            some,
            Filter { webhooks: vec![webhook(20)], ..status(Status::Failed) },
        ),
        list(
            "failed, of a frequent type",
            some,
            Filter { types: types("redemption.succeeded"), ..status(Status::Failed) },
        ),
        list(
            "failed, of a rare type",
            some,
            Filter { types: types("campaign.deleted"), ..status(Status::Failed) },
        ),
        list(
            "failed, answered 5xx",
            some,
            Filter { response_statuses: vec![class(5)], ..status(Status::Failed) },
        ),
        list(
            "delivered, answered 500: none",
            some,
            Filter { response_statuses: vec![exact(500)], ..status(Status::Delivered) },
        ),
        list(
            "a busy webhook and a frequent type",
            some,
            Filter { webhooks: vec![webhook(1)], types: types("redemption.succeeded"), ..any() },
        ),
        list(
            "a busy webhook and a rare type",
            some,
            Filter { webhooks: vec![webhook(1)], types: types("campaign.deleted"), ..any() },
        ),
        list(
            "a rare webhook and a frequent type",
            some,
            Filter { webhooks: vec![webhook(20)], types: types("redemption.succeeded"), ..any() },
        ),
        list(
            "a busy webhook, answered 404",
            some,
            Filter { webhooks: vec![webhook(1)], ..answered(exact(404)) },
        ),
        list(
            "a busy webhook, of the last hour",
            direct,
            Filter { webhooks: vec![webhook(1)], since: Some(last_hour), ..any() },
        ),
    ]
}

/// Pages of what no index knows, and of many types.
pub(super) fn looks() -> Vec<Asked> {
    let any = Filter::default;
    let (direct, some, many) = DIRECT_SOME_MANY;
    let failed = |kind| Filter { failures: vec![kind], ..any() };
    let tried = |least| Filter { attempts: Some(AttemptCount { least, most: None }), ..any() };
    let types = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    vec![
        looked("failed by time-out", some, failed(FailureKind::Timeout)),
        looked("failed by TLS, never", some, failed(FailureKind::Tls)),
        looked(
            "failed by TLS to a busy webhook, never",
            many,
            Filter { webhooks: vec![webhook(1)], ..failed(FailureKind::Tls) },
        ),
        looked("attempted once or more", some, tried(1)),
        looked(
            "attempted twice or more to a busy webhook, never",
            many,
            Filter { webhooks: vec![webhook(1)], ..tried(2) },
        ),
        looked(
            "of a family that is rare",
            direct,
            Filter { types: types(&["campaign.deleted", "order.paid", "order.created"]), ..any() },
        ),
        looked(
            "of a family that never came",
            direct,
            Filter { types: types(&["order.paid", "order.created", "order.updated"]), ..any() },
        ),
    ]
}

/// Rows and blocks: found by the very order of the page; with a filter or a sort on the way; a bounded search.
const DIRECT_SOME_MANY: ((u64, u64), (u64, u64), (u64, u64)) =
    ((600, 600), (12_000, 6_000), (40_000, 20_000));

/// What no index answers and nobody can do without: read from one end to the other. Measured, not judged.
pub(super) fn searches() -> Vec<Asked> {
    let answered = Filter { response_statuses: vec![StatusClass::Exact(204)], ..Filter::default() };
    let ended = |since| Filter { ended_since: Some(since), ..Filter::default() };
    let tried = |least| Filter { attempts: Some(AttemptCount { least, most: None }), ..Filter::default() };
    vec![
        list("answered 204, never", (u64::MAX, u64::MAX), answered),
        looked("attempted twice or more, never", (u64::MAX, u64::MAX), tried(2)),
        list("ended within the last hour", (u64::MAX, u64::MAX), ended(NOW - Duration::HOUR)),
        list("ended within the last hour, none", (u64::MAX, u64::MAX), ended(NOW + Duration::HOUR)),
    ]
}

/// Everything else that pages show.
pub(super) fn others(history: &History) -> Vec<Asked> {
    let any = events::Filter::default;
    let types = |name: &str| vec![name.to_owned()];
    let (direct, some, many) = DIRECT_SOME_MANY;
    let one = project(1);
    let webhooks = || (1..=21).map(webhook).collect::<Vec<_>>();
    let (delivery, event) = (history.delivery("status = 4"), history.event_of("status = 4"));
    vec![
        events("events", direct, any()),
        events("events, an old page", direct, events::Filter { before: Some(event), ..any() }),
        events(
            "events of a frequent type",
            direct,
            events::Filter { types: types("redemption.succeeded"), ..any() },
        ),
        events("events of a rare type", direct, events::Filter { types: types("campaign.deleted"), ..any() }),
        events(
            "events of a type of long ago",
            direct,
            events::Filter { types: types("voucher.archived"), ..any() },
        ),
        events(
            "events of a type that never came",
            direct,
            events::Filter { types: types("order.paid"), ..any() },
        ),
        events(
            "events of two types",
            some,
            events::Filter { types: vec!["redemption.succeeded".into(), "campaign.deleted".into()], ..any() },
        ),
        events(
            "events of an hour long ago",
            some,
            events::Filter {
                since: Some(history.back(0.7)),
                until: Some(history.back(0.7) + Duration::HOUR),
                ..any()
            },
        ),
        events("events that reached somebody", some, events::Filter { reached: Some(true), ..any() }),
        events("one event in the list", direct, events::Filter { only: Some(event), ..any() }),
        asked("an event", direct, move |conn| Ok(events::find(conn, one, event)?.iter().count())),
        asked("the deliveries of an event", direct, move |conn| {
            Ok(deliveries::of_event(conn, one, event)?.len())
        }),
        asked("a delivery", direct, move |conn| Ok(deliveries::find(conn, one, delivery)?.iter().count())),
        asked("the attempts of a delivery", direct, move |conn| {
            Ok(deliveries::of_delivery(conn, one, delivery, 100)?.len())
        }),
        asked("an event by the caller's id", direct, move |conn| {
            Ok(events::find_by_q(conn, one, "order-20000")?.iter().count())
        }),
        asked("the overview's backlog", (30_000, 60_000), move |conn| {
            by_key(conn, |conn| Ok(deliveries::backlog(conn, one, webhooks(), NOW)?.held as usize))
        }),
        asked("the overview's failures", direct, move |conn| {
            by_key(conn, |conn| Ok(deliveries::newest_failures(conn, one, (5, 3))?.len()))
        }),
        asked("the latest test", direct, move |conn| Ok(deliveries::latest_test(conn, one)?.iter().count())),
        asked("the latest that was posted", direct, move |conn| {
            Ok(deliveries::latest_posted(conn, one)?.iter().count())
        }),
        asked("the first that was posted", direct, move |conn| {
            Ok(events::first_posted(conn, one)?.iter().count())
        }),
        asked("how each webhook fares", some, move |conn| {
            Ok(deliveries::recent(conn, one, &webhooks(), NOW - Duration::days(7), NOW, 20)?.len())
        }),
        asked("what waits for each webhook", many, move |conn| {
            Ok(deliveries::waiting(conn, one, webhooks())?.len())
        }),
    ]
}
