//! The shapes of answers. Fields may be added, none renamed.
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::dispatcher::probe::Tested;
use crate::ingest::Accepted;
pub(super) use crate::models::deliveries::as_json::{delivery, delivery_and_what_holds_it};
use crate::models::deliveries::{AttemptRow, Delivery, Slowed, as_json, request_body};
use crate::models::events::{Event, Payload, Summary};
use crate::models::webhooks::{Settings, Webhook};
use crate::rules::authentication::{Authentication, ExtraHeader};
use crate::rules::body::iso_ms;
use crate::rules::catalogue::own::{self, OwnType};
use crate::rules::catalogue::{self, EventType};

/// `{id, type, group_id, created_at, deliveries}`.
pub(super) fn accepted(event: &Accepted, external_id: Option<&str>) -> Value {
    json!({
        "id": event.id.with_prefix(catalogue::id_prefix(&event.event_type)),
        "type": event.event_type,
        "group_id": event.group,
        "created_at": iso_ms(event.created_at),
        "deliveries": event.deliveries,
        "external_id": external_id,
    })
}

/// `{accepted, events}`.
pub(super) fn accepted_batch(events: &[Accepted], external_ids: &[Option<String>]) -> Value {
    let events: Vec<Value> =
        events.iter().zip(external_ids).map(|(event, id)| accepted(event, id.as_deref())).collect();
    json!({ "accepted": events.len(), "events": events })
}

/// An event in a list.
pub(super) fn event_summary(event: &Summary) -> Value {
    json!({
        "id": event.id.with_prefix(catalogue::id_prefix(&event.event_type)),
        "type": event.event_type,
        "external_id": event.external_id,
        "entity_id": event.entity_id,
        "group_id": event.group,
        "created_at": iso_ms(event.created_at),
        "deliveries": event.deliveries,
        "test": event.test,
    })
}

/// One event with its deliveries, and why any webhook got none. Its data as stored, digit for digit.
#[derive(Serialize)]
pub(super) struct EventAlone {
    id: String,
    #[serde(rename = "type")]
    event_type: String,
    external_id: Option<String>,
    entity_id: Option<String>,
    group_id: String,
    created_at: String,
    event_source: Box<RawValue>,
    data: Box<RawValue>,
    deliveries: Vec<Value>,
    not_delivered_to: Vec<Value>,
    test: bool,
    /// What it is an edited copy of, and what was sent from it with changes.
    pub(super) resent_from: Value,
    pub(super) resends: Vec<Value>,
}

/// One event with its deliveries, and why any webhook got none.
pub(super) fn event(event: Event, deliveries: Vec<Value>, not_delivered_to: Vec<Value>) -> EventAlone {
    let payload = event.payload;
    EventAlone {
        id: payload.id.with_prefix(catalogue::id_prefix(&payload.event_type)),
        event_type: payload.event_type,
        external_id: event.external_id,
        entity_id: payload.entity_id,
        group_id: payload.group,
        created_at: iso_ms(payload.created_at),
        event_source: raw(payload.source.as_bytes()),
        data: raw(&payload.data),
        deliveries,
        not_delivered_to,
        test: event.test,
        resent_from: Value::Null,
        resends: Vec::new(),
    }
}

/// An event type, its schema and sample as they are in the catalogue.
#[derive(Serialize)]
pub(super) struct EventTypeShape<'a> {
    #[serde(rename = "type")]
    name: &'a str,
    families: Vec<&'static str>,
    group: &'static str,
    description: &'a str,
    documented: bool,
    schema: Box<RawValue>,
    sample: Box<RawValue>,
}

/// An event type of a project's own.
pub(super) fn own_type(own_type: &OwnType) -> EventTypeShape<'_> {
    EventTypeShape {
        name: &own_type.name,
        families: vec![own::FAMILY],
        group: own::FAMILY,
        description: &own_type.description,
        documented: true,
        schema: raw(own_type.schema().as_bytes()),
        sample: raw(own_type.sample.as_bytes()),
    }
}

/// An event type.
pub(super) fn event_type(event_type: &EventType) -> EventTypeShape<'static> {
    EventTypeShape {
        name: event_type.name,
        families: event_type.families.iter().map(|family| family.as_str()).collect(),
        group: event_type.group,
        description: event_type.description,
        documented: event_type.documented,
        schema: raw(event_type.schema().as_bytes()),
        sample: raw(event_type.sample().as_bytes()),
    }
}

/// A webhook. Secrets are never in it.
pub(super) fn webhook(webhook: &Webhook, slowed: Option<&Slowed>, warnings: &[String]) -> Value {
    let Settings { name, description, target_url, active, all_events, events, .. } = &webhook.settings;
    let disabled = webhook.disabled.as_ref().map(|disabled| {
        json!({
            "kind": disabled.kind,
            "detail": disabled.detail,
            "at": iso_ms(disabled.at),
            "delivery_id": disabled.delivery,
            "response_status": disabled.status,
        })
    });
    json!({
        "id": webhook.id,
        "object": "webhook",
        "name": name,
        "description": description,
        "target_url": target_url,
        "active": active,
        "disabled": disabled,
        "slowed": slowed.filter(|_| *active).map(pace),
        "all_events": all_events,
        "events": events,
        "filter": webhook.settings.filter,
        "preset": webhook.settings.preset,
        "body": webhook.settings.body,
        "version": webhook.settings.version,
        "timeout_ms": webhook.settings.timeout_ms,
        "retries": webhook.settings.retries,
        "success": webhook.settings.success,
        "when_used_up": webhook.settings.when_used_up,
        "rate_per_s": webhook.settings.rate_per_s,
        "headers": extra_headers(&webhook.settings),
        "authentication": authentication(&webhook.settings.authentication),
        "extra_signature": webhook.settings.extra_signature,
        "client_certificate": webhook.settings.client_certificate.as_ref().map(
            |kept| json!({ "fingerprint": kept.fingerprint() }),
        ),
        "when_paused": webhook.settings.when_paused,
        "maintenance": webhook.settings.maintenance.map(
            |window| json!({ "from": iso_ms(window.from), "until": iso_ms(window.until) }),
        ),
        "off_since": webhook.off_since.map(iso_ms),
        "warnings": warnings,
        "created_at": iso_ms(webhook.created_at),
        "updated_at": iso_ms(webhook.updated_at),
    })
}

/// Whether a text stands for a value that is hidden, as in [`extra_headers`].
pub(super) fn is_mask(text: &str) -> bool {
    text.strip_prefix("[hidden ").is_some_and(|rest| rest.ends_with(']'))
}

/// Extra headers by name, with what may be told of their values.
pub(super) fn extra_headers(settings: &Settings) -> Map<String, Value> {
    let told = |header: &ExtraHeader| {
        let mask = format!("[hidden {}]", header.value.fingerprint().unwrap_or_default());
        (header.name.clone(), Value::from(mask))
    };
    settings.headers.iter().map(told).collect()
}

/// `{type, …}`, with a fingerprint for the secret part.
fn authentication(authentication: &Authentication) -> Value {
    let mut value = json!({ "type": authentication.kind() });
    match authentication {
        Authentication::Basic { username, .. } => value["username"] = username.as_str().into(),
        Authentication::ApiKey { header, .. } => value["header"] = header.as_str().into(),
        Authentication::None | Authentication::Bearer { .. } => {}
    }
    if let Some(kept) = authentication.value() {
        value["fingerprint"] = kept.fingerprint().into();
    }
    value
}

/// Puts a key that we made into a webhook's shape, this once.
pub(super) fn tell(webhook: &mut Value, generated: Option<String>) {
    if let Some(value) = generated {
        webhook["authentication"]["value"] = value.into();
    }
}

fn pace(slowed: &Slowed) -> Value {
    json!({
        "since": iso_ms(slowed.since),
        "failures": slowed.failures,
        "last_failure": as_json::failure(&slowed.last_failure),
        "next_at": iso_ms(slowed.next_at),
    })
}

/// One delivery with its body and every attempt.
pub(super) fn delivery_alone(
    of: &Delivery,
    webhook: Option<&Webhook>,
    attempts: &[AttemptRow],
    payload: Option<&Payload>,
) -> Value {
    let target_url = webhook.map_or("", |webhook| &webhook.settings.target_url);
    let body = |row: &AttemptRow| request_body(of.id, of.webhook, &row.attempt, payload?);
    as_json::alone(of, webhook, target_url, attempts, body)
}

/// What came of a test: its only attempt, and where history has it.
pub(super) fn tested(tested: &Tested) -> Value {
    let Tested { delivery, attempt: row, payload } = tested;
    let body = request_body(delivery.id, delivery.webhook, &row.attempt, payload);
    let mut value = as_json::attempt(row, body.as_deref());
    value["delivery_id"] = delivery.id.to_string().into();
    value["event_id"] = delivery.event.with_prefix(catalogue::id_prefix(&delivery.event_type)).into();
    value["event_type"] = delivery.event_type.as_str().into();
    value["status"] = delivery.status.as_str().into();
    value
}

/// Stored JSON into an answer, as it is.
fn raw(json: &[u8]) -> Box<RawValue> {
    // It was JSON when it was stored.
    serde_json::from_slice(json).unwrap_or_else(|_| RawValue::NULL.to_owned())
}
