//! One event, where it went, and why it went nowhere else.
use std::collections::HashMap;

use diesel::PgConnection;
use serde_json::{Value, json};

use super::resending;
use super::shapes::{self, EventAlone};
use crate::base::db::DbError;
use crate::base::ids::{EventId, ProjectId, WebhookId};
use crate::models::deliveries::{self, Delivery, Untold};
use crate::models::{events, resends, webhooks};
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
    let told = resends::of_event(conn, project, id)?;
    // An edited copy was meant for one webhook, as a test is.
    let untold = if told.from.is_none() { deliveries::untold(conn, &event, &made)? } else { Vec::new() };
    let event_type = event.payload.event_type.clone();
    let mut alone = shapes::event(event, shaped, not_delivered(&untold, &urls));
    alone.resent_from = told.from.as_ref().map_or(Value::Null, |from| resending::from(&event_type, from));
    alone.resends = told.resends.iter().map(|resend| resending::made(&event_type, resend)).collect();
    Ok(Some(alone))
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
