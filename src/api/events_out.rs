//! One event, where it went, and why it went nowhere else.
use std::collections::HashMap;

use diesel::PgConnection;
use serde_json::{Value, json};

use super::shapes::{self, EventAlone};
use crate::base::db::DbError;
use crate::base::ids::{EventId, ProjectId, WebhookId};
use crate::models::deliveries::{self, Delivery, Untold};
use crate::models::{events, webhooks};
use crate::rules::body::iso_ms;

pub(super) fn load(
    conn: &mut PgConnection,
    project: ProjectId,
    id: EventId,
) -> Result<Option<EventAlone>, DbError> {
    let Some(event) = events::find(conn, project, id)? else { return Ok(None) };
    let made = deliveries::of_event(conn, project, id)?;
    let urls = webhooks::names(conn, project)?;
    let now = webhooks::list(conn, project)?;
    let shape = |delivery: &Delivery| {
        let url = urls.get(&delivery.webhook).map_or("", |named| &named.target_url);
        let webhook = now.iter().find(|webhook| webhook.id == delivery.webhook);
        shapes::delivery_and_what_holds_it(delivery, url, webhook)
    };
    let shaped: Vec<Value> = made.iter().map(shape).collect();
    let untold = deliveries::untold(conn, &event, &made)?;
    Ok(Some(shapes::event(event, shaped, not_delivered(&untold, &urls))))
}

fn not_delivered(untold: &[Untold], names: &HashMap<WebhookId, webhooks::Named>) -> Vec<Value> {
    untold
        .iter()
        .map(|untold| {
            let name = names.get(&untold.webhook).map(|named| named.name.as_str());
            json!({
                "webhook_id": untold.webhook,
                "name": name,
                "reason": untold.reason.as_str(),
                "detail": untold.reason.sentence(),
                "since": untold.since.map(iso_ms),
            })
        })
        .collect()
}
