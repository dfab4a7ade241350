//! `/p/{project}/overview`: where a project stands, and what to do next.
use actix_web::web::Data;
use askama::Template;

use crate::base::db::{Db, DbError};
use crate::models::projects::keys;
use crate::models::webhooks;
use crate::web::page::{go_to, page};
use crate::web::{Frame, Htmx, PageResult, Section, Viewer, WebSettings, filters};

/// An event that every receiver can make sense of, for the first try.
const FIRST_EVENT: &str = r#"{
    "type": "customer.created",
    "data": {"customer": {"id": "cust_1", "email": "ada@example.com"}}
  }"#;

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    frame: Frame,
    base: String,
    name: String,
    public_key: String,
    is_admin: bool,
    is_sample: bool,
    webhooks: usize,
    active_webhooks: usize,
    live_keys: usize,
    first_event: String,
}

/// GET /p/{project}: its overview.
pub async fn go_to_overview(member: Viewer, htmx: Htmx) -> PageResult {
    Ok(go_to(htmx, &member.path("/overview")))
}

/// GET /p/{project}/overview
pub async fn show(member: Viewer, db: Data<Db>, settings: Data<WebSettings>) -> PageResult {
    let project = member.project.id;
    let (webhooks, keys, is_sample) = db
        .run(move |conn| {
            let is_sample = super::sample::is_sample(conn, project)?;
            Ok::<_, DbError>((webhooks::list(conn, project)?, keys::list(conn, project)?, is_sample))
        })
        .await?;
    page(&OverviewPage {
        frame: member.frame("Overview", Section::Overview),
        base: member.path(""),
        name: member.project.name.clone(),
        public_key: member.project.public_key.clone(),
        is_admin: member.0.frame("", Section::None).is_admin(),
        is_sample,
        active_webhooks: webhooks.iter().filter(|webhook| webhook.settings.active).count(),
        webhooks: webhooks.len(),
        live_keys: keys.iter().filter(|key| key.revoked_at.is_none()).count(),
        first_event: first_event(&settings.public_url, "$CALLOUT_KEY"),
    })
}

/// A ready command line that posts an event with this key.
pub(super) fn first_event(public_url: &str, token: &str) -> String {
    format!(
        "curl {public_url}/v1/events \\\n  -H \"Authorization: Bearer {token}\" \\\n  \
         -H \"Content-Type: application/json\" \\\n  -d '{FIRST_EVENT}'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::catalogue;

    #[test]
    fn the_first_event_is_json_of_a_known_type() {
        let event: serde_json::Value = serde_json::from_str(FIRST_EVENT).expect("JSON");
        assert_eq!(event["type"], catalogue::plain().name);
        assert!(event["data"].is_object() && !FIRST_EVENT.contains('\''));
    }
}
