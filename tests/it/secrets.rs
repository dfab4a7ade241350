//! Secrets never appear: not in logs, answers, pages, or rows, whatever happens.
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use callout::routes::ROUTES;
use serde_json::json;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::app::App;
use crate::support::people::{self, PASSWORD};
use crate::support::place::{Place, TYPE};
use crate::support::receiver::{self, Behaviour};

/// Everything that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Log {
    /// Captures all levels of this process from now on.
    fn start() -> Self {
        let log = Self::default();
        let lines = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new("trace"))
            .with_writer(log.clone())
            .with_ansi(false);
        lines.try_init().expect("the only one that captures logs");
        log
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

/// A secret in every spelling that a careless line could have.
struct Secret {
    name: &'static str,
    spellings: Vec<String>,
}

impl Secret {
    fn of(name: &'static str, secret: &[u8]) -> Self {
        let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut spellings = vec![hex, STANDARD.encode(secret).trim_end_matches('=').to_owned()];
        spellings.extend(String::from_utf8(secret.to_vec()));
        Self { name, spellings }
    }

    #[track_caller]
    fn is_not_in(&self, place: &str, text: &str) {
        for spelling in &self.spellings {
            if let Some(at) = text.find(spelling) {
                let from = text[..at].char_indices().rev().nth(200).map_or(0, |(from, _)| from);
                panic!("{} is in {place}: …{}", self.name, &text[from..at + spelling.len()]);
            }
        }
    }
}

/// All rows of all tables as text; bytes as hex.
fn rows(app: &App) -> Vec<(String, String)> {
    let tables = "select relname::text from pg_class where relkind in ('r', 'p') and not relispartition \
                  and relnamespace = 'public'::regnamespace";
    app.db
        .texts(tables)
        .into_iter()
        .map(|table| {
            let rows = app.db.texts(&format!("select t::text from {table} t"));
            (table, rows.join("\n"))
        })
        .collect()
}

#[test]
fn no_secret_is_in_any_log_answer_page_or_row() {
    let log = Log::start();
    let app = App::start();
    let place = Place::new(&app, "Shop");
    let owner = people::owner(&app);
    let receiver = receiver::start_with(Behaviour::status(500));
    let webhook = place.project.webhook(&receiver.url("/"), json!({ "name": "watched", "retries": "none" }));
    let webhook_secret = webhook["secret"].as_str().expect("a secret").to_owned();
    let mut secrets = vec![
        Secret::of("the webhook's secret", webhook_secret.as_bytes()),
        Secret::of("the webhook's key", &STANDARD.decode(&webhook_secret["whsec_".len()..]).expect("base64")),
        Secret::of("the API token", place.project.token.as_bytes()),
        Secret::of("the password", PASSWORD.as_bytes()),
        Secret::of("a wrong password", b"not the right one"),
        Secret::of("the installation's key", app.parts.key.as_bytes()),
    ];
    let cookie = owner.cookie("callout_session").expect("a session");
    // The browser has the key behind a signature; the table has only its digest.
    secrets.push(Secret::of("the session's cookie", cookie.as_bytes()));

    // What goes well, what fails, what is refused.
    place.project.event(TYPE, json!({}));
    app.wait_for("failed", 3);
    receiver.set(Behaviour::default());
    let deliveries = place.project.deliveries();
    let delivery = deliveries.iter().find(|d| d["webhook_id"] == webhook["id"]).expect("a delivery");
    let resend = format!("/v1/deliveries/{}/resend", delivery["id"].as_str().expect("an id"));
    place.project.api().post(&resend, &json!({})).expect(202);
    app.wait_for("delivered", 1);
    let nobody = app.client();
    let refused = people::sign_in(&nobody, "olive@example.com", "not the right one");
    assert_ne!(refused.status, 303);
    secrets.iter().for_each(|secret| secret.is_not_in("the refused sign-in", &refused.body));
    let token = &place.project.token;
    app.client().with_key(&format!("{token}x")).get("/v1/project").expect(401);
    app.client().get(&format!("/v1/events?q={token}")).expect(401);

    for route in ROUTES.iter().filter(|route| route.method == "get") {
        let path = place.fill(route, &place);
        for client in [place.project.api(), &owner, &nobody] {
            let answer = client.get(&path);
            let headers =
                format!("{:?}", answer.headers.iter().filter(|(n, _)| n != "set-cookie").collect::<Vec<_>>());
            for secret in &secrets {
                secret.is_not_in(&path, &answer.body);
                secret.is_not_in(&path, &headers);
            }
        }
    }
    let watched = format!("/v1/webhooks/{}", webhook["id"].as_str().expect("an id"));
    for answer in [
        place.project.api().get(&watched),
        place.project.api().patch(&watched, &json!({ "description": "x" })),
        place.project.api().get(resend.trim_end_matches("/resend")),
    ] {
        secrets.iter().for_each(|secret| secret.is_not_in(&watched, &answer.body));
    }

    // An error of ours, with whatever it drags into the log.
    app.db.execute("alter table webhook_secrets rename to webhook_secrets_away");
    place.project.api().patch(&watched, &json!({ "description": "y" }));
    let event = json!({ "type": TYPE, "data": {} });
    assert!(place.project.post_event(&event).status >= 500, "the settings cannot be read");
    app.db.execute("alter table webhook_secrets_away rename to webhook_secrets");

    for secret in &secrets {
        for (table, rows) in rows(&app) {
            secret.is_not_in(&table, &rows);
        }
    }
    drop(app);
    let lines = log.text();
    assert!(lines.contains("attempt failed") && lines.contains("ERROR"), "the log was captured");
    secrets.iter().for_each(|secret| secret.is_not_in("the log", &lines));
}
