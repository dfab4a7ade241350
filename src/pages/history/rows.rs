//! Deliveries as rows of a table: in the history and on an event's page.
use std::collections::HashMap;

use diesel::PgConnection;
use time::OffsetDateTime;

use super::words::{self, Badge};
use crate::base::db::DbError;
use crate::base::ids::{DeliveryId, ProjectId, WebhookId};
use crate::models::deliveries::{self, Delivery, Status};
use crate::models::resends;
use crate::models::webhooks::Named;
use crate::rules::masks::Veil;

/// A delivery, ready to print.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Row {
    pub link: String,
    pub id: String,
    pub badge: Badge,
    pub event_type: String,
    pub webhook: String,
    pub webhook_is_deleted: bool,
    pub test: bool,
    /// Its event is an edited copy; set by lists that tell.
    pub edited: bool,
    /// The last answer, or why there was none.
    pub outcome: String,
    /// More about a failure.
    pub detail: String,
    pub has_failed: bool,
    pub attempts: i32,
    pub created_at: OffsetDateTime,
    pub next_attempt_at: Option<OffsetDateTime>,
    /// How many notes there are on it, where that was asked.
    pub notes: i64,
    /// When it was settled.
    pub ended_at: Option<OffsetDateTime>,
}

impl Row {
    /// The rows of a page, with what is marked on them: edited copies, notes.
    pub fn all(
        conn: &mut PgConnection,
        project: ProjectId,
        shown: &[Delivery],
        names: &HashMap<WebhookId, Named>,
        veil: &Veil,
    ) -> Result<Vec<Self>, DbError> {
        let ids: Vec<DeliveryId> = shown.iter().map(|delivery| delivery.id).collect();
        let notes = deliveries::note_counts(conn, project, &ids)?;
        let edited = resends::edited_among(conn, project, shown.iter().map(|one| one.event).collect())?;
        let row = |delivery: &Delivery| Self {
            edited: edited.contains(&delivery.event),
            notes: notes.get(&delivery.id).copied().unwrap_or_default(),
            ..Self::of(project, delivery, names.get(&delivery.webhook), veil)
        };
        Ok(shown.iter().map(row).collect())
    }

    /// The row of a delivery; `webhook` is unknown only if its row was lost.
    pub fn of(project: ProjectId, delivery: &Delivery, webhook: Option<&Named>, veil: &Veil) -> Self {
        let failure = delivery.last_failure.as_ref();
        Self {
            link: format!("/p/{project}/history/{}", delivery.id),
            id: delivery.id.to_string(),
            badge: words::badge(delivery.status),
            event_type: delivery.event_type.clone(),
            webhook: webhook.map_or_else(|| delivery.webhook.to_string(), |webhook| webhook.name.clone()),
            webhook_is_deleted: webhook.is_none_or(|webhook| webhook.is_deleted && !webhook.is_draft),
            test: delivery.test,
            edited: false,
            outcome: words::outcome_words(delivery.last_response_status, failure),
            detail: failure.map(|failure| veil.text(&failure.detail).into_owned()).unwrap_or_default(),
            has_failed: failure.is_some(),
            attempts: delivery.attempt_count,
            created_at: delivery.created_at,
            ended_at: delivery.ended_at,
            notes: 0,
            next_attempt_at: delivery.next_attempt_at.filter(|_| delivery.status == Status::Retrying),
        }
    }
}
