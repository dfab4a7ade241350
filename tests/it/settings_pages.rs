//! A project's keys and general settings, by the forms that a browser without scripts would send.
use callout::models::projects::members::Role;
use callout::models::projects::{self, ProjectName, keys};
use serde_json::{Value, json};

use super::support::app::App;
use super::support::client::Client;
use super::support::html::Form;
use super::support::people::{self, PASSWORD};
use super::support::receiver::{self, Behaviour};
use super::support::{factory, html};

const NEW_KEY: &str = "form[action$='/settings/keys']";
const REVOKE: &str = "form[action$='/revoke']";

/// A project without keys, its keys' page, and the browser of an admin.
fn keyless(app: &App) -> (String, Client) {
    let name = ProjectName::new("Spring sale").expect("a name");
    let project = projects::create(&mut app.db.conn(), &name, app.clock.now()).expect("a project");
    (format!("/p/{}/settings/keys", project.id), people::member(app, project.id, Role::Admin))
}

/// Sends the form and follows to the page that shows the token.
fn made(admin: &Client, path: &str, form: &Form) -> html::Page {
    let sent_on = admin.submit(path, form).expect(303);
    admin.follow(&sent_on).expect(200).page()
}

fn new_key(admin: &Client, path: &str) -> Form {
    admin.get(path).expect(200).page().form(NEW_KEY)
}

#[test]
fn a_key_is_shown_once_and_opens_the_api_until_it_is_revoked() {
    let app = App::start();
    let (path, admin) = keyless(&app);
    assert!(admin.get(&path).expect(200).page().has(".empty-state"));

    let made = made(&admin, &path, &new_key(&admin, &path).with("name", "Shop"));
    let token = made.text("#token");
    assert!(token.starts_with("ck_") && token.len() == 43, "{token}");
    let line = made.text("pre code");
    assert!(line.starts_with("curl") && line.contains(&format!("Bearer {token}")), "{line}");
    assert!(line.contains(&app.parts.web.public_url) && line.contains("/v1/events"), "{line}");

    let listed = admin.get(&path).expect(200).page();
    assert_eq!(app.db.count("api_keys"), 1, "loading the page anew makes none");
    assert!(!listed.source().contains(&token), "shown once");
    let hint = format!("ck_…{}", &token[39..]);
    assert!(listed.texts("#keys code").contains(&hint), "only its end is kept");
    assert!(listed.text("#keys").contains("Shop") && listed.text("#keys").contains("Never"));

    let program = app.client().with_key(&token);
    program.get("/v1/project").expect(200);
    let used = admin.get(&path).expect(200).page();
    assert!(!used.text("#keys").contains("Never"), "it was used");

    let answer = admin.submit(&path, &used.form(REVOKE)).expect(303);
    program.get("/v1/project").expect(401);
    let after = admin.follow(&answer).expect(200).page();
    assert!(after.has("[role=status]") && after.text("#keys").contains("Revoked"));
    assert!(!after.has(REVOKE), "once is enough");
    admin.submit(&path, &used.form(REVOKE)).expect(303);
}

#[test]
fn the_line_that_is_shown_with_a_new_key_is_taken_by_the_api() {
    let app = App::start();
    let (path, admin) = keyless(&app);
    let made = made(&admin, &path, &new_key(&admin, &path).with("name", "Shop"));
    let line = made.text("pre code");
    let body = line.split_once("-d '").and_then(|(_, rest)| rest.strip_suffix('\'')).expect("a body");
    let event = serde_json::from_str(body).expect("JSON");
    let accepted = app.client().with_key(&made.text("#token")).post("/v1/events", &event).expect(202);
    assert_eq!(accepted.json()["type"], event["type"]);
}

#[test]
fn a_key_opens_only_what_was_ticked() {
    let app = App::start();
    let (path, admin) = keyless(&app);
    let form = new_key(&admin, &path);
    let ticked: Vec<_> = form.fields.iter().filter(|(name, _)| name == "scopes").collect();
    assert_eq!(ticked.len(), 3, "all at first, and none that opens nothing");
    assert!(!admin.get(&path).expect(200).body.contains("contacts"));
    let form = form.without("scopes").and("scopes", "deliveries").with("name", "Desk");
    let made = made(&admin, &path, &form);
    assert!(made.text("pre code").contains("/v1/project"), "a line that this key may send");
    let program = app.client().with_key(&made.text("#token"));
    program.get("/v1/deliveries").expect(200);
    program.post("/v1/events", &json!({ "type": "customer.created", "data": {} })).expect(403);
}

#[test]
fn a_key_without_a_name_or_without_scopes_is_refused_and_keeps_what_was_typed() {
    let app = App::start();
    let (path, admin) = keyless(&app);
    let form = new_key(&admin, &path).without("scopes");
    let both = admin.submit(&path, &form).expect(422).page();
    assert!(both.has("#name-error") && both.has("#scopes-error") && both.has("[role=alert]"));
    assert_eq!(both.attribute("#name", "aria-describedby").as_deref(), Some("name-error name-hint"));
    let page = admin.submit(&path, &form.with("name", "Café & Bar")).expect(422).page();
    assert_eq!(page.form(NEW_KEY).value("name"), Some("Café & Bar"));
    assert_eq!(page.form(NEW_KEY).value("scopes"), None);
    assert_eq!(app.db.count("api_keys"), 0);
}

#[test]
fn another_projects_key_cannot_be_revoked() {
    let app = App::start();
    let (path, admin) = keyless(&app);
    let other = factory::project(&app, "Other");
    let id = keys::list(&mut app.db.conn(), other.id).expect("its keys")[0].id;
    admin.post_form(&format!("{path}/{id}/revoke"), &[]).expect(404);
    admin.post_form(&format!("{path}/nonsense/revoke"), &[]).expect(404);
    admin.post_form(&format!("/p/{}/settings/keys/{id}/revoke", other.id), &[]).expect(404);
    other.api().get("/v1/project").expect(200);
}

#[test]
fn what_htmx_gets_of_the_keys_is_a_part_of_the_page() {
    let app = App::start();
    let (path, admin) = keyless(&app);
    let page = admin.get(&path).expect(200);
    let admin = admin.by_htmx();
    let part = admin.get(&path).expect(200);
    assert!(page.body.contains(part.body.trim()) && part.body.len() < page.body.len());
    assert!(part.header("vary").is_some_and(|vary| vary.contains("HX-Request")), "{part:?}");
    let refused = admin.submit(&path, &page.page().form(NEW_KEY)).expect(422);
    assert!(refused.page().has("#keys #name-error") && !refused.page().has("nav"));
}

#[test]
fn settings_are_for_admins_only() {
    let app = App::start();
    let project = factory::project(&app, "Spring sale");
    let paths = ["keys", "general"].map(|page| format!("/p/{}/settings/{page}", project.id));
    for role in [Role::Support, Role::Viewer] {
        let browser = people::member(&app, project.id, role);
        for path in &paths {
            browser.get(path).expect(403);
            browser.post_form(path, &[("name", "Mine")]).expect(403);
        }
    }
    people::person(&app, "nobody@example.com", "Nobody", false);
    let nobody = people::signed_in(&app, "nobody@example.com", PASSWORD);
    let stranger = app.client();
    for path in &paths {
        nobody.get(path).expect(404);
        let answer = stranger.get(path).expect(303);
        assert!(answer.header("location").is_some_and(|to| to.starts_with("/sign-in?next=")), "{answer:?}");
        stranger.post_form(path, &[("name", "Mine")]).expect(401);
    }
    let owner = people::owner(&app);
    paths.iter().for_each(|path| drop(owner.get(path).expect(200)));
    assert_eq!(app.db.count("api_keys"), 1);
}

#[test]
fn an_admin_switches_all_webhooks_off_and_on_and_what_was_held_goes_out() {
    let (app, receiver) = (App::start(), receiver::start_with(Behaviour::default()));
    let project = factory::project(&app, "Spring sale");
    project.webhook(&receiver.url("/"), json!({}));
    let admin = people::member(&app, project.id, Role::Admin);
    let viewer = people::member(&app, project.id, Role::Viewer);
    let path = format!("/p/{}/settings/general", project.id);
    let says_off = |browser: &Client, below: &str| {
        browser.get(&format!("/p/{}/{below}", project.id)).expect(200).page().has(".all-off")
    };
    assert!(!says_off(&admin, "overview"));

    let asked = admin.get(&format!("{path}/switch-off")).expect(200).page();
    assert_eq!(project.api().get("/v1/project").expect(200).json()["webhooks_enabled"], true, "asked first");
    let sent = admin.submit(&path, &asked.form("form[action$='/switch-off']")).expect(303);
    let off = admin.follow(&sent).expect(200).page();
    assert_eq!(project.api().get("/v1/project").expect(200).json()["webhooks_enabled"], false);
    for below in ["overview", "history", "events", "settings/webhooks"] {
        assert!(says_off(&admin, below), "{below}");
    }
    assert!(says_off(&viewer, "overview") && !says_off(&admin, "settings/keys"));
    let link = format!(".all-off a[href='{path}#webhooks']");
    assert!(admin.get(&format!("/p/{}/history", project.id)).expect(200).page().has(&link));
    assert!(!viewer.get(&format!("/p/{}/history", project.id)).expect(200).page().has(".all-off a"));

    assert_eq!(project.event("customer.rewarded", json!({}))["deliveries"], 1);
    app.wait_for("held", 1);
    assert!(admin.get(&path).expect(200).page().text("#webhooks").contains("1 delivery is held"));
    viewer.post_form(&format!("{path}/switch-on"), &[]).expect(403);
    let sent = admin.submit(&path, &off.form("form[action$='/switch-on']")).expect(303);
    assert!(admin.follow(&sent).expect(200).page().text("[role=status]").contains("goes out now"));
    app.wait_for("delivered", 1);
    assert!(!says_off(&admin, "overview"));
    admin.get(&format!("{path}/switch-off")).expect(200);
}

#[test]
fn what_was_held_while_all_were_off_can_be_cancelled_instead() {
    let (app, receiver) = (App::start(), receiver::start_with(Behaviour::default()));
    let project = factory::project(&app, "Spring sale");
    project.webhook(&receiver.url("/"), json!({}));
    let admin = people::member(&app, project.id, Role::Admin);
    let path = format!("/p/{}/settings/general", project.id);
    let switch = |to: Value| project.api().patch("/v1/project", &to);
    switch(json!({ "webhooks_enabled": false })).expect(200);
    project.event("customer.rewarded", json!({}));
    app.wait_for("held", 1);
    let on = admin.get(&path).expect(200).page().form("form[action$='/switch-on']").with("held", "cancel");
    let switched = admin.submit(&path, &on).expect(303);
    assert!(admin.follow(&switched).expect(200).page().text("[role=status]").contains("is cancelled"));
    app.wait_for("cancelled", 1);

    switch(json!({ "webhooks_enabled": false })).expect(200);
    project.event("customer.rewarded", json!({}));
    app.wait_for("held", 1);
    switch(json!({ "webhooks_enabled": true, "held": "keep" })).expect(422);
    switch(json!({ "webhooks_enabled": true, "held": "cancel" })).expect(200);
    app.wait_for("cancelled", 2);
    assert_eq!(receiver.count(), 0);
}

#[test]
fn switching_off_names_what_is_at_stake_and_what_it_holds_is_listed_by_itself() {
    let (app, receiver) = (App::start(), receiver::start_with(Behaviour::status(500)));
    let project = factory::project(&app, "Spring sale");
    let admin = people::member(&app, project.id, Role::Admin);
    let path = format!("/p/{}/settings/general", project.id);
    let asked = || admin.get(&format!("{path}/switch-off")).expect(200).page().text(".head");
    assert!(asked().contains("No webhook of this project is active"));
    project.webhook(&receiver.url("/"), json!({ "name": "Till" }));
    let paused = project.webhook(&receiver.url("/"), json!({ "name": "Desk" }));
    for _ in 0..2 {
        project.event("customer.rewarded", json!({}));
    }
    app.wait_for("retrying", 4);
    let desk = format!("/v1/webhooks/{}", paused["id"].as_str().expect("an id"));
    project.api().patch(&desk, &json!({ "active": false })).expect(200);
    assert!(asked().contains("1 webhook is active, and 2 deliveries wait to be sent."), "{}", asked());

    project.api().patch("/v1/project", &json!({ "webhooks_enabled": false })).expect(200);
    app.advance(time::Duration::minutes(2));
    app.wait_for("held", 4);
    let off = admin.get(&path).expect(200).page();
    assert!(off.text("#webhooks").contains("2 deliveries are held"), "{}", off.text("#webhooks"));
    let listed = off.attribute("#webhooks a[href*='history']", "href").expect("a link");
    let rows = admin.get(&listed).expect(200).page().texts(".rows tbody tr");
    assert!(rows.len() == 2 && rows.iter().all(|row| row.contains("Till")), "{rows:?}");
}

#[test]
fn a_project_is_renamed_and_shows_the_ids_that_stay() {
    let app = App::start();
    let project = factory::project(&app, "Spring sale");
    factory::project(&app, "Autumn sale");
    let admin = people::member(&app, project.id, Role::Admin);
    let path = format!("/p/{}/settings/general", project.id);
    let form = |page: html::Page| page.form("form[action$='/settings/general']");
    let page = admin.get(&path).expect(200).page();
    assert_eq!(page.text("#project-id"), project.id.to_string());
    assert_eq!(page.text("#public-key"), project.public_key);

    let named = |name: &str| form(admin.get(&path).expect(200).page()).with("name", name);
    let taken = admin.submit(&path, &named("autumn SALE")).expect(422).page();
    assert!(taken.text("#name-error").contains("Another project"));
    assert_eq!(form(taken).value("name"), Some("autumn SALE"));
    assert!(admin.submit(&path, &named("  ")).expect(422).page().has("#name-error"));
    let turned = admin.submit(&path, &named("\u{202e}elas")).expect(422).page().text("#name-error");
    assert!(turned.contains("U+202E"), "{turned}");

    let saved = admin.submit(&path, &named(" Summer <sale> ")).expect(303);
    let after = admin.follow(&saved).expect(200).page();
    assert_eq!(after.text("[role=status]"), "Saved.");
    assert_eq!(form(after).value("name"), Some("Summer <sale>"));
    assert_eq!(project.api().get("/v1/project").expect(200).json()["name"], "Summer <sale>");
}
