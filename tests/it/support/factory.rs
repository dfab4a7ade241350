//! What a test starts from. Rows that a person or a program would make come through HTTP, like theirs.
use callout::base::ids::ProjectId;
use callout::models::projects::keys::{self, Scope};
use callout::models::projects::{self, ProjectName};
use diesel::Connection;
use serde_json::{Value, json};

use super::app::App;
use super::client::{Answer, Client};

/// A project and a key that opens all of its API.
pub struct Project {
    pub id: ProjectId,
    pub name: String,
    pub public_key: String,
    pub token: String,
    api: Client,
}

/// A project of this name.
pub fn project(app: &App, name: &str) -> Project {
    let now = app.clock.now();
    let made = app.db.conn().transaction(|conn| {
        let named = ProjectName::new(name).expect("a name");
        let project = projects::create(conn, &named, now).expect("create a project");
        let (_, token) = keys::create(conn, project.id, "all", &Scope::ALL, now).expect("create a key");
        Ok::<_, diesel::result::Error>((project, token))
    });
    let (project, token) = made.expect("commit");
    let api = app.client().with_key(&token);
    Project { id: project.id, name: project.name, public_key: project.public_key, token, api }
}

/// A key that opens only these parts of the API, and the client that has it.
pub fn key(app: &App, project: &Project, scopes: &[Scope]) -> Client {
    let (_, token) =
        keys::create(&mut app.db.conn(), project.id, "some", scopes, app.clock.now()).expect("create a key");
    app.client().with_key(&token)
}

/// A failure group, as it is in the table once an attempt has failed; tells its id.
pub fn failure_group(app: &App, project: &Project) -> String {
    // The project's id stands for all others that a group has.
    let id = project.id.0;
    app.db.execute(&format!(
        "insert into failure_groups values ('{id}', '{id}', '{id}', 6, 503, 'shop.example', now(), now(), '{id}')"
    ));
    format!("fg_{}", id.simple())
}

impl Project {
    /// The same project, reached where the program listens after a restart.
    pub fn again(self, app: &App) -> Self {
        let api = app.client().with_key(&self.token);
        Self { api, ..self }
    }

    /// A program that has the project's key.
    pub fn api(&self) -> &Client {
        &self.api
    }

    /// A webhook for `customer.rewarded` and whatever else `settings` say; tells it with its secret.
    pub fn webhook(&self, target_url: &str, settings: Value) -> Value {
        let mut body = json!({ "target_url": target_url, "events": ["customer.rewarded"] });
        if let (Some(body), Value::Object(settings)) = (body.as_object_mut(), settings) {
            body.extend(settings);
        }
        self.api.post("/v1/webhooks", &body).expect(201).json()
    }

    /// Posts an event of this type; tells what was accepted.
    pub fn event(&self, event_type: &str, data: Value) -> Value {
        self.post_event(&json!({ "type": event_type, "data": data })).expect(202).json()
    }

    /// Posts an event as it stands.
    pub fn post_event(&self, body: &Value) -> Answer {
        self.api.post("/v1/events", body)
    }

    /// The delivery as the API tells it, with its attempts.
    pub fn delivery(&self, id: &str) -> Value {
        self.api.get(&format!("/v1/deliveries/{id}")).expect(200).json()
    }

    /// All deliveries, newest first, as the API lists them.
    pub fn deliveries(&self) -> Vec<Value> {
        let answer = self.api.get("/v1/deliveries?limit=250").expect(200).json();
        answer["data"].as_array().cloned().unwrap_or_default()
    }
}
