//! Signing in and out: who gets in, how long it lasts, and how often one may guess.
use time::Duration;

use super::support::app::App;
use super::support::client::Client;
use super::support::factory;
use super::support::people::{self, PASSWORD};

const ADA: &str = "ada@example.com";

#[test]
fn the_right_password_opens_a_session_and_leads_back_to_where_one_wanted_to_go() {
    let app = App::start();
    people::person(&app, ADA, "Ada", false);
    let browser = app.client();
    let sent_off = browser.get("/account?a=1&b=2").expect(303);
    assert_eq!(sent_off.header("location"), Some("/sign-in?next=%2Faccount%3Fa%3D1%26b%3D2"));
    let form = browser.follow(&sent_off).expect(200).page().form("form[action='/sign-in']");
    // Addresses are the same in any capitals.
    let typed = form.with("email", "ADA@example.com").with("password", PASSWORD);
    let signed_in = browser.submit("/sign-in", &typed).expect(303);
    assert_eq!(signed_in.header("location"), Some("/account?a=1&b=2"));
    browser.follow(&signed_in).expect(200);
    assert_eq!(browser.get("/sign-in?next=/account").expect(303).header("location"), Some("/account"));
}

#[test]
fn next_never_leads_to_another_site() {
    let app = App::start();
    people::person(&app, ADA, "Ada", false);
    for next in ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"] {
        let fields = [("email", ADA), ("password", PASSWORD), ("next", next)];
        let answer = app.client().post_form("/sign-in", &fields).expect(303);
        assert_eq!(answer.header("location"), Some("/"), "{next}");
    }
}

#[test]
fn a_wrong_password_and_an_unknown_address_get_the_same_answer() {
    let app = App::start();
    people::person(&app, ADA, "Ada", false);
    let told = |email: &str| {
        let answer = people::sign_in(&app.client(), email, "wrong password").expect(422);
        assert_eq!(answer.header("set-cookie"), None);
        answer.body.replace(email, "")
    };
    assert_eq!(told(ADA), told("nobody@example.com"));
}

#[test]
fn after_five_wrong_passwords_an_account_waits_ever_longer_and_success_forgives() {
    let app = App::start();
    people::person(&app, ADA, "Ada", false);
    let try_with = |password: &str| people::sign_in(&app.client(), ADA, password);
    for _ in 0..5 {
        try_with("wrong password").expect(422);
    }
    let told = try_with(PASSWORD).expect(429).page().text("main [role=alert]");
    assert_eq!(told, "Too many failed attempts. Try again in 2 seconds.");
    app.clock.advance(Duration::seconds(2));
    try_with("wrong password").expect(422);
    app.clock.advance(Duration::seconds(3));
    try_with(PASSWORD).expect(429);
    app.clock.advance(Duration::seconds(1));
    try_with(PASSWORD).expect(303);
    try_with("wrong password").expect(422);
    try_with(PASSWORD).expect(303);
}

#[test]
fn unknown_addresses_wait_like_known_ones_and_an_office_has_twenty_tries() {
    let app = App::start();
    for _ in 0..5 {
        people::sign_in(&app.client(), "nobody@example.com", "wrong password").expect(422);
    }
    people::sign_in(&app.client(), "Nobody@example.com", "wrong password").expect(429);
    for number in 0..15 {
        people::sign_in(&app.client(), &format!("n{number}@example.com"), "wrong password").expect(422);
    }
    people::sign_in(&app.client(), "yet.another@example.com", "wrong password").expect(429);
    app.clock.advance(Duration::hours(25));
    people::sign_in(&app.client(), "yet.another@example.com", "wrong password").expect(422);
}

#[test]
fn behind_a_proxy_each_visitor_has_tries_of_their_own_and_is_told_when_to_come_back() {
    let app = App::start();
    let from = |address: &str| app.client().with_header("x-forwarded-for", address);
    for number in 0..20 {
        people::sign_in(&from("203.0.113.7"), &format!("n{number}@example.com"), "wrong password")
            .expect(422);
    }
    let told = people::sign_in(&from("203.0.113.7"), "one.more@example.com", "wrong password").expect(429);
    assert_eq!(told.header("retry-after"), Some("2"));
    people::sign_in(&from("203.0.113.8"), "one.more@example.com", "wrong password").expect(422);
}

#[test]
fn many_guesses_at_once_are_counted_one_by_one() {
    let app = App::start();
    people::person(&app, ADA, "Ada", false);
    let address = app.address;
    let statuses: Vec<u16> = std::thread::scope(|threads| {
        let guess = || {
            let fields = [("email", ADA), ("password", "wrong password")];
            Client::new(address).post_form("/sign-in", &fields).status
        };
        let running: Vec<_> = (0..12).map(|_| threads.spawn(guess)).collect();
        running.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 422).count(), 5, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 7, "{statuses:?}");
}

#[test]
fn signing_out_ends_the_session_in_the_database_too() {
    let app = App::start();
    people::person(&app, ADA, "Ada", false);
    let browser = people::signed_in(&app, ADA, PASSWORD);
    let stolen = browser.clone();
    stolen.get("/account").expect(200);
    let out = browser.submit("/account", &browser.get("/account").page().form("form[action='/sign-out']"));
    assert_eq!(out.expect(303).header("location"), Some("/sign-in"));
    browser.get("/account").expect(303);
    stolen.get("/account").expect(303);
    assert_eq!(app.db.count("sessions"), 0);
}

#[test]
fn signing_in_gives_the_browser_a_new_key() {
    let app = App::start();
    people::person(&app, ADA, "Ada", false);
    let browser = people::signed_in(&app, ADA, PASSWORD);
    let before = browser.clone();
    let fields = [("email", ADA), ("password", PASSWORD)];
    browser.post_form("/sign-in", &fields).expect(303);
    before.get("/account").expect(303);
    browser.get("/account").expect(200);
}

#[test]
fn a_session_ends_two_weeks_after_its_last_use() {
    let app = App::start();
    people::person(&app, ADA, "Ada", false);
    let browser = people::signed_in(&app, ADA, PASSWORD);
    for _ in 0..3 {
        app.clock.advance(Duration::days(13));
        browser.get("/account").expect(200);
    }
    app.clock.advance(Duration::days(14));
    browser.get("/account").expect(303);
}

#[test]
fn the_cookie_is_for_our_pages_only_and_the_database_holds_no_key() {
    let app = App::start_with(|config, _| config.public_url = "https://callout.example".to_owned());
    people::person(&app, ADA, "Ada", false);
    let answer = people::sign_in(&app.client(), ADA, PASSWORD).expect(303);
    let cookie = answer.header("set-cookie").expect("a cookie").to_owned();
    for part in ["callout_session=", "HttpOnly", "SameSite=Lax", "Secure", "Path=/", "Max-Age=1209600"] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    assert_eq!(answer.header("strict-transport-security"), Some("max-age=31536000"));
    let stored = app.db.text("select encode(key_hash, 'escape') || state from sessions");
    let key = cookie.split(['=', ';']).nth(1).expect("a value");
    let key = &key[key.len() - 64..];
    assert!(!stored.contains(key), "only its digest is stored");
}

#[test]
fn sign_out_everywhere_ends_every_session() {
    let app = App::start();
    people::person(&app, ADA, "Ada", false);
    let (one, two) = (people::signed_in(&app, ADA, PASSWORD), people::signed_in(&app, ADA, PASSWORD));
    one.post_form("/account/sign-out-everywhere", &[]).expect(303);
    one.get("/account").expect(303);
    two.get("/account").expect(303);
}

#[test]
fn somebody_who_is_gone_is_signed_out() {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let browser = people::member(&app, project.id, callout::models::projects::Role::Viewer);
    let overview = format!("/p/{}/overview", project.id);
    browser.get(&overview).expect(200);
    app.db.execute("delete from users");
    browser.get(&overview).expect(303);
}

/// A page that wrote the session back would undo what another request puts into it meanwhile.
#[test]
fn looking_at_a_page_leaves_the_session_as_it_is() {
    let app = App::start();
    let owner = people::owner(&app);
    owner.get("/account").expect(200);
    app.db.execute(
        "create function refuse() returns trigger language plpgsql as $$ begin raise 'written'; end $$; \
         create trigger refuse before update of state on sessions for each row execute function refuse()",
    );
    owner.get("/account").expect(200);
    owner.get("/").expect(200);
}
