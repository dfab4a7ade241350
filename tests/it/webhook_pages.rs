//! A project's webhooks, by the forms that a browser without scripts would send.
use callout::rules::signing::Secret;
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::html::Form;
use crate::support::people;
use crate::support::receiver::{self, Behaviour};

const TYPE: &str = "customer.rewarded";
const FORM: &str = "main form[novalidate]";

fn page_of(path: &str, webhook: &Value) -> String {
    format!("{path}/{}", webhook["id"].as_str().expect("an id"))
}

fn new_form(admin: &Client, path: &str) -> Form {
    admin.get(&format!("{path}/new")).expect(200).page().form(FORM)
}

#[test]
fn a_webhook_that_is_made_by_the_form_delivers_and_its_secret_is_shown_once() {
    let (app, project, admin, path) = people::at_webhooks();
    let receiver = receiver::start();
    assert!(admin.get(&path).expect(200).page().has(".empty-state"));
    let form = new_form(&admin, &path).with("target_url", &receiver.url("/in")).and("events", TYPE);
    let sent_on = admin.submit(&path, &form).expect(303);
    let secret = admin.follow(&sent_on).expect(200).page().text("#secret");
    assert!(secret.starts_with("whsec_"), "{secret}");
    project.event(TYPE, json!({}));
    app.wait_for("delivered", 1);
    assert_eq!(receiver.count(), 1);
    let listed = admin.get(&path).expect(200).page();
    assert!(!listed.source().contains(&secret), "shown once");
    assert_eq!(listed.text(".webhook-name"), "127.0.0.1", "named after its host");
    assert_eq!(listed.text(".webhook .state"), "Active");
}

#[test]
fn loading_the_page_with_a_new_secret_anew_makes_nothing_and_leads_to_the_webhook() {
    let (app, _project, admin, path) = people::at_webhooks();
    let form = new_form(&admin, &path).with("target_url", "http://127.0.0.1:9/").with("which", "all");
    let sent_on = admin.submit(&path, &form).expect(303);
    let place = sent_on.header("location").expect("a place").to_owned();
    assert_eq!(
        app.db.count("sessions where state like '%/created%' and state not like '%whsec%'"),
        1,
        "sealed"
    );
    // Neither a look ahead nor another webhook's page takes it away.
    admin.send("HEAD", &place, &[], b"").expect(303);
    admin.clone().by_htmx().get(&place).expect(200);
    let shown = admin.get(&place).expect(200);
    assert!(shown.page().text("#secret").starts_with("whsec_"));
    let webhook = place.trim_end_matches("/created");
    assert_eq!(admin.get(&place).expect(303).header("location"), Some(webhook));
    assert_eq!(app.db.count("webhooks"), 1);
    let secret = shown.page().text("#secret");
    let fingerprint = admin.get(webhook).expect(200).page().text("aside code");
    assert_eq!(fingerprint, format!("sha256 {}…", Secret::parse(&secret).expect("a secret").fingerprint()));
}

#[test]
fn the_list_tells_how_each_webhook_fares() {
    let (app, project, admin, path) = people::at_webhooks();
    let (good, bad) =
        (receiver::start(), receiver::start_with(Behaviour { status: 500, ..Behaviour::default() }));
    project.webhook(&good.url("/"), json!({ "name": "Till", "all_events": true }));
    project.webhook(&bad.url("/"), json!({ "name": "Desk", "retries": "none", "events": [TYPE] }));
    project.webhook(&good.url("/"), json!({ "name": "Idle", "events": ["voucher.created"] }));
    for _ in 0..3 {
        project.event(TYPE, json!({}));
    }
    app.wait_for("delivered", 3);
    app.wait_for("failed", 3);
    let rows = admin.get(&path).expect(200).page().texts(".webhook");
    for (name, told) in [
        ("Till", "3 of 3 delivered"),
        ("Till", "Last delivery: 200 OK"),
        ("Till", "All events"),
        ("Desk", "0 of 3 delivered"),
        ("Desk", "Last delivery: 500 Internal Server Error"),
        ("Desk", TYPE),
        ("Idle", "Nothing sent in the last 7 days"),
    ] {
        assert!(
            rows.iter().any(|row| row.starts_with(name) && row.contains(told)),
            "{name}: {told} in {rows:?}"
        );
    }
    assert!(!admin.get(&path).expect(200).page().has("[data-rows-search]"), "few need no search");
}

#[test]
fn what_cannot_be_saved_comes_back_as_it_was_typed_with_every_problem() {
    let (_app, _project, admin, path) = people::at_webhooks();
    let form = new_form(&admin, &path)
        .with("target_url", "http://10.0.0.1/x?a=<b>")
        .with("name", &"n".repeat(129))
        .with("timeout_s", "31")
        .with("retries", "own")
        .with("waits", "soon");
    let refused = admin.submit(&path, &form).expect(422).page();
    for field in ["target_url", "name", "timeout_ms", "waits", "events"] {
        assert!(!refused.text(&format!("#{field}-error")).is_empty(), "{field}");
    }
    let again = refused.form(FORM);
    for field in ["target_url", "name", "timeout_s", "retries", "waits"] {
        assert_eq!(again.value(field), form.value(field), "{field}");
    }
    assert!(admin.get(&path).expect(200).page().has(".empty-state"), "nothing was saved");
}

#[test]
fn a_name_that_is_taken_is_refused_at_its_field() {
    let (_app, project, admin, path) = people::at_webhooks();
    project.webhook("http://127.0.0.1:9/", json!({ "name": "Till" }));
    let form = new_form(&admin, &path)
        .with("target_url", "http://127.0.0.1:9/")
        .with("which", "all")
        .with("name", "TILL");
    let refused = admin.submit(&path, &form).expect(422).page();
    assert!(refused.text("#name-error").contains("has this name"));
}

#[test]
fn the_form_of_a_webhook_that_is_saved_untouched_changes_nothing() {
    let (_app, project, admin, path) = people::at_webhooks();
    let settings = json!({ "name": "Till", "description": "two\nlines", "retries": [10, 60], "timeout_ms": 2500, "rate_per_s": 7,
        "body": "flat", "success": "200", "when_used_up": "disable", "events": [TYPE, "voucher.created"] });
    let webhook = project.webhook("http://127.0.0.1:9/x", settings);
    let page = page_of(&path, &webhook);
    let form = admin.get(&page).expect(200).page().form(FORM);
    admin.submit(&page, &form).expect(303);
    let id = webhook["id"].as_str().expect("an id");
    let mut saved = project.api().get(&format!("/v1/webhooks/{id}")).expect(200).json();
    for passing in ["updated_at", "secret"] {
        saved[passing] = webhook[passing].clone();
    }
    assert_eq!(saved, webhook);
}

#[test]
fn pausing_holds_what_waits_and_resuming_sends_or_cancels_it() {
    let (app, project, admin, path) = people::at_webhooks();
    let receiver = receiver::start_with(Behaviour { status: 500, ..Behaviour::default() });
    let webhook = project.webhook(&receiver.url("/"), json!({ "name": "Till" }));
    let page = page_of(&path, &webhook);
    project.event(TYPE, json!({}));
    app.wait_for("retrying", 1);

    admin.post_form(&format!("{page}/pause"), &[]).expect(303);
    let listed = admin.get(&path).expect(200).page();
    assert_eq!(listed.text(".webhook .state"), "Paused");
    assert!(listed.text(".webhook-side").contains("1 held"));
    app.wait_for("held", 1);

    let asked = admin.get(&format!("{page}/resume")).expect(200).page();
    admin.submit(&page, &asked.form("main form").with("held", "send")).expect(303);
    app.wait_until("it went out at once", |app| {
        app.db.count("deliveries where status = 3 and attempt_count = 2") == 1
    });
    assert_eq!(receiver.count(), 2);

    // On the webhook's own page the buttons lead back to it.
    let pause = admin.get(&page).expect(200).page().form("aside form[action$='/pause']");
    assert_eq!(admin.submit(&page, &pause).expect(303).header("location"), Some(page.as_str()));
    app.wait_for("held", 1);
    let aside = admin.get(&page).expect(200).page();
    assert!(aside.text("aside").contains("1 delivery is held"));
    let asked = admin.get(&aside.attribute("aside a[href*='/resume']", "href").expect("a link")).expect(200);
    let resume = asked.page().form("main form").with("held", "cancel");
    assert_eq!(admin.submit(&page, &resume).expect(303).header("location"), Some(page.as_str()));
    app.wait_for("cancelled", 1);
    assert_eq!(receiver.count(), 2);
}

#[test]
fn deleting_names_what_it_cancels_and_keeps_the_history() {
    let (app, project, admin, path) = people::at_webhooks();
    let receiver = receiver::start_with(Behaviour { status: 500, ..Behaviour::default() });
    let webhook = project.webhook(&receiver.url("/"), json!({ "name": "Till" }));
    let page = page_of(&path, &webhook);
    project.event(TYPE, json!({}));
    app.wait_for("retrying", 1);
    let asked = admin.get(&format!("{page}/delete")).expect(200).page();
    assert!(asked.text("main").contains("One delivery that waits for it is cancelled."));
    admin.submit(&page, &asked.form("main form")).expect(303);
    app.wait_for("cancelled", 1);
    admin.get(&page).expect(404);
    assert!(admin.get(&path).expect(200).page().has(".empty-state"));
    let history = admin.get(&format!("/p/{}/history", project.id)).expect(200).page();
    assert!(history.text(".rows tbody tr").contains("Till (deleted)"));
}

#[test]
fn a_webhook_that_its_receiver_ended_says_why_and_when() {
    let (app, project, admin, path) = people::at_webhooks();
    let receiver = receiver::start_with(Behaviour { status: 410, ..Behaviour::default() });
    project.webhook(&receiver.url("/"), json!({}));
    project.event(TYPE, json!({}));
    app.wait_for("failed", 1);
    let listed = admin.get(&path).expect(200).page();
    assert_eq!(listed.text(".webhook .state"), "Disabled");
    assert!(listed.text(".webhook-why").contains("410") && listed.has(".webhook-why time"));
}

#[test]
fn saving_another_field_undoes_no_pause_that_happened_since_the_form_was_opened() {
    let (app, project, admin, path) = people::at_webhooks();
    let receiver = receiver::start_with(Behaviour { status: 500, ..Behaviour::default() });
    let webhook = project.webhook(&receiver.url("/"), json!({ "name": "Till" }));
    let page = page_of(&path, &webhook);
    project.event(TYPE, json!({}));
    app.wait_for("retrying", 1);
    let opened = admin.get(&page).expect(200).page().form(FORM);
    let unreadable = opened.clone().with("timeout_s", "99");
    admin.post_form(&format!("{page}/pause"), &[]).expect(303);

    let refused = admin.submit(&page, &unreadable).expect(422).page().form(FORM);
    admin.submit(&page, &refused.with("timeout_s", "9")).expect(303);
    let saved = admin.get(&page).expect(200).page();
    assert_eq!((saved.text("h1 .state"), saved.form(FORM).value("timeout_s")), ("Paused".into(), Some("9")));
    app.wait_for("held", 1);

    // And none that was resumed since is paused again.
    let opened = admin.get(&page).expect(200).page().form(FORM);
    admin.post_form(&format!("{page}/resume"), &[("held", "cancel")]).expect(303);
    admin.submit(&page, &opened.with("name", "Desk")).expect(303);
    assert_eq!(admin.get(&page).expect(200).page().text("h1 .state"), "Active");
}

#[test]
fn resuming_says_what_became_of_what_was_held() {
    let (app, project, admin, path) = people::at_webhooks();
    let receiver = receiver::start_with(Behaviour { status: 500, ..Behaviour::default() });
    let page = page_of(&path, &project.webhook(&receiver.url("/"), json!({ "name": "Till" })));
    let resumed = || {
        admin.post_form(&format!("{page}/pause"), &[]).expect(303);
        admin.get(&path).expect(200);
        admin.post_form(&format!("{page}/resume"), &[("held", "send")]).expect(303);
        admin.get(&path).expect(200).page().text(".notice[role=status]")
    };
    assert_eq!(resumed(), "Till gets events again.");
    project.event(TYPE, json!({}));
    app.wait_for("retrying", 1);
    assert_eq!(resumed(), "Till gets events again. The delivery that was held goes out now.");
}

#[test]
fn what_was_held_stays_so_when_a_webhook_is_resumed_while_all_are_off() {
    let (app, project, admin, path) = people::at_webhooks();
    let receiver = receiver::start_with(Behaviour { status: 500, ..Behaviour::default() });
    let page = page_of(&path, &project.webhook(&receiver.url("/"), json!({ "name": "Till" })));
    project.event(TYPE, json!({}));
    app.wait_for("retrying", 1);
    admin.post_form(&format!("{page}/pause"), &[]).expect(303);
    project.api().patch("/v1/project", &json!({ "webhooks_enabled": false })).expect(200);
    admin.get(&path).expect(200);
    let asked = admin.get(&format!("{page}/resume")).expect(200).page();
    assert!(
        asked.text(".held-choice").contains("Send it once webhooks are on again"),
        "{}",
        asked.text("main")
    );
    let sent = admin.submit(&page, &asked.form("form[action$='/resume']")).expect(303);
    let said = admin.follow(&sent).expect(200).page().text(".notice[role=status]");
    assert!(
        said.starts_with("Till is active again, but") && said.contains("stays held until then"),
        "{said}"
    );
    // Not even for a moment anything else.
    app.wait_for("held", 1);
    app.dispatch_until_idle();
    assert_eq!(receiver.count(), 1);
    receiver.set(Behaviour::default());
    project.api().patch("/v1/project", &json!({ "webhooks_enabled": true })).expect(200);
    app.wait_for("delivered", 1);
}

#[test]
fn a_name_that_nobody_can_tell_from_another_is_refused() {
    let (_app, _project, admin, path) = people::at_webhooks();
    let form = new_form(&admin, &path).with("target_url", "http://127.0.0.1:9/").with("which", "all");
    let refused = admin.submit(&path, &form.with("name", "Ti\u{200b}ll")).expect(422).page();
    assert!(refused.text("#name-error").contains("nobody sees"));
}

#[test]
fn a_new_webhooks_form_begins_where_it_was_refused() {
    let (_app, _project, admin, path) = people::at_webhooks();
    let begins = |page: crate::support::html::Page| page.attribute("[autofocus]", "name");
    let form = new_form(&admin, &path);
    assert_eq!(begins(admin.get(&format!("{path}/new")).expect(200).page()).as_deref(), Some("target_url"));
    let of_target = admin.submit(&path, &form.clone().with("target_url", "ftp://x/")).expect(422).page();
    assert_eq!(begins(of_target).as_deref(), Some("target_url"));
    let fine = form.with("target_url", "http://127.0.0.1:9/");
    assert_eq!(begins(admin.submit(&path, &fine).expect(422).page()).as_deref(), Some("which"));
    let of_limit = fine.with("which", "all").with("timeout_s", "99");
    assert_eq!(begins(admin.submit(&path, &of_limit).expect(422).page()), None, "the target is faultless");
}
