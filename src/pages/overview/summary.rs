//! Where a project stands: what came of its deliveries in a range of time, what fails, what waits now.
use std::collections::HashMap;

use diesel::PgConnection;
use time::OffsetDateTime;

use super::chart::{Chart, spark, word};
use crate::base::db::{DbError, by_key};
use crate::base::ids::{FailureGroupId, ProjectId, WebhookId};
use crate::models::deliveries::{self, Backlog, COUNTED_MAX, FailureKind};
use crate::models::figures::{self, Figures, Group, Known, OfWebhook, Range, Sums, Times};
use crate::models::webhooks::{self, Named, Webhook};
use crate::pages::history::rows::Row;
use crate::pages::history::words::{duration_words, failure_words, response_words, wait_words};
use crate::rules::masks::Veil;
use crate::web::filters::thousands;

/// Failures that are listed: given up, and waiting for another attempt.
const FAILURES: (i64, i64) = (5, 3);

/// Groups of failures that are shown at once; the rest unfolds.
pub(super) const GROUPS_SHOWN: usize = 6;

/// What the overview tells, ready to print.
pub(super) struct Summary {
    pub(super) range: Range,
    pub(super) ranges: Vec<RangeLink>,
    /// The next longer one, to offer where nothing is shown.
    pub(super) longer: Option<RangeLink>,
    pub(super) webhooks: usize,
    pub(super) active: usize,
    pub(super) disabled: usize,
    pub(super) ended: [Count; 2],
    pub(super) standing: [Count; 2],
    /// How long the one that has been due longest is due.
    pub(super) oldest: Option<String>,
    pub(super) success: Option<String>,
    /// Against the stretch before.
    pub(super) change: Option<Change>,
    pub(super) p50: Option<String>,
    pub(super) p95: Option<String>,
    pub(super) chart: Chart,
    pub(super) sums: Sums,
    pub(super) counted_since: Option<OffsetDateTime>,
    pub(super) groups: Vec<Failing>,
    pub(super) known: Vec<Failing>,
    pub(super) rows: Vec<WebhookRow>,
    pub(super) failures: Vec<Row>,
}

/// A range to change to.
#[derive(Clone)]
pub(super) struct RangeLink {
    pub(super) word: &'static str,
    /// `24 h`.
    pub(super) label: &'static str,
    /// `the last 24 hours`.
    pub(super) words: &'static str,
    pub(super) is_shown: bool,
}

/// How many deliveries are in a state now, or came to it within the range.
pub(super) struct Count {
    pub(super) class: &'static str,
    pub(super) label: &'static str,
    /// `12`, or `10,000+`.
    pub(super) number: String,
    /// The history's filter for them: tests count in none of the figures.
    pub(super) query: String,
}

/// How the success rate has changed.
pub(super) struct Change {
    pub(super) class: &'static str,
    pub(super) words: String,
}

/// Failures that are alike.
pub(super) struct Failing {
    pub(super) id: FailureGroupId,
    pub(super) what: String,
    pub(super) host: String,
    pub(super) webhook: String,
    pub(super) counts: String,
    pub(super) last_seen_at: OffsetDateTime,
    pub(super) last_delivery: String,
    pub(super) query: String,
    pub(super) known: Option<Known>,
}

/// How a webhook fares.
pub(super) struct WebhookRow {
    pub(super) name: String,
    pub(super) query: String,
    /// Anything but on.
    pub(super) state: Option<(&'static str, &'static str)>,
    pub(super) delivered: i64,
    pub(super) failed: i64,
    pub(super) success: Option<String>,
    pub(super) p95: Option<String>,
    pub(super) points: usize,
    pub(super) all: String,
    pub(super) refused: String,
    pub(super) said: String,
    pub(super) last_failure: Option<(OffsetDateTime, String)>,
}

impl Summary {
    /// Reads it; cheap however large the history is.
    pub(super) fn load(
        conn: &mut PgConnection,
        project: ProjectId,
        range: Range,
        now: OffsetDateTime,
        veil: &Veil,
    ) -> Result<Self, DbError> {
        let found = webhooks::list(conn, project)?;
        let ids = found.iter().map(|webhook| webhook.id).collect();
        let (backlog, failures) = by_key(conn, |conn| {
            let backlog = deliveries::backlog(conn, project, ids, now)?;
            Ok((backlog, deliveries::newest_failures(conn, project, FAILURES)?))
        })?;
        let figures = figures::load(conn, project, range, now)?;
        let mut groups = figures::groups(conn, project, range, now)?;
        for known in groups.iter_mut().filter_map(|group| group.known.as_mut()) {
            known.note = veil.text(&known.note).into_owned();
        }
        let names = webhooks::names(conn, project)?;
        let failures =
            failures.iter().map(|one| Row::of(project, one, names.get(&one.webhook), veil)).collect();
        Ok(Self::of((&found, &names), &figures, groups, backlog, now).with(failures))
    }

    fn of(
        (found, names): (&[Webhook], &HashMap<WebhookId, Named>),
        figures: &Figures,
        groups: Vec<Group>,
        backlog: Backlog,
        now: OffsetDateTime,
    ) -> Self {
        let (range, sums) = (figures.range, figures.sums);
        let count = |class, label, number, query: String| Count { class, label, number, query };
        let waiting = "status=due&status=sending&status=retrying&test=0".to_owned();
        let rows = rows(found, names, figures, &groups);
        let failing = |group| Failing::of(group, names, figures);
        let (known, groups) = groups.into_iter().map(failing).partition(|one: &Failing| one.known.is_some());
        let when = history_range(figures);
        let ended = if when.starts_with("range=") { when.replace("range", "ended") } else { when.clone() };
        Self {
            range,
            ranges: Range::ALL.into_iter().map(|one| link(one, range)).collect(),
            longer: range.longer().map(|one| link(one, range)),
            webhooks: found.len(),
            active: found.iter().filter(|webhook| webhook.settings.active).count(),
            disabled: found.iter().filter(|webhook| webhook.disabled.is_some()).count(),
            ended: [
                count(
                    "state-good",
                    "Delivered",
                    thousands(sums.delivered()),
                    format!("status=delivered&test=0&{when}"),
                ),
                count("state-bad", "Failed", thousands(sums.failed), format!("status=failed&test=0&{ended}")),
            ],
            standing: [
                count("state-busy", "Under way", bounded(backlog.under_way), waiting),
                count("state-held", "Held", bounded(backlog.held), "status=held&test=0".to_owned()),
            ],
            oldest: backlog
                .due_since
                .map(|since| wait_words(std::time::Duration::try_from(now - since).unwrap_or_default())),
            success: sums.success().map(percent_words),
            change: change(&sums, &figures.before),
            p50: percentile(&figures.times, 50),
            p95: percentile(&figures.times, 95),
            chart: Chart::of(figures),
            sums,
            counted_since: figures.counted_since,
            groups,
            known,
            rows,
            failures: Vec::new(),
        }
    }

    fn with(self, failures: Vec<Row>) -> Self {
        Self { failures, ..self }
    }
}

impl Failing {
    fn of(group: Group, names: &HashMap<WebhookId, Named>, figures: &Figures) -> Self {
        let mut query = format!("webhook_id={}&failure={}&test=0", group.webhook, group.kind.as_str());
        if let Some(status) = group.response_status {
            query.push_str(&format!("&response_status={status}"));
        }
        let given_up = match group.failed {
            0 => String::new(),
            n => format!(", {} given up", thousands(n)),
        };
        let attempts = if group.attempts == 1 { "attempt" } else { "attempts" };
        Self {
            id: group.id,
            what: match (group.kind, group.response_status) {
                (FailureKind::ResponseStatus, Some(status)) => response_words(status),
                (kind, _) => failure_words(kind).to_owned(),
            },
            host: group.host,
            webhook: name_of(group.webhook, names),
            counts: format!("{} {attempts}{given_up}", thousands(group.attempts)),
            last_seen_at: group.last_seen_at,
            last_delivery: group.last_delivery.to_string(),
            query: format!("{query}&{}", history_range(figures)),
            known: group.known,
        }
    }
}

/// A row for each webhook that was sent anything, and for each that there is.
fn rows(
    found: &[Webhook],
    names: &HashMap<WebhookId, Named>,
    figures: &Figures,
    groups: &[Group],
) -> Vec<WebhookRow> {
    let when = history_range(figures);
    let nothing = |id| OfWebhook {
        id,
        sums: Sums::default(),
        times: Times::default(),
        points: vec![Sums::default(); figures.points.len()],
    };
    let is_idle = |webhook: &&Webhook| !figures.webhooks.iter().any(|one| one.id == webhook.id);
    let idle: Vec<OfWebhook> = found.iter().filter(is_idle).map(|webhook| nothing(webhook.id)).collect();
    let row = |one: &OfWebhook| {
        let highest = one.points.iter().map(|point| point.attempts_taken + point.attempts_failed).max();
        let highest = highest.unwrap_or_default();
        let last =
            groups.iter().filter(|group| group.webhook == one.id).max_by_key(|group| group.last_seen_at);
        let webhook = found.iter().find(|webhook| webhook.id == one.id);
        let (taken, refused) = (one.sums.attempts_taken, one.sums.attempts_failed);
        WebhookRow {
            name: name_of(one.id, names),
            query: format!("webhook_id={}&test=0&{when}", one.id),
            state: webhook.map_or(Some(("state-quiet", "Deleted")), |webhook| match &webhook.disabled {
                Some(_) => Some(("state-bad", "Disabled")),
                None => (!webhook.settings.active).then_some(("state-held", "Paused")),
            }),
            delivered: one.sums.delivered(),
            failed: one.sums.failed,
            success: one.sums.success().map(percent_words),
            p95: percentile(&one.times, 95),
            points: one.points.len(),
            all: spark(one.points.iter().map(|point| point.attempts_taken + point.attempts_failed), highest),
            refused: spark(one.points.iter().map(|point| point.attempts_failed), highest),
            said: format!("{} attempts, {} of them failed", thousands(taken + refused), thousands(refused)),
            last_failure: last.map(|group| (group.last_seen_at, group.last_delivery.to_string())),
        }
    };
    figures.webhooks.iter().chain(&idle).map(row).collect()
}

fn name_of(id: WebhookId, names: &HashMap<WebhookId, Named>) -> String {
    names.get(&id).map_or_else(|| id.to_string(), |named| named.name.clone())
}

fn link(range: Range, shown: Range) -> RangeLink {
    let (label, words) = match range {
        Range::Hour => ("1 h", "the last hour"),
        Range::SixHours => ("6 h", "the last 6 hours"),
        Range::Day => ("24 h", "the last 24 hours"),
        Range::Week => ("7 d", "the last 7 days"),
        Range::Month => ("30 d", "the last 30 days"),
        Range::Quarter => ("90 d", "the last 90 days"),
    };
    RangeLink { word: range.as_str(), label, words, is_shown: range == shown }
}

/// The range as the history's address has it: a word where it knows one.
fn history_range(figures: &Figures) -> String {
    match figures.range {
        Range::SixHours | Range::Quarter => format!("since={}", word(figures.begin)),
        known => format!("range={}", known.as_str()),
    }
}

fn bounded(number: i64) -> String {
    if number >= COUNTED_MAX { "10,000+".to_owned() } else { number.to_string() }
}

fn percentile(times: &Times, percent: i64) -> Option<String> {
    times.percentile(percent).map(duration_words)
}

/// Hundredths of a percent: `100 %`, `99.95 %`, `87.5 %`.
fn percent_words(hundredths: i64) -> String {
    let (whole, part) = (hundredths / 100, hundredths % 100);
    match part {
        0 => format!("{whole} %"),
        _ if part % 10 == 0 => format!("{whole}.{} %", part / 10),
        _ => format!("{whole}.{part:02} %"),
    }
}

fn change(now: &Sums, before: &Sums) -> Option<Change> {
    let by = now.success()? - before.success()?;
    let points = percent_words(by.abs()).replace(" %", "");
    Some(match by {
        0 => Change { class: "quiet", words: "as before".to_owned() },
        1.. => Change { class: "good", words: format!("{points} points better than before") },
        _ => Change { class: "bad", words: format!("{points} points worse than before") },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_their_change_read_well() {
        assert_eq!([10_000, 9_995, 8_750, 5].map(percent_words), ["100 %", "99.95 %", "87.5 %", "0.05 %"]);
        let sums = |delivered_first, failed| Sums { delivered_first, failed, ..Sums::default() };
        let words = |now, before| change(&now, &before).map(|change| change.words);
        assert_eq!(words(sums(3, 1), sums(1, 1)).as_deref(), Some("25 points better than before"));
        assert_eq!(words(sums(1, 1), sums(3, 1)).as_deref(), Some("25 points worse than before"));
        assert_eq!(words(sums(1, 1), sums(0, 0)), None);
    }
}
