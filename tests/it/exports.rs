//! Exports: the file is the list, whole or recognisably broken off, and nothing in it runs.
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;

use callout::export::AT_ONCE_MAX;
use callout::models::projects::members::Role;
use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::client::Client;
use crate::support::factory::{self, Project};
use crate::support::people;
use crate::support::receiver::{self, Receiver};

const TYPE: &str = "customer.rewarded";

fn started() -> (App, Project, Receiver) {
    let app = App::start();
    let receiver = receiver::start();
    let project = factory::project(&app, "Shop & Söhne");
    project.webhook(&receiver.url("/?key=secret"), json!({ "name": "=1+1, \"x\"" }));
    project.event(TYPE, json!({ "n": 9_007_199_254_740_993_u64 }));
    app.wait_for("delivered", 1);
    (app, project, receiver)
}

/// So many more of the one there is, some in the same millisecond.
fn multiply(app: &App, count: i64) {
    app.db.execute(&format!(
        "insert into deliveries select (d).* from (select jsonb_populate_record(d, jsonb_build_object( \
         'id', (left(d.id::text, 15) || substr(md5(d.id::text || n), 1, 3) || '-8' || substr(md5(d.id::text || n), 4, 3) || '-' || \
                substr(md5(d.id::text || n), 7, 12))::uuid, \
         'status', case when n % 3 = 0 then 4 else 2 end)) d from deliveries d, generate_series(1, {count}) n) made"
    ));
}

/// Every page of the list, put together.
fn listed(api: &Client, query: &str) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = api.get(&format!("/v1/deliveries?limit=250{query}{cursor}")).expect(200).json();
        all.extend(page["data"].as_array().expect("a list").iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

/// A strict reader of RFC 4180: panics at whatever is not.
fn read_csv(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut value, mut rest) =
        (Vec::new(), Vec::new(), String::new(), text.chars().peekable());
    while rest.peek().is_some() {
        if rest.peek() == Some(&'"') {
            rest.next();
            loop {
                match rest.next().expect("the quotes end") {
                    '"' if rest.peek() == Some(&'"') => value.push(rest.next().expect("a quote")),
                    '"' => break,
                    c => value.push(c),
                }
            }
        } else {
            while let Some(c) = rest.next_if(|c| !matches!(c, ',' | '\r')) {
                assert!(!matches!(c, '"' | '\n'), "{c:?} outside of quotes");
                value.push(c);
            }
        }
        row.push(std::mem::take(&mut value));
        match rest.next().expect("a line ends with CR LF") {
            ',' => {}
            '\r' => {
                assert_eq!(rest.next(), Some('\n'));
                rows.push(std::mem::take(&mut row));
            }
            c => panic!("{c:?} after a value"),
        }
    }
    assert!(row.is_empty());
    rows
}

#[test]
fn an_export_is_the_pages_of_the_list_put_together() {
    let (app, project, _receiver) = started();
    multiply(&app, 3_500);
    let other = factory::project(&app, "Other");
    for query in ["", "&status=failed", "&status=failed,delivered&attempts=1", "&q=nothing"] {
        let list = listed(project.api(), query);
        let ndjson = project.api().get(&format!("/v1/deliveries/export?format=ndjson{query}")).expect(200);
        assert_eq!(ndjson.header("content-type"), Some("application/x-ndjson"));
        let lines: Vec<Value> =
            ndjson.body.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(lines, list, "{query}");
        let csv = project.api().get(&format!("/v1/deliveries/export?columns=id,status{query}")).expect(200);
        let rows = read_csv(&csv.body);
        assert_eq!(rows[0], ["id", "status"]);
        let told: Vec<[&str; 2]> = list
            .iter()
            .map(|one| [one["id"].as_str().expect("an id"), one["status"].as_str().expect("a status")])
            .collect();
        assert!(rows[1..].iter().map(|row| [row[0].as_str(), row[1].as_str()]).eq(told), "{query}");
    }
    assert_eq!(other.api().get("/v1/deliveries/export?format=ndjson").expect(200).body, "");
}

#[test]
fn a_value_that_a_spreadsheet_would_run_begins_with_an_apostrophe() {
    let (app, project, _receiver) = started();
    let viewer = people::member(&app, project.id, Role::Viewer);
    let file = viewer.get(&format!("/p/{}/history/export/file?format=csv", project.id)).expect(200);
    assert_eq!(file.header("content-type"), Some("text/csv; charset=utf-8"));
    let name = file.header("content-disposition").expect("a name");
    assert!(name.starts_with("attachment; filename=\"deliveries-shop-s-hne-2"), "{name}");
    let rows = read_csv(&file.body);
    let at = |name: &str| rows[0].iter().position(|column| column == name).expect("a column");
    assert_eq!(rows[1][at("webhook")], "'=1+1, \"x\"");
    assert!(!rows[1][at("target_url")].contains("secret"), "as in the history");
    let admin = people::member(&app, project.id, Role::Admin);
    let file = admin.get(&format!("/p/{}/history/export/file?status=delivered", project.id)).expect(200);
    assert!(file.body.contains("?key=secret"), "{}", file.body);
    assert!(file.header("content-disposition").is_some_and(|name| name.contains("-delivered.csv")));
}

#[test]
fn ndjson_has_data_digit_for_digit_and_attempts_for_who_may_read_them() {
    let (app, project, _receiver) = started();
    let line = |browser: &Client| -> Value {
        let path = format!("/p/{}/history/export/file?format=ndjson&data=1&with_attempts=1", project.id);
        let body = browser.get(&path).expect(200).body;
        assert_eq!(body.lines().count(), 1);
        serde_json::from_str(&body).expect("JSON")
    };
    let support = line(&people::member(&app, project.id, Role::Support));
    assert_eq!(support["data"]["n"], json!(9_007_199_254_740_993_u64));
    assert_eq!(support["attempts"][0]["response_status"], 200);
    assert!(!support.to_string().contains("secret"), "{support}");
    let viewer = line(&people::member(&app, project.id, Role::Viewer));
    assert!(viewer.get("data").is_none(), "{viewer}");
    let api = project.api().get("/v1/deliveries/export?format=ndjson&include=data,attempts").expect(200);
    assert!(api.body.contains("9007199254740993") && api.body.contains("secret"), "{}", api.body);
    project.api().get("/v1/deliveries/export?include=bodies").expect(422);
    project.api().get("/v1/deliveries/export?limit=5").expect(422);
}

#[test]
fn whoever_sees_personal_data_masked_gets_a_masked_file_and_is_told() {
    let (app, project, _receiver) = started();
    project.event(TYPE, json!({ "customer": { "email": "ada.lovelace@example.com" } }));
    let path = format!("/p/{}/history/export", project.id);
    let support = people::member(&app, project.id, Role::Support);
    let file = support.get(&format!("{path}/file?format=ndjson&data=1&with_attempts=1")).expect(200).body;
    assert_eq!(file.lines().count(), 2);
    assert!(file.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{file}");
    assert!(!file.contains("lovelace") && file.contains('•'), "{file}");
    assert!(
        support.get(&path).expect(200).page().text("form[data-export]").contains("is masked in the file")
    );
    let admin = people::member(&app, project.id, Role::Admin);
    let file = admin.get(&format!("{path}/file?format=ndjson&data=1")).expect(200).body;
    assert!(file.contains("ada.lovelace@example.com"), "{file}");
    assert!(!admin.get(&path).expect(200).page().text("form[data-export]").contains("masked"));
}

/// Begins an export and reads none of it.
fn begun(app: &App, project: &Project) -> TcpStream {
    let mut stream = TcpStream::connect(app.address).expect("connect");
    let head = format!(
        "GET /v1/deliveries/export?format=ndjson&include=data HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n",
        project.token
    );
    stream.write_all(head.as_bytes()).expect("send");
    let mut first = [0; 12];
    stream.read_exact(&mut first).expect("an answer");
    assert_eq!(&first, b"HTTP/1.1 200");
    stream
}

/// More than sockets hold: nobody who does not read lets it end.
fn large() -> (App, Project, Receiver) {
    let (app, project, receiver) = started();
    project.event(TYPE, json!({ "text": "x".repeat(200_000) }));
    app.wait_for("delivered", 2);
    multiply(&app, 100);
    (app, project, receiver)
}

#[test]
fn a_few_exports_run_at_a_time_and_one_whose_reader_left_makes_room() {
    let (app, project, _receiver) = large();
    let mut readers: Vec<TcpStream> = (0..AT_ONCE_MAX).map(|_| begun(&app, &project)).collect();
    let refused = project.api().get("/v1/deliveries/export").expect(503);
    assert!(refused.body.contains("exports are being written already"), "{}", refused.body);
    let viewer = people::member(&app, project.id, Role::Viewer);
    let file = format!("/p/{}/history/export/file", project.id);
    let back = viewer.get(&file).expect(303);
    assert!(viewer.follow(&back).page().text(".toasts").contains("Try again when one is done"));
    readers.pop();
    app.wait_until("there is room", |_| project.api().get("/v1/deliveries/export?columns=id").status == 200);
}

#[test]
fn an_export_that_cannot_go_on_breaks_the_connection_off() {
    let (app, project, _receiver) = large();
    let mut reader = begun(&app, &project);
    app.db.execute("alter table events rename to events_away");
    let mut rest = Vec::new();
    let read = reader.read_to_end(&mut rest);
    assert!(read.is_err() || !rest.ends_with(b"\r\n0\r\n\r\n"), "it looks whole");
    app.db.execute("alter table events_away rename to events");
}

#[test]
fn what_arrives_meanwhile_is_left_out_and_nothing_is_there_twice() {
    let (app, project, _receiver) = large();
    let before: BTreeSet<String> =
        listed(project.api(), "").iter().map(|one| one["id"].as_str().expect("an id").to_owned()).collect();
    let mut reader = begun(&app, &project);
    app.advance(time::Duration::seconds(1));
    for n in 0..5 {
        project.event(TYPE, json!({ "later": n }));
    }
    let mut text = String::new();
    reader.set_read_timeout(Some(std::time::Duration::from_secs(60))).expect("a time limit");
    let mut bytes = [0; 64 * 1024];
    while !text.ends_with("\r\n0\r\n\r\n") {
        let count = reader.read(&mut bytes).expect("more");
        assert!(count > 0, "it ended before its end");
        text.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
    let ids: Vec<&str> = text.match_indices("{\"id\":\"whs_").map(|(at, _)| &text[at + 7..at + 43]).collect();
    let after: BTreeSet<String> = ids.iter().map(|id| (*id).to_owned()).collect();
    assert_eq!((ids.len(), after), (before.len(), before));
}

#[test]
fn its_page_counts_first_and_tells_how_far_it_came() {
    let (app, project, _receiver) = started();
    multiply(&app, 20);
    let viewer = people::member(&app, project.id, Role::Viewer);
    let history = format!("/p/{}/history", project.id);
    let list = viewer.get(&format!("{history}?status=delivered&saved=view_x")).expect(200).page();
    let link = list.attribute("#export", "href").expect("a link");
    assert_eq!(link, format!("{history}/export?status=delivered"));
    let page = viewer.get(&link).expect(200).page();
    assert_eq!(page.text(".replay-count"), "15 deliveries match.");
    assert_eq!((page.count("#data"), page.count("#with-attempts")), (0, 1), "a viewer has no data");
    let again = page.attribute("form[data-export]", "data-export").expect("where progress is told");
    viewer.clone().by_htmx().get(&again).expect(204);
    let export = page.attribute("input[name=export]", "value").expect("a name");
    let file = viewer.get(&format!("{history}/export/file?status=delivered&export={export}"));
    assert_eq!(read_csv(&file.expect(200).body).len(), 16);
    let told = viewer.clone().by_htmx().get(&again).expect(200).page();
    assert_eq!(told.attribute("#export-progress", "data-standing").as_deref(), Some("done"));
    assert!(told.text("#export-progress").contains("15 of 15 written"), "{}", told.text("#export-progress"));
    // Nobody else's business.
    let support = people::member(&app, project.id, Role::Support);
    support.clone().by_htmx().get(&again).expect(204);
    let none = viewer.get(&format!("{history}/export?status=held")).expect(200).page();
    assert!(none.has(".export-none"));
}

#[test]
fn an_export_is_cancelled_by_who_began_it() {
    let (app, project, _receiver) = large();
    let admin = people::member(&app, project.id, Role::Admin);
    let path = format!("/p/{}/history/export", project.id);
    let export = "exp_0193b0e0000070008000000000000000";
    let cookies = admin.cookie_header();
    let mut stream = TcpStream::connect(app.address).expect("connect");
    let head = format!(
        "GET {path}/file?format=ndjson&data=1&export={export} HTTP/1.1\r\nhost: x\r\ncookie: {cookies}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("send");
    let mut first = [0; 12];
    stream.read_exact(&mut first).expect("an answer");
    let support = people::member(&app, project.id, Role::Support);
    support.post_form(&format!("{path}/cancel"), &[("export", export)]).expect(303);
    let standing = || {
        let told = admin.clone().by_htmx().get(&format!("{path}?export={export}")).expect(200).page();
        told.attribute("#export-progress", "data-standing").expect("a standing")
    };
    assert_eq!(standing(), "running", "nobody else ends it");
    admin.post_form(&format!("{path}/cancel"), &[("export", export)]).expect(303);
    let mut rest = Vec::new();
    let read = stream.read_to_end(&mut rest);
    assert!(read.is_err() || !rest.ends_with(b"\r\n0\r\n\r\n"), "it looks whole");
    app.wait_until("it is ended", |_| standing() == "cancelled");
}
