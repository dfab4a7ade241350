//! What the history's address asks for, and the same in words.
use diesel::PgConnection;

use super::address::{Address, Chip};
use super::span::{self, Span};
use super::words;
use crate::base::db::DbError;
use crate::base::ids::{DeliveryId, ProjectId, WebhookId};
use crate::models::deliveries::{Filter, Status, StatusClass};
use crate::models::events;
use crate::models::webhooks::Webhook;

const NAMES: [&str; 9] =
    ["status", "webhook_id", "event_type", "response_status", "range", "since", "until", "q", "cursor"];
const LISTS: [&str; 4] = ["status", "webhook_id", "event_type", "response_status"];

/// Reads the address of a history page; names as in the API.
pub fn read(path: &str, query: &str) -> Address {
    Address::read(path, query, &NAMES, &LISTS)
}

/// Which deliveries are asked for; none if the search text names nothing. Values that mean nothing are left out.
pub fn filter(
    conn: &mut PgConnection,
    project: ProjectId,
    address: &Address,
    span: &Span,
) -> Result<Option<Filter>, DbError> {
    let mut filter = Filter {
        statuses: address.all("status").filter_map(Status::of_word).collect(),
        webhooks: address.all("webhook_id").filter_map(|id| id.parse().ok()).collect(),
        types: address.all("event_type").map(str::to_owned).collect(),
        response_statuses: address.all("response_status").filter_map(StatusClass::parse).collect(),
        since: span.since,
        until: span.until,
        before: address.one("cursor").and_then(|id| id.parse().ok()),
        delivery: None,
        event: None,
    };
    if let Some(q) = address.one("q") {
        match q.parse::<DeliveryId>() {
            Ok(id) => filter.delivery = Some(id),
            Err(_) => match events::find_by_q(conn, project, q)? {
                Some(event) => filter.event = Some(event),
                None => return Ok(None),
            },
        }
    }
    Ok(Some(filter))
}

/// The filters that are set, in words, each with the address without it. The page that is shown is no filter.
pub fn chips(address: &Address, webhooks: &[Webhook]) -> Vec<Chip> {
    let first = address.drop_all("cursor");
    let chip = |(name, value): &(String, String)| {
        let (name_shown, value_shown) = match name.as_str() {
            "status" => {
                ("Status", Status::of_word(value).map_or(value.clone(), |s| words::badge(s).word.to_owned()))
            }
            "webhook_id" => ("Webhook", name_of(value, webhooks)),
            "event_type" => ("Event type", value.clone()),
            "response_status" => ("Response", value.clone()),
            "range" => ("Time", span::range_words(value)),
            "since" => ("Since", span::as_words(value)),
            "until" => ("Until", span::as_words(value)),
            _ => ("Id", value.clone()),
        };
        Chip { name: name_shown, value: value_shown, without: first.without(name, value) }
    };
    first.pairs().iter().map(chip).collect()
}

fn name_of(id: &str, webhooks: &[Webhook]) -> String {
    let found = id.parse::<WebhookId>().ok().and_then(|id| webhooks.iter().find(|webhook| webhook.id == id));
    found.map_or_else(|| id.to_owned(), |webhook| webhook.settings.name.clone())
}
