//! The request's body: built to be sent, and rebuilt to be shown.
use super::{Attempt, BodyKind};
use crate::base::ids::{DeliveryId, WebhookId};
use crate::models::events::Payload;
use crate::rules::body::{Envelope, SourceObject};
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
        BodyKind::Flat => payload.data.to_vec(),
        BodyKind::Envelope => {
            let (before, after) = envelope_parts(delivery, webhook, &attempt.url, payload);
            [&before[..], &payload.data[..], &after[..]].concat()
        }
    })
}
