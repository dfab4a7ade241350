//! The first owner: one link, once, for a day.
use callout::base::db::Db;
use callout::models::accounts::password::PasswordHash;
use callout::models::accounts::setup::{self, SetupError};
use callout::models::accounts::{NewUser, User};
use time::Duration;

use super::support::app::App;
use super::support::client::{Answer, Client};
use super::support::db::TestDb;
use super::support::people::{self, PASSWORD};

fn issued(app: &App) -> Option<String> {
    setup::issue(&mut app.db.conn(), app.clock.now()).expect("issue a link")
}

fn filled_in(browser: &Client, token: &str, email: &str) -> Answer {
    let path = format!("/setup?token={token}");
    let form = browser.get(&path).expect(200).page().form("form[action='/setup']");
    let form = form.with("name", "Olive").with("email", email).with("password", PASSWORD);
    browser.submit(&path, &form)
}

#[test]
fn the_link_makes_the_owner_signs_in_and_works_once() {
    let app = App::start();
    let token = issued(&app).expect("nobody is there yet");
    let browser = app.client();
    let made = filled_in(&browser, &token, "olive@example.com").expect(303);
    let page = browser.follow(&made).expect(200).page();
    assert!(page.has("form[action='/projects']"), "an owner creates projects");
    assert_eq!(app.db.text("select is_owner::text from users"), "true");

    let again = app.client().get(&format!("/setup?token={token}")).expect(404).page();
    assert!(again.has("main a[href='/sign-in']") && !again.has("form[action='/setup']"));
    assert_eq!(issued(&app), None, "nothing is left to set up");
}

#[test]
fn every_fault_is_shown_at_once_and_nothing_is_used_up() {
    let app = App::start();
    let token = issued(&app).expect("nobody is there yet");
    let fields = [("token", token.as_str()), ("name", " "), ("email", "<olive>"), ("password", "0123456789")];
    let page = app.client().post_form("/setup", &fields).expect(422).page();
    assert!(page.has("#name-error") && page.has("#email-error") && page.has("#password-error"));
    assert_eq!(page.form("form").value("email"), Some("<olive>"), "typed text is kept");
    assert!(!page.source().contains("0123456789"), "but for the password");
    filled_in(&app.client(), &token, "olive@example.com").expect(303);
}

#[test]
fn a_link_runs_out_after_a_day_and_a_wrong_one_never_works() {
    let app = App::start();
    let token = issued(&app).expect("nobody is there yet");
    let wrong = app.client().get("/setup?token=wrong").expect(404).page();
    assert!(wrong.text("main").contains("Restart Callout"));
    app.clock.advance(Duration::hours(24));
    app.client().get(&format!("/setup?token={token}")).expect(404);
    let fields = [
        ("token", token.as_str()),
        ("name", "Olive"),
        ("email", "olive@example.com"),
        ("password", PASSWORD),
    ];
    app.client().post_form("/setup", &fields).expect(404);
    assert_eq!(app.db.count("users"), 0);
}

#[test]
fn whoever_can_sign_in_ends_setting_up() {
    let app = App::start();
    let token = issued(&app).expect("nobody is there yet");
    assert!(app.client().get("/sign-in").expect(200).page().has("main .alert"), "says what to do first");
    people::person(&app, "ada@example.com", "Ada", false);
    app.client().get(&format!("/setup?token={token}")).expect(404);
    assert!(!app.client().get("/sign-in").expect(200).page().has("main .alert"));
}

/// Makes an owner in a transaction of its own.
fn create(db: &Db, token: String, email: &'static str) -> Result<User, SetupError> {
    let new = NewUser::new(email, "Olive", true).expect("an address and a name");
    let now = time::macros::datetime!(2026-11-21 12:00:00 UTC);
    db.run_blocking(|conn| {
        diesel::Connection::transaction(conn, |conn| {
            setup::create_owner(conn, &token, &new, &PasswordHash::of(PASSWORD), now)
        })
    })
}

#[test]
fn of_two_owners_at_once_with_two_links_one_is_made() {
    let test_db = TestDb::new();
    let now = time::macros::datetime!(2026-11-21 12:00:00 UTC);
    let link = || setup::issue(&mut test_db.conn(), now).expect("issue").expect("nobody is there yet");
    let (one, two) = (link(), link());
    let db = Db::new(&test_db.url(), 2);
    let results = std::thread::scope(|threads| {
        let first = threads.spawn(|| create(&db, one, "one@example.com"));
        let second = threads.spawn(|| create(&db, two, "two@example.com"));
        [first.join().expect("no panic"), second.join().expect("no panic")]
    });
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
    let used_up = |result: &&Result<User, SetupError>| matches!(result, Err(SetupError::LinkUsedUp));
    assert_eq!(results.iter().filter(used_up).count(), 1, "{results:?}");
    assert_eq!((test_db.count("users"), test_db.count("setup_links")), (1, 0));
}
