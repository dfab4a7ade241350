//! The sample data: loaded and removed in the pages, complete in itself, and nobody else's matter.
use callout::models::projects::keys;
use callout::models::sample;
use callout::rules::signing::{self, Secret};
use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::client::Client;
use crate::support::factory;
use crate::support::people;
use crate::support::receiver;

fn load(owner: &Client) -> String {
    let form = owner.get("/").expect(200).page().form("form[action='/sample']");
    let answer = owner.submit("/", &form).expect(303);
    let overview = answer.header("location").expect("a location").to_owned();
    let page = owner.follow(&answer).expect(200).page();
    assert!(page.has(".sample-banner") && !page.has("#first-steps"));
    overview.trim_start_matches("/p/").trim_end_matches("/overview").to_owned()
}

fn remove(owner: &Client) {
    let form = owner.get("/sample/remove").expect(200).page().form("form[action='/sample/remove']");
    let answer = owner.submit("/sample/remove", &form).expect(303);
    assert_eq!(answer.header("location"), Some("/"));
}

/// Every table with rows of a project, and one text for all its rows of this one. What a version counts is left out.
fn rows_of(app: &App, id: &str) -> Vec<String> {
    let tables = app.db.texts(
        "select c.table_name from information_schema.columns c join pg_class p on p.relname = c.table_name \
         where c.column_name = 'project_id' and c.table_schema = 'public' and not p.relispartition \
         order by c.table_name",
    );
    assert!(tables.len() > 6, "{tables:?}");
    let of = |table: &String| {
        let rows = format!("{table} where project_id = '{id}'::uuid");
        let row = "t::text";
        let digest = app.db.text(&format!(
            "select md5(coalesce(string_agg({row}, ',' order by {row}), '')) from {table} t where project_id = '{id}'::uuid"
        ));
        format!("{table} {} {digest}", app.db.count(&rows))
    };
    tables.iter().map(of).collect()
}

fn uuid_of(id: &str) -> String {
    id.rsplit('_').next().unwrap_or_default().to_owned()
}

#[test]
fn a_loaded_sample_has_a_month_of_history_in_every_state_that_stays() {
    let app = App::start();
    let owner = people::owner(&app);
    let id = load(&owner);
    let events = app.db.count("events");
    assert!((3_000..=6_000).contains(&events), "{events}");
    for (status, least) in [(2, 3_000), (3, 5), (4, 40), (5, 5), (6, 1)] {
        let count = app.db.count(&format!("deliveries where status = {status}"));
        assert!(count >= least, "status {status}: {count}");
    }
    for status in ["delivered", "retrying", "failed", "held", "cancelled"] {
        let page = owner.get(&format!("/p/{id}/history?status={status}")).expect(200).page();
        assert!(page.has("a[href*='/history/whs_']"), "{status}");
    }
    let kinds = app.db.texts("select distinct failure_kind from attempts where failure_kind is not null");
    // Timeout, name, connection, TLS, reset, status, interrupted.
    for kind in ["0", "1", "2", "3", "5", "6", "8"] {
        assert!(kinds.iter().any(|found| found == kind), "kind {kind} in {kinds:?}");
    }
    for status in [404, 410, 429, 500, 502, 503] {
        assert!(app.db.count(&format!("attempts where response_status = {status}")) > 0, "{status}");
    }
    assert!(app.db.count("deliveries where status = 2 and retries_used > 0") > 50, "retried, then delivered");
    for reason in ["paused", "disabled"] {
        assert!(app.db.count(&format!("events where skipped like '%{reason}%'")) > 50, "{reason}");
    }
    assert_eq!(
        app.db.count("events_older") + app.db.count("deliveries_older") + app.db.count("attempts_older"),
        0
    );
    assert_eq!(
        app.db.count("deliveries where status in (0, 1) or due_at <= '2026-11-21 12:00Z'"),
        0,
        "nothing at once"
    );
    let days = app.db.text("select count(distinct tableoid) from events");
    assert_eq!(days, "29");
}

#[test]
fn what_the_sample_tells_agrees_with_itself() {
    let app = App::start();
    let id = load(&people::owner(&app));
    let broken = [
        "deliveries d where attempt_count <> (select count(*) from attempts a where a.delivery_id = d.id)",
        "deliveries d where not exists (select 1 from events e where e.id = d.event_id)",
        "events e where deliveries <> (select count(*) from deliveries d where d.event_id = e.id)",
        "deliveries where status in (2, 4, 6) and ended_at is null or status in (3, 5) and ended_at is not null",
        "deliveries where status = 3 and due_at is null or status = 5 and due_at is not null",
        "deliveries where status = 2 and last_failure_kind is not null",
        "attempts a join deliveries d on d.id = a.delivery_id where a.started_at > '2026-11-21 12:00Z' \
           or a.started_at < to_timestamp((('x' || left(replace(d.id::text, '-', ''), 12))::bit(48)::bigint - 1) / 1000.0)",
        "external_ids x where not exists (select 1 from events e where e.id = x.event_id and e.external_id = x.external_id)",
    ];
    for condition in broken {
        assert_eq!(app.db.count(condition), 0, "{condition}");
    }
    assert!(app.db.count("external_ids") > 100);
    assert!(app.db.count("(select group_id from events group by group_id having count(*) > 1) g") > 300);

    // The newest delivery of every webhook is signed as a real one is.
    let key = app.parts.key.clone();
    let api = api_of(&app, &id);
    let webhooks = api.get("/v1/webhooks").expect(200).json();
    assert_eq!(webhooks["data"].as_array().map(Vec::len), Some(7));
    for webhook in webhooks["data"].as_array().into_iter().flatten() {
        let id = webhook["id"].as_str().expect("an id");
        let newest = api.get(&format!("/v1/deliveries?webhook_id={id}&limit=1")).expect(200).json();
        let id_of = newest["data"][0]["id"].as_str().expect("a delivery").to_owned();
        let delivery = api.get(&format!("/v1/deliveries/{id_of}")).expect(200).json();
        let secret = secret_of(&app, &key, &uuid_of(id));
        let Some(attempt) = delivery["attempts"].as_array().and_then(|list| list.last()) else { continue };
        assert_signed(&secret, &attempt["request"]);
    }
}

fn api_of(app: &App, id: &str) -> Client {
    let project: callout::base::ids::ProjectId = id.parse().expect("an id");
    let all = &keys::Scope::ALL;
    let made = keys::create(&mut app.db.conn(), project, "look", all, app.clock.now());
    app.client().with_key(&made.expect("a key").1)
}

#[test]
fn a_month_is_paged_through_from_the_newest_to_the_oldest() {
    let app = App::start();
    let api = api_of(&app, &load(&people::owner(&app)));
    for (what, table, all) in [
        ("deliveries?limit=100", "deliveries", true),
        ("deliveries?limit=100&status=failed&status=retrying", "deliveries where status in (3, 4)", true),
        ("events?limit=100", "events", true),
        ("deliveries?limit=7&status=held", "deliveries where status = 5", true),
        ("deliveries?limit=100&since=2026-11-15T00:00:00Z", "deliveries", false),
    ] {
        let (mut seen, mut next) = (Vec::new(), format!("/v1/{what}"));
        loop {
            let page = api.get(&next).expect(200).json();
            let ids = page["data"].as_array().expect("a list").iter();
            seen.extend(ids.map(|one| uuid_of(one["id"].as_str().expect("an id"))));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            next = format!("/v1/{what}&cursor={cursor}");
        }
        assert!(seen.windows(2).all(|two| two[0] > two[1]), "{what}: each once, newest first");
        if all {
            assert_eq!(seen.len() as i64, app.db.count(table), "{what}");
        } else {
            assert!((seen.len() as i64) < app.db.count(table) && seen.len() > 100, "{what}: {}", seen.len());
        }
    }
}

fn secret_of(app: &App, key: &callout::base::seal::SealKey, webhook: &str) -> Secret {
    let row = app.db.text(&format!(
        "select id::text || ' ' || encode(sealed, 'hex') from webhook_secrets where webhook_id = '{webhook}'::uuid"
    ));
    let (id, sealed) = row.split_once(' ').expect("two");
    let id = uuid::Uuid::parse_str(id).expect("an id");
    let sealed: Vec<u8> = (0..sealed.len() / 2)
        .map(|n| u8::from_str_radix(&sealed[2 * n..2 * n + 2], 16).expect("hex"))
        .collect();
    let open = key.open(&sealed, id.as_bytes()).expect("our key");
    Secret::parse(std::str::from_utf8(&open).expect("text")).expect("a secret")
}

fn assert_signed(secret: &Secret, request: &Value) {
    let header = |name: &str| {
        let value = &request["headers"][name];
        value.as_str().unwrap_or_else(|| panic!("{name} in {request}")).to_owned()
    };
    let body = request["body"].as_str().expect("a body");
    let timestamp: i64 = header("webhook-timestamp").parse().expect("a number");
    let expected = signing::sign([secret], &header("webhook-id"), timestamp, &[body.as_bytes()]);
    assert_eq!(header("webhook-signature"), expected);
    assert_eq!(header("content-length"), body.len().to_string());
}

#[test]
fn loading_twice_leads_to_the_one_sample_there_is() {
    let app = App::start();
    let owner = people::owner(&app);
    let id = load(&owner);
    assert!(!owner.get("/").expect(200).page().has("form[action='/sample']"), "it is there already");
    let events = app.db.count("events");
    let again = owner.post_form("/sample", &[]).expect(303);
    assert_eq!(again.header("location"), Some(format!("/p/{id}/overview").as_str()));
    assert_eq!((app.db.count("projects"), app.db.count("events")), (1, events));
}

#[test]
fn however_many_load_at_once_make_one_sample_and_its_days() {
    let app = App::start();
    people::owner(&app);
    let outcomes: Vec<String> = std::thread::scope(|scope| {
        let load = || {
            let owner = people::signed_in(&app, "olive@example.com", people::PASSWORD);
            let answer = owner.post_form("/sample", &[]).expect(303);
            answer.header("location").expect("a location").to_owned()
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(load)).collect();
        threads.into_iter().map(|thread| thread.join().expect("an answer")).collect()
    });
    assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]), "{outcomes:?}");
    assert_eq!(app.db.count("projects"), 1);
    assert_eq!(app.db.count("events_older") + app.db.count("deliveries_older"), 0);
}

#[test]
fn a_removal_that_was_cut_short_is_finished_by_the_next_load() {
    let app = App::start();
    let owner = people::owner(&app);
    let first = load(&owner);
    let events = app.db.count("events");
    // As a kill would have left it: begun, some of it gone.
    let (conn, now) = (&mut app.db.conn(), app.clock.now());
    let found = sample::stop(conn, now).expect("stop").expect("a sample");
    assert!(sample::forget_some(conn, found).expect("forget") > 0);
    let second = load(&owner);
    assert_ne!(first, second);
    assert_eq!((app.db.count("projects"), app.db.count("sample_projects")), (1, 1));
    assert!(app.db.count("events") > events / 2, "a whole one: {}", app.db.count("events"));
    assert_eq!(app.db.count(&format!("deliveries where project_id <> '{}'::uuid", uuid_of(&second))), 0);
}

#[test]
fn a_removal_that_was_cut_short_is_told_so_and_finished_by_the_next_start() {
    let mut app = App::start();
    let owner = people::owner(&app);
    let id = load(&owner);
    let (conn, now) = (&mut app.db.conn(), app.clock.now());
    let found = sample::stop(conn, now).expect("stop").expect("a sample");
    assert!(sample::forget_some(conn, found).expect("forget") > 0);
    let page = owner.get(&format!("/p/{id}/overview")).expect(200).page();
    assert!(page.text(".sample-banner").contains("being removed") && !page.has("a[href='/sample/remove']"));
    let settings = owner.get(&format!("/p/{id}/settings/general")).expect(200).page();
    assert!(settings.text("main").contains("It is being removed."));
    app.restart();
    app.wait_until("nothing is left of it", |app| {
        ["projects", "events", "deliveries", "attempts"].iter().all(|table| app.db.count(table) == 0)
    });
    for table in rows_of(&app, &uuid_of(&id)) {
        assert!(table.contains(" 0 "), "{table}");
    }
    // One that nobody removes is there after a start.
    let owner = people::signed_in(&app, "olive@example.com", people::PASSWORD);
    load(&owner);
    app.restart();
    app.dispatch_until_idle();
    assert_eq!(app.db.count("sample_projects where removal_began_at is null"), 1);
}

#[test]
fn removing_the_sample_leaves_nothing_of_it_and_everything_of_others() {
    let (app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Larkspur & Vale");
    project.webhook(&receiver.url("/"), json!({ "name": "mine" }));
    project.event("customer.rewarded", json!({ "customer": { "id": "cust_1" } }));
    project.post_event(&json!({ "type": "customer.rewarded", "data": {}, "id": "mine-1" })).expect(202);
    app.wait_for("delivered", 2);
    let owner = people::owner(&app);
    people::member(&app, project.id, callout::models::projects::Role::Support);
    let mine = uuid_of(&project.id.to_string());
    let counted = "(select from delivery_figures where grain = 60 having sum(delivered_first) = 2) c";
    app.wait_until("they are counted", |app| app.db.count(counted) > 0);
    let before = (rows_of(&app, &mine), app.db.count("users"), app.db.count("sessions"));

    let id = load(&owner);
    assert_eq!(
        app.db.text("select name from projects where name <> 'Larkspur & Vale'"),
        "Larkspur & Vale (sample)"
    );
    // Things that came after it was loaded go too.
    people::person(&app, "guest@example.com", "Gus Guest", false);
    remove(&owner);
    for table in rows_of(&app, &uuid_of(&id)) {
        assert!(table.contains(" 0 "), "{table}");
    }
    app.db.execute("delete from users where email = 'guest@example.com'");
    assert_eq!((rows_of(&app, &mine), app.db.count("users"), app.db.count("sessions")), before);
    assert_eq!(app.db.texts("select name from projects"), ["Larkspur & Vale"]);
    owner.get(&format!("/p/{id}/overview")).expect(404);
    // And it can be had again.
    load(&owner);
}

#[test]
fn the_webhooks_of_a_removed_sample_are_sent_to_no_more() {
    let (app, receiver) = (App::start(), receiver::start());
    let owner = people::owner(&app);
    load(&owner);
    let found = sample::find(&mut app.db.conn()).expect("the mark").expect("a sample");
    let port = receiver.addr().port();
    let changed = sample::aim(&mut app.db.conn(), found, port, &app.parts.key, app.clock.now()).expect("aim");
    assert_eq!(changed, 7);
    app.advance(time::Duration::hours(1));
    app.wait_until("retries reach the receiver", |_| receiver.count() > 0);
    app.dispatch_until_idle();
    let waiting = app.db.count("deliveries where status in (3, 5)");
    assert!(waiting > 0);
    remove(&owner);
    let before = receiver.count();
    app.advance(time::Duration::days(3));
    app.dispatch_until_idle();
    assert_eq!(receiver.count(), before);
}

#[test]
fn only_an_owner_is_offered_to_load_or_remove_the_sample() {
    let app = App::start();
    let owner = people::owner(&app);
    let empty = owner.get("/").expect(200).page();
    assert!(empty.has("form[action='/sample'] .btn-primary"), "prominent while there is nothing else");
    let id = load(&owner);
    let admin = people::member(&app, id.parse().expect("an id"), callout::models::projects::Role::Admin);
    for page in ["overview", "settings/general"] {
        let path = format!("/p/{id}/{page}");
        assert!(owner.get(&path).expect(200).page().has("a[href='/sample/remove']"), "{page}");
        assert!(!admin.get(&path).expect(200).page().has("a[href='/sample/remove']"), "{page}");
    }
    assert!(admin.get(&format!("/p/{id}/overview")).expect(200).page().has(".sample-banner"));
    admin.get("/sample/remove").expect(403);
    admin.post_form("/sample", &[]).expect(403);
    let other = factory::project(&app, "Other");
    assert!(!owner.get(&format!("/p/{}/overview", other.id)).expect(200).page().has(".sample-banner"));
    let nothing = owner.post_form("/sample/remove", &[]).expect(303);
    assert_eq!(nothing.header("location"), Some("/"));
    let nothing = owner.get("/sample/remove").expect(303);
    assert_eq!(nothing.header("location"), Some("/"), "it is gone");
}
