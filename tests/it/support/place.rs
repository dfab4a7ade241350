//! A project with one of everything that a route's path can name, and paths made from it.
use callout::models::projects::keys::{self, Scope};
use callout::routes::Route;
use serde_json::json;

use super::app::App;
use super::factory::{self, Project};
use super::raw;

/// The event type of what is in a place.
pub const TYPE: &str = "customer.rewarded";

/// A project with one of everything that a path can name.
pub struct Place {
    pub project: Project,
    pub key: String,
    pub webhook: String,
    pub event: String,
    pub delivery: String,
    pub replay: String,
    pub note: String,
    pub failure_group: String,
    /// An event type of the project's own.
    pub own_type: String,
}

impl Place {
    /// With a webhook whose receiver is never there.
    pub fn new(app: &App, name: &str) -> Self {
        let project = factory::project(app, name);
        let (key, _) = keys::create(&mut app.db.conn(), project.id, "spare", &Scope::ALL, app.clock.now())
            .expect("create a key");
        let failure_group = factory::failure_group(app, &project);
        let mut place = Self {
            failure_group,
            project,
            key: key.id.to_string(),
            webhook: String::new(),
            event: String::new(),
            delivery: String::new(),
            replay: String::new(),
            note: String::new(),
            own_type: String::new(),
        };
        place.refill();
        place
    }

    /// A new webhook, event and delivery: the ones before may have been deleted.
    pub fn refill(&mut self) {
        for webhook in
            self.project.api().get("/v1/webhooks").expect(200).json()["data"].as_array().into_iter().flatten()
        {
            let id = webhook["id"].as_str().expect("an id");
            self.project.api().delete(&format!("/v1/webhooks/{id}")).expect(204);
        }
        let url = format!("http://{}/", raw::closed_port());
        let text = |value: &serde_json::Value| value.as_str().expect("an id").to_owned();
        self.webhook = text(&self.project.webhook(&url, json!({ "retries": "none" }))["id"]);
        // Of a name that no other project has.
        let own_type = format!("custom.{}", self.project.name.to_lowercase());
        self.project.api().delete(&format!("/v1/event-types/{own_type}"));
        let own = json!({ "type": own_type, "sample": {} });
        self.own_type = text(&self.project.api().post("/v1/event-types", &own).expect(201).json()["type"]);
        self.event = text(&self.project.event(TYPE, json!({}))["id"]);
        let told = self.project.api().get(&format!("/v1/events/{}", self.event)).expect(200).json();
        self.delivery = text(&told["deliveries"][0]["id"]);
        let notes = format!("/v1/deliveries/{}/notes", self.delivery);
        self.note =
            text(&self.project.api().post(&notes, &json!({ "text": "A note" })).expect(201).json()["id"]);
        // One that has nothing to send.
        let replay = json!({ "filter": { "event_type": "no.such.type" } });
        self.replay = text(&self.project.api().post("/v1/replays", &replay).expect(202).json()["id"]);
    }

    /// A route's path with the placeholders filled: the project by `self`, all else by `things`.
    pub fn fill(&self, route: &Route, things: &Place) -> String {
        let mut path = String::new();
        for part in route.path.split_inclusive('/') {
            let name = part.trim_end_matches('/');
            let value = match (name, route.path) {
                ("{project}", _) => self.project.id.to_string(),
                ("{webhook}", _) => things.webhook.clone(),
                ("{event}", _) => things.event.clone(),
                ("{delivery}", _) => things.delivery.clone(),
                ("{note}", _) => things.note.clone(),
                ("{group}", _) => things.failure_group.clone(),
                ("{replay}", _) => things.replay.clone(),
                ("{key}", _) => things.key.clone(),
                ("{id}", path) if path.starts_with("/v1/webhooks/") => things.webhook.clone(),
                ("{id}", path) if path.starts_with("/v1/events/") => things.event.clone(),
                ("{id}", path) if path.starts_with("/v1/deliveries/") => things.delivery.clone(),
                ("{id}", path) if path.starts_with("/v1/failure-groups/") => things.failure_group.clone(),
                ("{id}", path) if path.starts_with("/v1/replays/") => things.replay.clone(),
                ("{type}", path) if path.starts_with("/reference/") => TYPE.to_owned(),
                ("{type}", _) => things.own_type.clone(),
                ("{path:.*}", _) => "no-such-file".to_owned(),
                (fixed, _) if !fixed.contains('{') => fixed.to_owned(),
                (unknown, path) => panic!("say what {unknown} in {path} is"),
            };
            path.push_str(&value);
            if part.ends_with('/') {
                path.push('/');
            }
        }
        path
    }
}

/// Whether a path names something beside the project.
pub fn names_a_thing(route: &Route) -> bool {
    route.path.split('/').any(|part| part.starts_with('{') && !matches!(part, "{project}" | "{path:.*}"))
        && !route.path.starts_with("/reference/")
}
