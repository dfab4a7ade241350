//! The first steps on a project's overview: they tick themselves, in whatever way they are done.
use callout::models::projects::keys;
use callout::models::projects::members::Role;
use callout::models::projects::{self, Project, ProjectName};
use serde_json::json;

use crate::support::app::App;
use crate::support::client::Client;
use crate::support::html::Page;
use crate::support::people;
use crate::support::receiver::{self, Behaviour};

/// A project with nothing in it, and its admin.
fn empty(app: &App) -> (Project, Client, String) {
    let name = ProjectName::new("Spring sale").expect("a name");
    let project = projects::create(&mut app.db.conn(), &name, app.clock.now()).expect("a project");
    let admin = people::member(app, project.id, Role::Admin);
    let path = format!("/p/{}/overview", project.id);
    (project, admin, path)
}

fn overview(browser: &Client, path: &str) -> Page {
    browser.get(path).expect(200).page()
}

/// A webhook made by its form; answers the path of its page.
fn webhook(admin: &Client, project: &Project, target_url: &str, event_type: &str) -> String {
    let list = format!("/p/{}/settings/webhooks", project.id);
    let form = admin.get(&format!("{list}/new")).expect(200).page().form(&format!("form[action='{list}']"));
    let form = form.with("target_url", target_url).with("name", "Till").with("which", "chosen");
    let sent_on = admin.submit(&list, &form.and("events", event_type)).expect(303);
    let made = overview(admin, sent_on.header("location").expect("a place"));
    let test = made.attribute("a[href$='/test']", "href").expect("the way to a test");
    test.trim_end_matches("/test").to_owned()
}

/// A key made by its form: its token, and the command that is shown with it.
fn key(admin: &Client, project: &Project) -> (String, String) {
    let path = format!("/p/{}/settings/keys", project.id);
    let form = admin.get(&path).expect(200).page().form("form[action$='/settings/keys']");
    admin.submit(&path, &form.with("name", "Shop backend")).expect(303);
    let made = admin.get(&path).expect(200).page();
    (made.text("#token"), made.text("#first-event"))
}

/// The event in a command.
fn posted(command: &str) -> serde_json::Value {
    let body = command.split_once("-d '").and_then(|(_, rest)| rest.strip_suffix('\'')).expect("a body");
    serde_json::from_str(body).expect("JSON")
}

fn done(page: &Page) -> usize {
    page.count(".step.is-done")
}

#[test]
fn the_steps_tick_themselves_from_nothing_to_the_first_delivered_event() {
    let app = App::start();
    let receiver = receiver::start();
    let (project, admin, path) = empty(&app);
    let page = overview(&admin, &path);
    assert_eq!((done(&page), page.count(".step"), page.count("#step-action")), (0, 5, 1));
    assert_eq!(page.text(".step.is-current h3"), "Create a webhook");
    assert!(page.has("#first-steps[hx-trigger='every 2s']"));

    let link = page.attribute("#step-action", "href").expect("the way on");
    admin.get(&link).expect(200);
    let edit = webhook(&admin, &project, &receiver.url("/in"), "voucher.created");
    let page = overview(&admin, &path);
    assert_eq!(done(&page), 1);
    assert_eq!(page.text("#step-1-link"), "Till");
    assert_eq!(page.attribute("#step-action", "href"), Some(format!("{edit}/test")));

    let test = format!("{edit}/test");
    receiver.set(Behaviour::status(500));
    let form = || admin.get(&test).expect(200).page().form("#test-form");
    admin.submit(&test, &form()).expect(200);
    let page = overview(&admin, &path);
    assert_eq!((done(&page), page.text(".is-current h3")), (1, "Send a test".to_owned()));
    assert!(page.text(".step.is-current").contains("500 Internal Server Error"));
    receiver.set(Behaviour::default());
    admin.submit(&test, &form()).expect(200);
    let page = overview(&admin, &path);
    assert_eq!((done(&page), page.text(".is-current h3")), (2, "Create an API key".to_owned()));

    let (token, command) = key(&admin, &project);
    let page = overview(&admin, &path);
    assert_eq!((done(&page), page.text("#step-3-link")), (3, "Shop backend".to_owned()));
    let shown = page.text("#command");
    assert!(shown.contains("Bearer $CALLOUT_KEY") && !page.source().contains(&token));
    assert_eq!(shown.replace("$CALLOUT_KEY", &token), command);
    assert_eq!(posted(&command)["type"], "voucher.created", "what the webhook takes");

    receiver.set(Behaviour { delay: std::time::Duration::from_secs(2), ..Behaviour::default() });
    app.client().with_key(&token).post("/v1/events", &posted(&command)).expect(202);
    let page = overview(&admin, &path);
    assert_eq!((done(&page), page.text(".is-current h3")), (4, "See it delivered".to_owned()));
    assert!(page.text("#step-5-delivery").contains("voucher.created to Till"), "on its way");
    app.wait_for("delivered", 2);
    let page = overview(&admin, &path);
    assert!(page.has(".steps-done") && !page.has(".step") && !page.has("#standing [hx-trigger]"));
    assert!(page.has(".summary"));
}

#[test]
fn what_htmx_asks_for_is_the_same_block_and_nothing_while_nothing_changed() {
    let app = App::start();
    let receiver = receiver::start();
    let (project, admin, path) = empty(&app);
    let whole = admin.get(&path).expect(200);
    let asks = whole.page().attribute("#first-steps", "hx-get").expect("it asks again");
    let scripted = admin.clone().by_htmx();
    let part = scripted.get(&path).expect(200);
    assert!(whole.body.contains(part.body.trim()) && part.body.len() < whole.body.len());
    assert_eq!(scripted.get(&asks).expect(204).body, "");
    webhook(&admin, &project, &receiver.url("/in"), "voucher.created");
    let news = scripted.get(&asks).expect(200).page();
    assert_eq!(news.text("#steps-said[hx-swap-oob]"), "1 of 5 first steps done. Next: Send a test.");
    let asks = news.attribute("#first-steps", "hx-get").expect("it asks again");
    scripted.get(&asks).expect(204);
}

#[test]
fn done_steps_are_dismissed_for_everybody_and_for_good() {
    let app = App::start();
    let receiver = receiver::start();
    let (project, admin, path) = empty(&app);
    webhook(&admin, &project, &receiver.url("/in"), "customer.created");
    let (token, command) = key(&admin, &project);
    app.client().with_key(&token).post("/v1/events", &posted(&command)).expect(202);
    app.wait_for("delivered", 1);
    let page = overview(&admin, &path);
    assert!(page.has(".steps-done"), "without a test: what comes later shows that none is needed");
    let viewer = people::member(&app, project.id, Role::Viewer);
    assert!(!overview(&viewer, &path).has("#first-steps") && overview(&viewer, &path).has(".summary"));
    viewer.post_form(&format!("{path}/first-steps/dismiss"), &[]).expect(403);
    let answer = admin.submit(&path, &page.form(".steps-done form")).expect(303);
    let page = admin.follow(&answer).expect(200).page();
    assert!(!page.has("#first-steps") && page.has(".summary"));
    let keys = keys::list(&mut app.db.conn(), project.id).expect("keys");
    keys::revoke(&mut app.db.conn(), project.id, keys[0].id, app.clock.now()).expect("revoke");
    assert!(!overview(&admin, &path).has("#first-steps"));
}

#[test]
fn who_is_no_admin_sees_what_an_admin_would_do() {
    let app = App::start();
    let (project, _, path) = empty(&app);
    for role in [Role::Viewer, Role::Support] {
        let page = overview(&people::member(&app, project.id, role), &path);
        assert_eq!(page.count(".step"), 5);
        assert!(page.text(".step.is-current").contains("An admin of this project does this."));
        assert!(!page.has("#step-action") && !page.has("a[href*='/settings/']"), "{role}");
    }
}

#[test]
fn an_event_that_went_nowhere_or_failed_is_told_so() {
    let app = App::start();
    let receiver = receiver::start_with(Behaviour::status(503));
    let (project, admin, path) = empty(&app);
    let edit = webhook(&admin, &project, &receiver.url("/in"), "voucher.created");
    let (token, _) = key(&admin, &project);
    let program = app.client().with_key(&token);
    let post = |event_type: &str| {
        program.post("/v1/events", &json!({ "type": event_type, "data": {} })).expect(202);
    };
    post("customer.created");
    let page = overview(&admin, &path);
    assert_eq!(page.text(".is-current h3"), "Send a test", "it was left out");
    assert!(page.text(".step:last-child").contains("went to no webhook") && page.has("#step-5-link"));
    receiver.set(Behaviour::default());
    let test = format!("{edit}/test");
    admin.submit(&test, &admin.get(&test).expect(200).page().form("#test-form")).expect(200);
    let page = overview(&admin, &path);
    assert!(
        page.text(".step.is-current").contains("went to no webhook"),
        "{}",
        page.text(".step.is-current")
    );
    let why = page.attribute("#step-5-link", "href").expect("why");
    admin.get(&why).expect(200);
    receiver.set(Behaviour::status(503));
    post("voucher.created");
    app.wait_for("retrying", 1);
    let page = overview(&admin, &path);
    assert!(page.text(".step.is-current").contains("503 Service Unavailable"));
    assert!(page.text(".step.is-current").contains("It is tried again"));
}

#[test]
fn what_became_of_the_first_event_is_told_although_the_test_was_left_out() {
    let app = App::start();
    let receiver = receiver::start_with(Behaviour::status(503));
    let (project, admin, path) = empty(&app);
    webhook(&admin, &project, &receiver.url("/in"), "voucher.created");
    let (token, command) = key(&admin, &project);
    assert!(!overview(&admin, &path).text(".step:last-child").contains("appears here"), "not its turn yet");
    app.client().with_key(&token).post("/v1/events", &posted(&command)).expect(202);
    app.wait_for("retrying", 1);
    let page = overview(&admin, &path);
    assert_eq!((done(&page), page.text(".is-current h3")), (3, "Send a test".to_owned()));
    let told = page.text(".step:last-child");
    assert!(told.contains("503 Service Unavailable") && told.contains("It is tried again"), "{told}");
    admin.get(&page.attribute("#step-5-delivery", "href").expect("the way to it")).expect(200);
}

/// Returns when a delivery that was given up is in the figures.
fn until_counted_as_failed(app: &App) {
    app.wait_until("it is counted", |app| app.db.count("delivery_figures where failed > 0") > 0);
}

#[test]
fn the_summary_counts_what_came_of_the_last_day_without_tests_and_what_waits_now() {
    let app = App::start();
    let receiver = receiver::start();
    let (project, admin, path) = empty(&app);
    let edit = webhook(&admin, &project, &receiver.url("/in"), "voucher.created");
    let (token, _) = key(&admin, &project);
    let program = app.client().with_key(&token);
    let post = || program.post("/v1/events", &json!({ "type": "voucher.created", "data": {} })).expect(202);
    post();
    app.wait_for("delivered", 1);
    app.advance(time::Duration::hours(25));
    receiver.set(Behaviour::status(410));
    let test = format!("{edit}/test");
    admin.submit(&test, &admin.get(&test).expect(200).page().form("#test-form")).expect(200);
    let page = overview(&admin, &path);
    assert_eq!(
        page.texts(".summary-counts .summary-number")[..4],
        ["0", "0", "0", "0"],
        "a day later, and a test"
    );
    assert!(page.text(".summary").contains("1 of 1 active") && !page.has(".told-row"));
    post();
    app.wait_for("failed", 2);
    until_counted_as_failed(&app);
    let page = overview(&admin, &path);
    assert_eq!(page.texts(".summary-counts .summary-number")[..4], ["0", "1", "0", "0"]);
    assert!(page.text(".summary").contains("0 of 1 active") && page.text(".summary").contains("1 disabled"));
    assert_eq!(page.count(".told-row"), 1);
    for link in [".summary-counts a[href*='status=failed']", ".told-row a", ".panel-head a"] {
        admin.get(&page.attribute(link, "href").expect(link)).expect(200);
    }
    let failed = page.attribute(".summary-counts a[href*='status=failed']", "href").expect("a link");
    assert_eq!(admin.get(&failed).expect(200).page().count("tbody tr"), 1, "without the test");
}

#[test]
fn what_is_given_up_today_counts_today_and_what_is_held_counts_at_any_age() {
    let app = App::start();
    let receiver = receiver::start_with(Behaviour::status(503));
    let (project, admin, path) = empty(&app);
    let edit = webhook(&admin, &project, &receiver.url("/in"), "voucher.created");
    let (token, _) = key(&admin, &project);
    let program = app.client().with_key(&token);
    let post = || {
        let event = json!({ "type": "voucher.created", "data": {} });
        program.post("/v1/events", &event).expect(202);
    };
    post();
    app.wait_for("retrying", 1);
    app.db.execute("update projects set first_steps_dismissed_at = now()");
    app.advance(time::Duration::days(5));
    let counts = |wanted: [&str; 4], rows: [usize; 4], why: &str| {
        let page = overview(&admin, &path);
        assert_eq!(
            page.texts(".summary-counts .summary-number")[..4],
            wanted,
            "delivered, failed, under way, held: {why}"
        );
        for (n, (filter, rows)) in ["delivered", "failed", "due", "held"].iter().zip(rows).enumerate() {
            let link = page
                .attribute(&format!(".summary-counts a[href*='status={filter}']"), "href")
                .expect("a link");
            assert_eq!(admin.get(&link).expect(200).page().count("tbody tr"), rows, "{why}: {n}");
        }
        page
    };
    let webhook_id = edit.rsplit('/').next().expect("an id");
    let switch = |active: bool| {
        program.patch(&format!("/v1/webhooks/{webhook_id}"), &json!({ "active": active })).expect(200)
    };
    app.wait_for("retrying", 1);
    app.dispatch_until_idle();
    counts(["0", "0", "1", "0"], [0, 0, 1, 0], "it is still tried");
    switch(false);
    counts(["0", "0", "0", "1"], [0, 0, 0, 1], "paused");
    receiver.set(Behaviour::status(410));
    switch(true);
    app.wait_for("failed", 1);
    until_counted_as_failed(&app);
    let page = counts(["0", "1", "0", "0"], [0, 1, 0, 0], "given up five days after it arrived");
    assert!(page.text(".told-row").contains("given up"));
    app.advance(time::Duration::hours(25));
    let page = counts(["0", "0", "0", "0"], [0, 0, 0, 0], "a day later");
    assert_eq!(page.count(".told-row"), 1, "it is still the newest failure");
}

#[test]
fn what_was_given_up_last_stands_before_what_is_still_tried() {
    let app = App::start();
    let receiver = receiver::start_with(Behaviour::status(503));
    let (project, admin, path) = empty(&app);
    webhook(&admin, &project, &receiver.url("/in"), "voucher.created");
    let (token, _) = key(&admin, &project);
    let program = app.client().with_key(&token);
    app.db.execute("update projects set first_steps_dismissed_at = now()");
    for n in 0..3 {
        let event = json!({ "type": "voucher.created", "data": {} });
        program.post("/v1/events", &event).expect(202);
        app.wait_for("retrying", n + 1);
        app.advance(time::Duration::milliseconds(5));
    }
    // The oldest event was given up last.
    app.db.execute(
        "update deliveries set status = 4, due_at = null, ended_at = case when n = 1 then now() + interval '1 hour' \
         else now() end from (select id as of, row_number() over (order by id) n from deliveries) o \
         where id = of and n < 3",
    );
    let states = overview(&admin, &path).texts(".told-row .state");
    assert_eq!(states, ["Failed", "Failed", "Retrying"]);
    let oldest = app.db.text("select replace(min(id::text), '-', '') from deliveries");
    let first = overview(&admin, &path).attribute(".told-row a", "href").expect("a link");
    assert!(first.ends_with(&oldest), "{first}");
}
