//! The request's body: built to be sent, and rebuilt to be shown.
use super::{Attempt, BodyKind};
use crate::base::ids::{DeliveryId, WebhookId};
use crate::models::events::Payload;
use crate::rules::body::{Envelope, Envelope2018, SourceObject};
use crate::rules::catalogue;

/// What stands before and after the event's data in the envelope of version 2024-01-01.
///
/// `created_at` is the event's own, as in most of the published samples, so that every attempt has the same body.
pub fn envelope_parts(
    delivery: DeliveryId,
    webhook: WebhookId,
    target_url: &str,
    payload: &Payload,
) -> (Vec<u8>, Vec<u8>) {
    Envelope {
        id: &delivery.to_string(),
        project_id: &payload.project.to_string(),
        created_at: payload.created_at,
        event_name: &payload.event_type,
        source_id: &webhook.to_string(),
        source_object: SourceObject::Webhook,
        target_url,
        event_id: &payload.id.with_prefix(catalogue::id_prefix(&payload.event_type)),
        event_type: &payload.event_type,
        event_created_at: payload.created_at,
        entity_id: payload.entity_id.as_deref(),
        group_id: &payload.group,
        event_source: &payload.source,
    }
    .around()
}

/// What stands before and after the event's data in a body that is not kept; nothing in a flat one.
pub fn parts(
    kind: &BodyKind,
    delivery: DeliveryId,
    webhook: WebhookId,
    target_url: &str,
    payload: &Payload,
) -> (Vec<u8>, Vec<u8>) {
    match kind {
        BodyKind::Envelope => envelope_parts(delivery, webhook, target_url, payload),
        BodyKind::Envelope2018 => Envelope2018 {
            event_id: &payload.id.with_prefix(catalogue::id_prefix(&payload.event_type)),
            project_id: &payload.project.to_string(),
            created_at: payload.created_at,
            event_type: &payload.event_type,
            event_source: &payload.source,
        }
        .around(),
        BodyKind::Flat | BodyKind::Kept(_) => (Vec::new(), Vec::new()),
    }
}

/// The body of an attempt, exactly as it was sent; none once it is no longer kept.
pub fn request_body(
    delivery: DeliveryId,
    webhook: WebhookId,
    attempt: &Attempt,
    payload: &Payload,
) -> Option<Vec<u8>> {
    if payload.is_emptied() {
        return None;
    }
    Some(match &attempt.body {
        BodyKind::Kept(body) => body.clone(),
        kind => {
            let (before, after) = parts(kind, delivery, webhook, &attempt.url, payload);
            [&before[..], &payload.data[..], &after[..]].concat()
        }
    })
}
