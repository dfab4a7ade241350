//! Who may reveal personal data, for how long, and that it is written down.
use callout::models::projects::members::Role;
use serde_json::json;
use time::Duration;

use crate::support::app::App;
use crate::support::client::Client;
use crate::support::factory::{self, Project};
use crate::support::people;

const MAIL: &str = "amina.haddad@mail.example";
const MASKED: &str = "a•••@m•••.example";

fn started() -> (App, Project, Client, String) {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let support = people::member(&app, project.id, Role::Support);
    let posted = project.event("customer.rewarded", json!({ "customer": { "email": MAIL } }));
    let path = format!("/p/{}/events/{}", project.id, posted["id"].as_str().expect("an id"));
    (app, project, support, path)
}

fn reveal(client: &Client, project: &Project, reason: &str) -> u16 {
    client.post_form(&format!("/p/{}/reveal", project.id), &[("reason", reason)]).status
}

fn sees(client: &Client, path: &str) -> bool {
    let answer = client.get(path).expect(200);
    let (plain, masked) = (answer.body.contains(MAIL), answer.body.contains(MASKED));
    assert_ne!(plain, masked, "{path}");
    plain
}

#[test]
fn what_was_revealed_is_seen_for_fifteen_minutes_and_not_longer() {
    let (app, project, support, path) = started();
    assert!(!sees(&support, &path));
    let link = support.get(&path).page().attribute("#masked a", "href").expect("a link");
    let asked = support.get(&link).expect(200).page().form("form.narrow");
    let gone = support.submit(&link, &asked.with("reason", "Ticket 4711")).expect(303);
    assert_eq!(gone.header("location"), Some(path.as_str()));
    assert!(sees(&support, &path));
    let page = support.get(&path).page();
    assert!(page.text("#revealed").contains("for 15 minutes more"), "{}", page.text("#revealed"));
    app.advance(Duration::minutes(14));
    assert!(sees(&support, &path));
    assert!(
        support.get(&format!("/p/{}/history", project.id)).page().text("#revealed").contains("1 minute more")
    );
    app.advance(Duration::minutes(1));
    assert!(!sees(&support, &path) && !support.get(&path).page().has("#revealed"));
}

#[test]
fn a_reveal_needs_a_reason_and_keeps_what_was_typed() {
    let (_app, project, support, path) = started();
    let link = format!("/p/{}/reveal", project.id);
    for (reason, message) in
        [("", "Say why"), ("  ", "Say why"), ("abc", "at least 5"), (&"x".repeat(501), "At most 500")]
    {
        let refused = support.post_form(&link, &[("reason", reason), ("next", &path)]).expect(422).page();
        assert!(refused.text("#reason-error").contains(message), "{reason}");
        assert_eq!(refused.text("#reason").trim(), reason.trim());
        assert_eq!(refused.form("form.narrow").value("next"), Some(path.as_str()));
        assert!(!sees(&support, &path));
    }
}

#[test]
fn a_reveal_is_of_one_person_in_one_project_and_ends_when_it_is_ended() {
    let (app, project, support, path) = started();
    let viewer = people::member(&app, project.id, Role::Viewer);
    assert_eq!(reveal(&viewer, &project, "I am curious"), 403);
    let other = factory::project(&app, "Other");
    let mo = people::person(&app, "mo@example.com", "Mo Two", false);
    for (id, role) in [(project.id, Role::Support), (other.id, Role::Support)] {
        let now = app.clock.now();
        callout::models::projects::members::set(&mut app.db.conn(), id, mo.id, role, now).expect("a role");
    }
    let mo = people::signed_in(&app, "mo@example.com", people::PASSWORD);
    assert_eq!(reveal(&mo, &other, "Ticket 4711"), 303);
    assert!(!sees(&mo, &path) && !sees(&support, &path));
    assert_eq!(reveal(&support, &project, "Ticket 4712"), 303);
    assert!(sees(&support, &path) && !sees(&mo, &path));
    let form = support.get(&path).page().form("#revealed form");
    let back = support.submit(&path, &form).expect(303);
    assert_eq!(back.header("location"), Some(path.as_str()));
    assert!(!sees(&support, &path));
}

#[test]
fn who_is_no_longer_support_sees_nothing_more() {
    let (app, project, support, _) = started();
    assert_eq!(reveal(&support, &project, "Ticket 4711"), 303);
    let id = app.db.text("select id::text from users where email = 'support@example.com'");
    let user = callout::base::ids::UserId(id.parse().expect("an id"));
    let now = app.clock.now();
    callout::models::projects::members::set(&mut app.db.conn(), project.id, user, Role::Viewer, now)
        .expect("a role");
    assert!(!support.get(&format!("/p/{}/history", project.id)).expect(200).page().has("#revealed"));
}

#[test]
fn reveals_and_what_was_opened_meanwhile_are_in_the_audit_log_without_personal_data() {
    let (app, project, support, path) = started();
    sees(&support, &path);
    reveal(&support, &project, &format!("{MAIL} asked for their data"));
    // Lines of the same moment are in no order.
    app.advance(Duration::seconds(1));
    sees(&support, &path);
    sees(&support, &format!("{path}?view=raw"));
    app.advance(Duration::seconds(1));
    support.post_form(&format!("/p/{}/reveal/end", project.id), &[]).expect(303);
    let lines = app.db.text("select string_agg(action || ' ' || detail, '; ' order by id) from audit");
    assert_eq!(lines, format!("reveal.begun {MASKED} asked for their data; record.viewed ; reveal.ended "));
    let event = path.rsplit('/').next().expect("an id");
    assert_eq!(app.db.count(&format!("audit where subject = '{event}' and user_id is not null")), 1);
    assert_eq!(app.db.count(&format!("reveals where reason like '%{MAIL}%'")), 0);
}
