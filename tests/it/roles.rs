//! Every route of the table, for everybody: who may, and what the others are told. New routes are covered as they
//! come; a new kind of placeholder in a path has to be explained to [`Place::fill`].
use std::collections::BTreeMap;

use callout::models::projects::keys::{self, Scope};
use callout::models::projects::members::Role;
use callout::routes::{Access, ROUTES, Route};
use serde_json::json;

use crate::support::app::App;
use crate::support::client::{Answer, Client};
use crate::support::factory;
use crate::support::people::{self, PASSWORD};
use crate::support::place::{Place, names_a_thing};
use crate::support::problems::problem;

fn is_of_the_api(route: &Route) -> bool {
    matches!(route.access, Access::Key(_))
}

fn sent(client: &Client, route: &Route, path: &str) -> Answer {
    let method = route.method.to_uppercase();
    if is_of_the_api(route) {
        return client.send(&method, path, &[("content-type", "application/json")], b"");
    }
    match route.method {
        "get" => client.get(path),
        "post" => client.post_form(path, &[]),
        _ => client.send(&method, path, &[("sec-fetch-site", "same-origin")], b""),
    }
}

fn told(route: &Route, who: &str, answer: &Answer) -> String {
    let (method, path, location) = (route.method, route.path, answer.header("location").unwrap_or_default());
    format!("{who}: {method} {path} ({:?}): {} {location}\n{}", route.access, answer.status, answer.body)
}

#[test]
fn the_api_asks_for_a_key_on_every_call() {
    let app = App::start();
    let place = Place::new(&app, "Shop");
    let owner = people::owner(&app);
    let (revoked, token) =
        keys::create(&mut app.db.conn(), place.project.id, "old", &Scope::ALL, app.clock.now())
            .expect("a key");
    keys::revoke(&mut app.db.conn(), place.project.id, revoked.id, app.clock.now()).expect("revoke");
    let wrong: Vec<(&str, Client)> = vec![
        ("no key", app.client()),
        ("a wrong key", app.client().with_key("ck_0000000000000000000000000000000000000000")),
        ("no key at all", app.client().with_key("nonsense")),
        ("a revoked key", app.client().with_key(&token)),
        (
            "another scheme",
            app.client().with_header("authorization", &format!("Basic {}", place.project.token)),
        ),
        ("a person's cookie", owner),
    ];
    for route in ROUTES.iter().filter(|route| is_of_the_api(route)) {
        let path = place.fill(route, &place);
        for (who, client) in &wrong {
            let answer = sent(client, route, &path);
            assert_eq!(answer.status, 401, "{}", told(route, who, &answer));
            problem(&answer, 401);
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }
    }
}

#[test]
fn a_key_opens_what_its_scopes_say_and_nothing_else() {
    let app = App::start();
    let mut place = Place::new(&app, "Shop");
    for route in ROUTES {
        let Access::Key(scope) = route.access else { continue };
        let (having, lacking): (Vec<Scope>, Vec<Scope>) = match scope {
            "any" => (vec![Scope::Contacts], Vec::new()),
            scope => Scope::ALL.into_iter().partition(|one| one.as_str() == scope),
        };
        assert!(!having.is_empty(), "{scope} is no scope");
        let path = place.fill(route, &place);
        if !lacking.is_empty() {
            let answer = sent(&factory::key(&app, &place.project, &lacking), route, &path);
            assert_eq!(answer.status, 403, "{}", told(route, "a key without the scope", &answer));
            assert!(problem(&answer, 403)["detail"].as_str().is_some_and(|detail| detail.contains(scope)));
        }
        let answer = sent(&factory::key(&app, &place.project, &having), route, &path);
        let is_open = answer.status < 500 && !matches!(answer.status, 401 | 403 | 404);
        assert!(is_open, "{}", told(route, "a key with the scope", &answer));
        place.refill();
    }
}

#[test]
fn a_key_finds_nothing_of_another_project() {
    let app = App::start();
    let (place, other) = (Place::new(&app, "Shop"), Place::new(&app, "Other"));
    let before = fingerprint(&app);
    for route in ROUTES.iter().filter(|route| is_of_the_api(route) && names_a_thing(route)) {
        // With a body that would do, so that only the id is wrong.
        let body = json!({ "target_url": "http://127.0.0.1:9000/", "all_events": true });
        let body = if route.path.starts_with("/v1/webhooks/{id}") { body } else { json!({ "sample": {} }) };
        let path = place.fill(route, &place);
        let headers = [("content-type", "application/json")];
        let method = route.method.to_uppercase();
        let answer = other.project.api().send(&method, &path, &headers, body.to_string().as_bytes());
        assert_eq!(answer.status, 404, "{}", told(route, "another project's key", &answer));
    }
    for (list, field) in [("/v1/events", "id"), ("/v1/webhooks", "id"), ("/v1/deliveries", "id")] {
        let rows = other.project.api().get(&format!("{list}?limit=250")).expect(200).json();
        for row in rows["data"].as_array().expect("a list") {
            let id = row[field].as_str().expect("an id");
            assert!(![&place.event, &place.webhook, &place.delivery].iter().any(|mine| *mine == id), "{row}");
        }
    }
    assert_eq!(fingerprint(&app), before, "nothing changed");
}

/// What people can change, in one text.
fn fingerprint(app: &App) -> String {
    let tables = ["event_types", "webhooks", "projects", "members", "users", "webhook_secrets"];
    let sums = tables.map(|table| {
        // A version may grow without a change; nobody sees it. Who opens their notices has seen them.
        let row = "(to_jsonb(t) - 'settings_version' - 'notices_seen_at')::text";
        app.db
            .text(&format!("select md5(coalesce(string_agg({row}, ',' order by {row}), '')) from {table} t"))
    });
    let keys = app.db.text("select count(*) || ' ' || count(revoked_at) from api_keys");
    let sent = app.db.text("select coalesce(sum(claims), 0) from deliveries");
    format!("{sums:?} {keys} {sent}")
}

/// Everybody who may stand before a page.
const EVERYBODY: [&str; 6] = ["nobody", "foreigner", "viewer", "support", "admin", "owner"];

fn browser(app: &App, who: &str) -> Client {
    match who {
        "nobody" => app.client(),
        "owner" => people::signed_in(app, "olive@example.com", PASSWORD),
        "foreigner" => people::signed_in(app, "fay@example.com", PASSWORD),
        role => people::signed_in(app, &format!("{role}@example.com"), PASSWORD),
    }
}

/// People of all roles in the project, and an admin of another one.
fn populate(app: &App, place: &Place, other: &Place) {
    people::owner(app);
    for role in [Role::Viewer, Role::Support, Role::Admin] {
        people::member(app, place.project.id, role);
    }
    let fay = people::person(app, "fay@example.com", "Fay Foreigner", false);
    callout::models::projects::members::set(
        &mut app.db.conn(),
        other.project.id,
        fay.id,
        Role::Admin,
        app.clock.now(),
    )
    .expect("give a role");
}

fn may(access: Access, who: &str) -> bool {
    let allowed: &[&str] = match access {
        Access::Anyone => &EVERYBODY,
        Access::SignedIn => &EVERYBODY[1..],
        Access::Viewer => &["viewer", "support", "admin", "owner"],
        Access::Support => &["support", "admin", "owner"],
        Access::Admin => &["admin", "owner"],
        Access::Owner | Access::KeyOrOwner => &["owner"],
        Access::Key(_) => &[],
    };
    allowed.contains(&who)
}

/// What somebody who may not is told.
fn refusal_fits(route: &Route, who: &str, answer: &Answer) -> bool {
    let in_project = route.path.starts_with("/p/{project}");
    match who {
        "nobody" if route.access == Access::KeyOrOwner => {
            answer.status == 401 && answer.header("www-authenticate") == Some("Bearer")
        }
        "nobody" if route.method == "get" => {
            answer.status == 303 && answer.header("location").is_some_and(|to| to.starts_with("/sign-in"))
        }
        "nobody" => answer.status == 401,
        // That there is such a project is nobody else's business.
        "foreigner" if in_project => answer.status == 404,
        _ => matches!(answer.status, 401 | 403),
    }
}

/// Whether somebody who may was let in, whatever came of it there.
fn is_open(route: &Route, answer: &Answer) -> bool {
    if route.access == Access::Anyone {
        return answer.status < 500;
    }
    // Who signs out is sent there too, by a form.
    let sent_away =
        route.method == "get" && answer.header("location").is_some_and(|to| to.starts_with("/sign-in"));
    answer.status < 500 && !matches!(answer.status, 401 | 403 | 404) && !sent_away
}

fn page_routes() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(|route| !is_of_the_api(route))
}

#[test]
fn a_page_opens_for_whom_the_table_says_and_for_nobody_else() {
    let app = App::start();
    let (mut place, other) = (Place::new(&app, "Shop"), Place::new(&app, "Other"));
    populate(&app, &place, &other);
    let mut browsers: BTreeMap<&str, Client> =
        EVERYBODY.iter().map(|who| (*who, browser(&app, who))).collect();
    app.dispatch_until_idle();
    let mut before = fingerprint(&app);
    for route in page_routes() {
        for who in EVERYBODY {
            let answer = sent(&browsers[who], route, &place.fill(route, &place));
            if !may(route.access, who) {
                assert!(refusal_fits(route, who, &answer), "{}", told(route, who, &answer));
                assert_eq!(fingerprint(&app), before, "changed! {}", told(route, who, &answer));
                continue;
            }
            assert!(is_open(route, &answer), "{}", told(route, who, &answer));
            if route.method == "get" {
                continue;
            }
            // What was deleted comes again, who signed out signs in again.
            if names_a_thing(route) {
                place.refill();
                app.dispatch_until_idle();
            }
            if who != "nobody" && browsers[who].get("/account").status != 200 {
                browsers.insert(who, browser(&app, who));
            }
            before = fingerprint(&app);
        }
    }
}

#[test]
fn a_page_shows_nothing_of_another_project_to_people_of_this_one() {
    let app = App::start();
    let (place, other) = (Place::new(&app, "Shop"), Place::new(&app, "Other"));
    populate(&app, &place, &other);
    app.dispatch_until_idle();
    let before = fingerprint(&app);
    let (admin, owner) = (browser(&app, "admin"), browser(&app, "owner"));
    for route in page_routes().filter(|route| names_a_thing(route)) {
        // This project's address with the other one's things.
        let path = place.fill(route, &other);
        for (who, browser) in [("admin", &admin), ("owner", &owner)] {
            let answer = sent(browser, route, &path);
            assert_eq!(answer.status, 404, "{}", told(route, who, &answer));
        }
    }
    assert_eq!(fingerprint(&app), before, "nothing changed");
}

#[test]
fn no_form_of_another_site_is_taken_whoever_is_signed_in() {
    let app = App::start();
    let (place, other) = (Place::new(&app, "Shop"), Place::new(&app, "Other"));
    populate(&app, &place, &other);
    app.dispatch_until_idle();
    let before = fingerprint(&app);
    let owner = browser(&app, "owner");
    for route in page_routes().filter(|route| route.method != "get") {
        let path = place.fill(route, &place);
        let headers =
            [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "cross-site")];
        let answer = owner.send(&route.method.to_uppercase(), &path, &headers, b"name=x");
        assert_eq!(answer.status, 403, "{}", told(route, "owner", &answer));
    }
    owner.get("/account").expect(200);
    assert_eq!(fingerprint(&app), before, "nothing changed");
}
