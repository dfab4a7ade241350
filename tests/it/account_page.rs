//! One's own name, password and sessions, by the forms that a browser without scripts would send.
use callout::models::projects::Role;

use super::support::app::App;
use super::support::client::Client;
use super::support::factory;
use super::support::html::Form;
use super::support::people::{self, PASSWORD};

const NAME: &str = "form:has(#name)";
const NEW_PASSWORD: &str = "form[action='/account/password']";
const ADA: &str = "ada@example.com";

/// Ada, in two browsers.
fn ada(app: &App) -> (Client, Client) {
    people::person(app, ADA, "Ada", false);
    (people::signed_in(app, ADA, PASSWORD), people::signed_in(app, ADA, PASSWORD))
}

fn form(browser: &Client, selector: &str) -> Form {
    browser.get("/account").expect(200).page().form(selector)
}

#[test]
fn a_person_changes_their_name() {
    let app = App::start();
    let (browser, _) = ada(&app);
    let page = browser.get("/account").expect(200).page();
    assert!(page.text("main").contains(ADA), "the address is shown");
    let wrong = browser.submit("/account", &form(&browser, NAME).with("name", " ")).expect(422).page();
    assert!(wrong.has("#name-error"));
    let saved = browser.submit("/account", &form(&browser, NAME).with("name", " Ada L. ")).expect(303);
    let after = browser.follow(&saved).expect(200).page();
    assert_eq!(after.text("main [role=status]"), "Saved.");
    assert_eq!(after.form(NAME).value("name"), Some("Ada L."));
}

#[test]
fn a_new_password_needs_the_present_one_and_ends_the_other_sessions() {
    let app = App::start();
    let (browser, other) = ada(&app);
    let new = "another long one";
    let typed =
        |present: &str, new: &str| form(&browser, NEW_PASSWORD).with("present", present).with("new", new);
    let wrong = browser.submit("/account", &typed("not this one", new)).expect(422).page();
    assert!(wrong.has("#present-error") && !wrong.source().contains("not this one"));
    assert!(browser.submit("/account", &typed(PASSWORD, "short")).expect(422).page().has("#new-error"));
    other.get("/account").expect(200);

    let changed = browser.submit("/account", &typed(PASSWORD, new)).expect(303);
    assert!(browser.follow(&changed).expect(200).page().has("main [role=status]"));
    other.get("/account").expect(303);
    people::sign_in(&app.client(), ADA, PASSWORD).expect(422);
    people::signed_in(&app, ADA, new);
}

#[test]
fn wrong_present_passwords_count_as_wrong_sign_ins_do() {
    let app = App::start();
    let (browser, _) = ada(&app);
    let guess = form(&browser, NEW_PASSWORD).with("present", "a guess").with("new", "another long one");
    for _ in 0..5 {
        browser.submit("/account", &guess).expect(422);
    }
    let right = guess.with("present", PASSWORD);
    let wait = browser.submit("/account", &right).expect(429).page();
    assert!(wait.text("main").contains("Too many failed attempts"));
    app.advance(time::Duration::minutes(1));
    browser.submit("/account", &right).expect(303);
}

#[test]
fn a_person_signs_out_everywhere_else_and_stays_signed_in_here() {
    let app = App::start();
    let (browser, other) = ada(&app);
    let end = form(&browser, "form[action='/account/sessions/end']");
    let ended = browser.submit("/account", &end).expect(303);
    let after = browser.follow(&ended).expect(200).page();
    assert!(after.has("main [role=status]"));
    assert!(!after.has("form[action='/account/sessions/end']"), "nowhere else to sign out");
    other.get("/account").expect(303);
}

#[test]
fn the_account_lists_the_projects_that_a_person_may_open_and_as_what() {
    let app = App::start();
    let project = factory::project(&app, "Spring sale");
    factory::project(&app, "Not theirs");
    let browser = people::member(&app, project.id, Role::Support);
    let page = browser.get("/account").expect(200).page();
    assert_eq!(page.texts("#roles td"), ["Spring sale", "Support"]);
    let owner = people::owner(&app).get("/account").expect(200).page();
    assert_eq!(
        owner.texts("#roles td"),
        ["Not theirs", "Owner", "Spring sale", "Owner"],
        "as the list of projects says"
    );
    let link = page.attribute("#roles a", "href").expect("a link");
    browser.get(&link).expect(200);
}
