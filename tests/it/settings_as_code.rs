//! A project's settings as a file: exported, planned, applied; secrets only by reference.
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::factory::{self, Project};
use crate::support::serve::{self, Serve};

/// On an address that needs no name server.
const TARGET: &str = "https://93.184.216.34/hooks";
const SECRETS: [&str; 5] =
    ["a-token-of-x", "a-password-of-x", "a-key-of-x", "a-header-of-x", "BEGIN CERTIFICATE"];

/// What the exported references lead to; the last one is the client certificate with its key.
fn variables(certificate: &Certificate) -> [(&'static str, String); 5] {
    let text = |at: usize| SECRETS[at].to_owned();
    [
        ("CALLOUT_SETTINGS_BEARER_TOKEN", text(0)),
        ("CALLOUT_SETTINGS_BASIC_PASSWORD", text(1)),
        ("CALLOUT_SETTINGS_LOYALTY_API_KEY", text(2)),
        ("CALLOUT_SETTINGS_BASIC_HEADER_X_SHOP", text(3)),
        ("CALLOUT_SETTINGS_BASIC_CLIENT_CERTIFICATE", format!("{}{}", certificate.chain, certificate.key)),
    ]
}

/// A client certificate that may be shown, as PEM.
struct Certificate {
    chain: String,
    key: String,
}

impl Certificate {
    fn new() -> Self {
        let key = rcgen::KeyPair::generate().expect("a key");
        let own = rcgen::CertificateParams::new(vec!["callout".to_owned()]).expect("a name");
        Self { chain: own.self_signed(&key).expect("signed").pem(), key: key.serialize_pem() }
    }
}

/// The command where the app's database and key are.
struct Desk<'a> {
    app: &'a App,
    folder: tempfile::TempDir,
}

impl<'a> Desk<'a> {
    fn at(app: &'a App) -> Self {
        Self { app, folder: tempfile::tempdir().expect("a folder") }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("write");
        path
    }

    fn run(
        &self,
        what: &str,
        project: &str,
        file: &Path,
        more: &[&str],
        variables: &[(&str, &str)],
    ) -> Output {
        let output = Command::new(env!("CARGO_BIN_EXE_callout"))
            .args(["settings", what, "--project", project])
            .args(more)
            .arg(file)
            .env("CALLOUT_DATABASE_URL", self.app.db.url())
            .env("CALLOUT_DATA_DIR", self.folder.path().join("data"))
            .env("CALLOUT_SECRET_KEY", STANDARD.encode(self.app.parts.key.as_bytes()))
            .envs(variables.iter().copied())
            .output()
            .expect("run callout");
        let both = said(&output.stdout) + &said(&output.stderr);
        assert!(SECRETS.iter().all(|secret| !both.contains(secret)), "a secret: {both}");
        output
    }

    /// What it tells as JSON, and what it says to people.
    fn done(
        &self,
        what: &str,
        project: &str,
        file: &Path,
        more: &[&str],
        variables: &[(&str, &str)],
    ) -> (Value, String) {
        let output = self.run(what, project, file, more, variables);
        assert!(output.status.success(), "{what}: {}", said(&output.stderr));
        (serde_json::from_slice(&output.stdout).expect("JSON on stdout"), said(&output.stderr))
    }

    fn refused(&self, what: &str, project: &str, file: &Path, more: &[&str]) -> String {
        let output = self.run(what, project, file, more, &[]);
        assert!(output.status.code() == Some(1) && output.stdout.is_empty(), "{}", said(&output.stdout));
        said(&output.stderr)
    }
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Every setting that there is, at something else than its default.
fn with_every_knob(app: &App, name: &str, certificate: &Certificate) -> Project {
    let project = factory::project(app, name);
    let own = json!({
        "type": "custom.order_shipped",
        "description": "It's \"gone\" '''\nfor good",
        "sample": { "id": 1, "none": null, "big": 9_007_199_254_740_993_u64, "text": "\"\"\" ''' \\" },
        "schema": { "type": "object", "required": ["id"] },
    });
    project.api().post("/v1/event-types", &own).expect(201);
    project.api().post("/v1/event-types", &json!({ "type": "custom.plain", "sample": {} })).expect(201);
    let hosts = json!({ "allowed_hosts": ["93.184.216.34", "*.shop.example"], "webhooks_enabled": false });
    project.api().patch("/v1/project", &hosts).expect(200);
    let knobs = [
        json!({ "name": "Bearer", "authentication": { "type": "bearer", "token": SECRETS[0] },
            "all_events": true, "events": [], "body": "flat", "success": "200", "timeout_ms": 2500, "when_used_up": "disable" }),
        json!({ "name": "Basic", "description": "A \"quoted\" one,\n'''with''' lines\t\\ ü",
            "authentication": { "type": "basic", "username": "ada", "password": SECRETS[1] },
            "headers": { "X-Shop": SECRETS[3] },
            "client_certificate": { "certificate": certificate.chain, "key": certificate.key } }),
        json!({ "name": "Loyalty", "preset": "loyalty", "events": ["mission_completed"],
            "authentication": { "type": "api_key", "header": "x-key", "value": SECRETS[2] } }),
        json!({ "name": "Project's", "preset": "project", "retries": [1, 20, 300, 4000], "active": false }),
        json!({ "name": "Contact", "preset": "contact", "events": null, "target_url": format!("{TARGET}?a=1&b='2'") }),
        json!({ "name": "filter: all = \"of\" them", "when_paused": "hold", "rate_per_s": 7, "retries": "none",
            "extra_signature": "voucherify", "version": "2018-08-01",
            "events": ["custom.order_shipped", "voucher.created"],
            "maintenance": { "from": "2099-01-01T00:00:00Z", "until": "2099-01-01T01:00:00Z" },
            "filter": [{ "path": "data.a.b", "is": null }, { "path": "data.\"x y\"[*]", "is_one_of": ["'", 2.5, true] },
                { "path": "data.n", "min": 1, "max": 1e3 }, { "path": "data.gone", "exists": false }] }),
    ];
    for knob in knobs {
        project.webhook(TARGET, knob);
    }
    project
}

/// The webhooks without what is theirs alone.
fn webhooks(project: &Project) -> Vec<Value> {
    let answer = project.api().get("/v1/webhooks?limit=250").expect(200).json();
    let mut all = answer["data"].as_array().cloned().expect("a list");
    for one in &mut all {
        for field in ["id", "created_at", "updated_at", "off_since"] {
            one.as_object_mut().expect("an object").remove(field);
        }
    }
    all.sort_by_key(|one| one["name"].to_string());
    all
}

#[test]
fn what_was_exported_changes_nothing_and_makes_the_same_elsewhere() {
    let app = App::start();
    let desk = Desk::at(&app);
    let certificate = Certificate::new();
    let all = variables(&certificate).map(|(name, text)| (name, &*text.leak()));
    let from = with_every_knob(&app, "From", &certificate);
    for end in ["toml", "json"] {
        let file = desk.folder.path().join(format!("settings.{end}"));
        let (told, _) = desk.done("export", "From", &file, &[], &[]);
        assert_eq!((&told["webhooks"], &told["event_types"]), (&json!(6), &json!(2)));
        let text = std::fs::read_to_string(&file).expect("the file");
        assert!(SECRETS.iter().all(|secret| !text.contains(secret)) && !text.contains("whsec_"), "{text}");
        assert!(
            text.contains("CALLOUT_SETTINGS_BASIC_HEADER_X_SHOP") && !text.contains("all_events = false")
        );

        for given in [&[][..], &all[..4]] {
            let (plan, words) = desk.done("plan", "From", &file, &["--delete"], given);
            assert_eq!(
                (&plan["change"], &plan["create"], &plan["delete"]),
                (&json!([]), &json!([]), &json!([]))
            );
            assert_eq!(plan["kept"].as_array().map(Vec::len), Some(5 - given.len()), "{}", plan["kept"]);
            assert!(plan["unchanged"] == 9 && words.contains("Nothing to do"), "{words}");
        }
        let version = app.db.text("select settings_version from projects where name = 'From'");
        desk.done("apply", "From", &file, &["--yes", "--delete"], &[]);
        assert_eq!(app.db.text("select settings_version from projects where name = 'From'"), version);

        let to = factory::project(&app, &format!("To {end}"));
        let lacking = desk.refused("plan", &to.name, &file, &[]);
        assert_eq!(lacking.matches("There is nothing in the environment variable").count(), 5, "{lacking}");
        let (made, _) = desk.done("apply", &to.name, &file, &["--yes"], &all);
        let created = made["created"].as_array().expect("a list");
        let with_secret =
            |one: &&Value| one["secret"].as_str().is_some_and(|text| text.starts_with("whsec_"));
        assert_eq!((created.len(), created.iter().filter(with_secret).count()), (8, 6), "{made}");
        let (mut one, mut other) = (webhooks(&from), webhooks(&to));
        for all in [&mut one, &mut other] {
            // Joined of two texts there, read from one here.
            all.iter_mut()
                .for_each(|webhook| drop(webhook.as_object_mut().map(|w| w.remove("client_certificate"))));
        }
        assert_eq!(one, other);
        assert_eq!(from.api().get("/v1/event-types").json(), to.api().get("/v1/event-types").json());
        let hosts = |project: &Project| project.api().get("/v1/project").json()["allowed_hosts"].clone();
        assert_eq!(hosts(&from), hosts(&to));
        let (again, _) = desk.done("apply", &to.name, &file, &["--yes"], &all);
        assert_eq!(
            (&again["created"], &again["changed"], &again["unchanged"]),
            (&json!([]), &json!([]), &json!(9))
        );
    }
}

#[test]
fn a_plan_tells_what_would_change_and_apply_does_just_that() {
    let app = App::start();
    let desk = Desk::at(&app);
    let shop = factory::project(&app, "Shop");
    let other = with_every_knob(&app, "Other", &Certificate::new());
    let before = webhooks(&other);
    shop.webhook(
        TARGET,
        json!({ "name": "Orders", "authentication": { "type": "bearer", "token": SECRETS[0] } }),
    );
    shop.webhook(TARGET, json!({ "name": "Old" }));
    let file = desk.file(
        "shop.toml",
        &format!(
            "[project]\nwebhooks_enabled = false\n\n[[event_types]]\ntype = \"custom.a\"\nsample = {{ a = 1 }}\n\n\
             [[webhooks]]\nname = \"orders\"\ntarget_url = \"{TARGET}\"\nevents = [\"customer.rewarded\"]\n\
             timeout_ms = 5000\nauthentication = {{ type = \"bearer\", token = {{ file = \"token.txt\" }} }}\n\n\
             [[webhooks]]\nname = \"New\"\ntarget_url = \"{TARGET}\"\nevents = [\"custom.a\"]\npreset = \"loyalty\"\n\
             signing_secret = {{ env = \"SIGNING\" }}\n"
        ),
    );
    desk.file("token.txt", "another-token\n");
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let variables = [("SIGNING", secret)];
    let (plan, words) = desk.done("plan", "Shop", &file, &[], &variables);
    let orders = &plan["change"][1];
    assert_eq!(orders["name"], "Orders", "{plan}");
    assert_eq!(orders["fields"]["timeout_ms"], json!({ "from": 10_000, "to": 5_000 }));
    assert_eq!(orders["fields"]["name"], json!({ "from": "Orders", "to": "orders" }));
    let token = &orders["fields"]["authentication"];
    assert!(token["from"]["fingerprint"] != token["to"]["fingerprint"] && token["to"]["type"] == "bearer");
    assert_eq!(orders["fields"].as_object().map(|fields| fields.len()), Some(3));
    assert_eq!(plan["left_alone"], json!([{ "kind": "webhook", "name": "Old" }]));
    for line in
        ["+ create event type \"custom.a\"", "~ change project", "timeout_ms: 10000 -> 5000", "--delete"]
    {
        assert!(words.contains(line), "{line}: {words}");
    }
    assert!(!words.contains('\x1b') && !words.contains("another-token") && !words.contains(secret));
    let detailed = desk.run("plan", "Shop", &file, &["--detailed-exit-code"], &variables);
    assert_eq!(detailed.status.code(), Some(2));
    assert!(desk.refused("apply", "Shop", &file, &[]).contains("--yes"), "there is no terminal");
    assert_eq!(webhooks(&shop).len(), 2, "nothing is done yet");

    let (made, _) = desk.done("apply", "Shop", &file, &["--yes"], &variables);
    let new = &made["created"][1];
    assert!(new["name"] == "New" && new.get("secret").is_none(), "{made}");
    assert_eq!(
        new["authentication"]["value"].as_str().map(str::len),
        Some(64),
        "the loyalty guide's key, once"
    );
    assert_eq!(webhooks(&shop).len(), 3);
    assert_eq!(shop.api().get("/v1/project").json()["webhooks_enabled"], false);
    let (again, _) = desk.done("apply", "Shop", &file, &["--yes"], &[]);
    assert_eq!(
        (&again["created"], &again["changed"]),
        (&json!([]), &json!([])),
        "the key and the secret stay"
    );

    let (gone, _) = desk.done("apply", "Shop", &file, &["--yes", "--delete"], &[]);
    assert_eq!(gone["deleted"], json!([{ "kind": "webhook", "name": "Old" }]));
    assert_eq!(webhooks(&shop).len(), 2);
    assert_eq!(webhooks(&other), before, "the other project is as it was");
}

#[test]
fn a_webhook_whose_types_were_all_deleted_stays_as_it_is() {
    let app = App::start();
    let desk = Desk::at(&app);
    let shop = factory::project(&app, "Shop");
    shop.api().post("/v1/event-types", &json!({ "type": "custom.only", "sample": {} })).expect(201);
    shop.webhook(TARGET, json!({ "events": ["custom.only"] }));
    shop.api().delete("/v1/event-types/custom.only").expect(204);
    let file = desk.folder.path().join("shop.toml");
    desk.done("export", "Shop", &file, &[], &[]);
    let (plan, _) = desk.done("plan", "Shop", &file, &[], &[]);
    assert_eq!((&plan["change"], &plan["unchanged"]), (&json!([]), &json!(2)), "{plan}");
}

#[test]
fn all_that_is_wrong_is_told_at_once_with_its_place() {
    let app = App::start();
    let desk = Desk::at(&app);
    let shop = factory::project(&app, "Shop");
    let wrong = json!({
        "format": 9,
        "segments": [],
        "project": { "allowed_hosts": ["not a host"], "colour": "red" },
        "event_types": [{ "type": "custom.A", "sample": {} }, { "type": "custom.b", "sample": "{", "x": 1 }],
        "webhooks": [
            { "name": "a", "target_url": TARGET, "all_events": true, "timeout_ms": 1, "body": "round", "active": "no" },
            { "name": "A", "target_url": "https://10.0.0.1/", "events": ["voucher.craeted"] },
            { "target_url": TARGET },
            { "name": "c", "target_url": TARGET, "all_events": true, "headers": { "x-a": "a-header-of-x" },
              "authentication": { "type": "bearer", "token": { "env": "CALLOUT_SECRET_KEY" } } },
            { "name": "d", "target_url": TARGET, "all_events": true, "filter": "data.a >", "surprise": 1 },
        ],
    });
    let said = desk.refused("plan", "Shop", &desk.file("wrong.json", &wrong.to_string()), &[]);
    for place in [
        "segments: There is no section \"segments\". Known are format, project, event_types, webhooks.",
        "format: ",
        "project.allowed_hosts: ",
        "project.colour: ",
        "event_types[0].type: ",
        "event_types[1].sample: ",
        "event_types[1].x: ",
        "webhooks[0].timeout_ms: ",
        "webhooks[0].body: ",
        "webhooks[0].active: ",
        "webhooks[1].name: ",
        "webhooks[1].target_url: ",
        "webhooks[1].events: There is no event type \"voucher.craeted\". Did you mean voucher.created",
        "webhooks[2].name: ",
        "webhooks[3].headers.x-a: A secret does not stand in the file itself.",
        "webhooks[3].authentication.token: CALLOUT_SECRET_KEY is a setting of Callout itself.",
        "webhooks[4].filter: ",
        "webhooks[4].surprise: ",
    ] {
        assert!(said.contains(&format!("  {place}")), "{place}\n{said}");
    }
    assert!(said.starts_with("error: 18 things are wrong"), "{said}");
    let broken =
        desk.refused("plan", "Shop", &desk.file("broken.toml", "[project]\na = a-token-of-x\n"), &[]);
    assert!(broken.contains("line 2"), "{broken}");
    assert!(desk.refused("plan", "Shop", &desk.file("settings.yaml", ""), &[]).contains(".toml or .json"));
    assert!(webhooks(&shop).is_empty());
}

#[test]
fn it_works_while_the_program_runs_and_while_nothing_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let token = serve::project(&data, "Shop");
    let file = folder.path().join("shop.json");
    let of_file = file.to_str().expect("a path");
    let write = |name: &str| {
        let webhook = json!({ "name": name, "target_url": TARGET, "all_events": true });
        std::fs::write(&file, json!({ "webhooks": [webhook] }).to_string()).expect("write");
    };
    write("made while nothing runs");
    let apply = || serve::command(&data, &["settings", "apply", "--project", "Shop", "--yes", of_file]);
    assert_eq!(apply()["created"][0]["name"], "made while nothing runs");
    let program = Serve::start(&data, &[]);
    write("made while it runs");
    assert_eq!(apply()["created"][0]["name"], "made while it runs");
    let shop = program.client().with_key(&token);
    let event = json!({ "type": "customer.rewarded", "data": {} });
    assert_eq!(
        shop.post("/v1/events", &event).expect(202).json()["deliveries"],
        2,
        "it goes to both at once"
    );
    let exported = serve::command(&data, &["settings", "export", "--project", "Shop", "-"]);
    assert_eq!(exported["webhooks"].as_array().map(Vec::len), Some(2));
    assert!(program.stop().success());
}
