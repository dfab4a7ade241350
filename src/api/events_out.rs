//! One event, where it went, and why it went nowhere else.
use std::collections::HashMap;

use diesel::PgConnection;
use serde_json::{Value, json};

use super::shapes::{self, EventAlone};
use crate::base::db::DbError;
use crate::base::ids::{EventId, ProjectId, WebhookId};
use crate::models::deliveries::{self, Untold};
use crate::models::{events, webhooks};

pub(super) fn load(
    conn: &mut PgConnection,
    project: ProjectId,
    id: EventId,
) -> Result<Option<EventAlone>, DbError> {
    let Some(event) = events::find(conn, project, id)? else { return Ok(None) };
    let made = deliveries::of_event(conn, project, id)?;
    let urls = webhooks::names(conn, project)?;
    let shaped: Vec<Value> = made
        .iter()
        .map(|delivery| shapes::delivery(delivery, urls.get(&delivery.webhook).map_or("", |w| &w.target_url)))
        .collect();
    let untold = deliveries::untold(conn, &event, &made)?;
    Ok(Some(shapes::event(event, shaped, not_delivered(&untold, &urls))))
}

fn not_delivered(untold: &[Untold], names: &HashMap<WebhookId, webhooks::Named>) -> Vec<Value> {
    untold
        .iter()
        .map(|untold| {
            let name = names.get(&untold.webhook).map(|named| named.name.as_str());
            json!({ "webhook_id": untold.webhook, "name": name, "reason": untold.reason.as_str() })
        })
        .collect()
}
