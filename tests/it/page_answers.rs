//! What every page does: headers, errors as pages, forms from our own pages only, assets that are kept.
use callout::models::projects::Role;

use super::support::app::App;
use super::support::factory;
use super::support::people;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

#[test]
fn a_form_of_another_site_changes_nothing() {
    let app = App::start();
    let owner = people::owner(&app);
    for foreign in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        let answer = owner.send("POST", "/projects", &[FORM, foreign], b"name=Shop").expect(403);
        assert!(answer.page().text("main").contains("another site"), "{foreign:?}");
    }
    assert_eq!(app.db.count("projects"), 0);
    let own = [FORM, ("sec-fetch-site", "same-origin")];
    owner.send("POST", "/projects", &own, b"name=Shop").expect(303);
}

#[test]
fn pages_carry_the_strict_headers_and_are_kept_by_nobody() {
    let app = App::start();
    for path in ["/sign-in", "/account", "/no/such/page", "/setup?token=x"] {
        let answer = app.client().get(path);
        let policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; \
                      base-uri 'none'";
        assert_eq!(answer.header("content-security-policy"), Some(policy), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("same-origin"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
    }
}

#[test]
fn whoever_is_not_signed_in_is_sent_to_the_sign_in_page() {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let path = format!("/p/{}/overview", project.id);
    let next = format!("/sign-in?next=%2Fp%2F{}%2Foverview", project.id);
    assert_eq!(app.client().get(&path).expect(303).header("location"), Some(next.as_str()));
    let fragment = app.client().by_htmx().get(&path).expect(200);
    assert_eq!((fragment.header("hx-redirect"), fragment.body.as_str()), (Some(next.as_str()), ""));
    assert_eq!(app.client().get("/").expect(303).header("location"), Some("/sign-in"));
    let page = app.client().post_form("/account", &[("name", "Eve")]).expect(401).page();
    assert!(page.has("main a[href='/sign-in']"));
}

#[test]
fn a_foreign_project_looks_like_none_and_a_low_role_is_told_who_may() {
    let app = App::start();
    let (mine, foreign) = (factory::project(&app, "Shop"), factory::project(&app, "Other"));
    let viewer = people::member(&app, mine.id, Role::Viewer);
    let other = viewer.get(&format!("/p/{}/overview", foreign.id)).expect(404).page();
    let none = viewer.get("/p/proj_00000000000000000000000000000000/overview").expect(404).page();
    let wrong = viewer.get("/p/x/overview").expect(404).page();
    assert_eq!(other.text(".wrong-text"), none.text(".wrong-text"));
    assert_eq!(other.text(".wrong-text"), wrong.text(".wrong-text"));
    assert!(!other.source().contains("Other"), "not even its name");

    let refused = viewer.get(&format!("/p/{}/settings/keys", mine.id)).expect(403).page();
    assert!(refused.text(".wrong-text").contains("admin"));
    assert!(refused.has("nav a[href$='/overview']"), "the menu stays");
    assert!(!refused.has("nav a[href$='/settings/keys']"), "without what one may not open");
    viewer.post_form("/projects", &[("name", "Mine too")]).expect(403);
}

#[test]
fn an_unknown_address_says_so_with_a_reference() {
    let app = App::start();
    let page = app.client().get("/no/such/page").expect(404).page();
    assert_eq!(page.text("h1"), "Not found");
    assert_eq!(page.text(".wrong-reference code").len(), 10);
    let owner = people::owner(&app);
    assert!(owner.get("/no/such/page").expect(404).page().has("nav a[href='/account']"));
    let fragment = owner.by_htmx().get("/no/such/page").expect(404);
    assert_eq!(fragment.header("content-type"), Some("text/plain; charset=utf-8"));
}

#[test]
fn a_form_that_is_too_large_or_no_form_is_refused_with_a_page() {
    let app = App::start();
    let owner = people::owner(&app);
    let limit = 512 * 1024 - "name=".len();
    owner.post_form("/projects", &[("name", &"a".repeat(limit))]).expect(422);
    let large = owner.post_form("/projects", &[("name", &"a".repeat(limit + 1))]).expect(413);
    assert_eq!(large.page().text("h1"), "Too large");
    owner.post_form("/projects", &[("name", "a\0b")]).expect(400);
    owner.send("POST", "/projects", &[("content-type", "text/plain")], b"name=Shop").expect(400);
    assert_eq!(app.db.count("projects"), 0);
}

#[test]
fn while_sessions_cannot_be_read_pages_say_try_again_and_nobody_is_signed_out() {
    let app = App::start();
    let owner = people::owner(&app);
    app.db.execute("alter table sessions rename to sessions_away");
    let answer = owner.get("/account").expect(503);
    assert_eq!(answer.header("retry-after"), Some("5"));
    assert!(answer.page().text("main").contains("Try again"));
    app.db.execute("alter table sessions_away rename to sessions");
    owner.get("/account").expect(200);
}

#[test]
fn what_people_type_is_shown_as_text() {
    let app = App::start();
    let owner = people::owner(&app);
    let name = "<script>alert(1)</script>\"'&";
    let made = owner.post_form("/projects", &[("name", name)]).expect(303);
    let page = owner.follow(&made).expect(200).page();
    assert!(!page.source().contains("<script>alert"));
    assert!(page.texts(".crumbs a").contains(&name.to_owned()));
}

#[test]
fn a_projects_name_is_taken_in_any_capitals() {
    let app = App::start();
    let owner = people::owner(&app);
    owner.post_form("/projects", &[("name", "Shop")]).expect(303);
    let page = owner.post_form("/projects", &[("name", " SHOP ")]).expect(422).page();
    assert_eq!(page.text("#name-error"), "Another project has this name.");
    assert_eq!(page.attribute("#name", "aria-describedby").as_deref().map(str::trim), Some("name-error"));
    assert_eq!(page.count(".project-card"), 1);
}

#[test]
fn assets_are_found_under_the_addresses_that_pages_name() {
    let app = App::start();
    let page = app.client().get("/sign-in").expect(200).page();
    let mut paths: Vec<String> = Vec::new();
    for (selector, attribute) in [("link", "href"), ("script", "src"), ("img", "src")] {
        for number in 1..=page.count(selector) {
            let one = format!("{selector}:nth-of-type({number})");
            paths.extend(page.attribute(&one, attribute));
        }
    }
    assert!(paths.len() >= 6, "{paths:?}");
    for path in paths {
        assert!(path.starts_with("/static/") && path.contains("?v="), "{path}");
        let answer = app.client().get(&path).expect(200);
        let tag = answer.header("etag").expect("a tag").to_owned();
        app.client().send("GET", &path, &[("if-none-match", &tag)], b"").expect(304);
    }
    app.client().get("/static/vendor/VENDOR.md").expect(404);
    app.client().get("/static/../Cargo.toml").expect(404);
}

#[test]
fn assets_come_compressed_and_are_kept_for_a_year_under_the_address_that_pages_name() {
    let app = App::start();
    let page = app.client().get("/sign-in").expect(200).page();
    let path = page.attribute("link[rel=stylesheet]", "href").expect("a stylesheet");
    let packed = app.client().send("GET", &path, &[("accept-encoding", "gzip, br")], b"").expect(200);
    let headers = ["content-encoding", "cache-control", "vary"].map(|name| packed.header(name));
    assert_eq!(headers, [Some("gzip"), Some("public, max-age=31536000, immutable"), Some("accept-encoding")]);
    let plain = app.client().get(&path).expect(200);
    assert_eq!((plain.header("content-encoding"), plain.header("vary")), (None, Some("accept-encoding")));
    assert!(plain.body.len() > 4 * packed.body.len());
    let (bare, _) = path.split_once('?').expect("a version");
    for other in [bare.to_owned(), format!("{bare}?v=000000000000")] {
        assert_eq!(app.client().get(&other).expect(200).header("cache-control"), Some("no-cache"), "{other}");
    }
    assert_eq!(app.client().get("/favicon.ico").expect(200).header("content-type"), Some("image/x-icon"));
}

#[test]
fn an_address_that_only_takes_forms_or_is_cut_short_leads_to_a_page() {
    let app = App::start();
    let owner = people::owner(&app);
    let project = factory::project(&app, "Shop");
    let place = format!("/p/{}", project.id);
    for (path, page) in [
        ("/projects".to_owned(), "/".to_owned()),
        ("/account/password".to_owned(), "/account".to_owned()),
        (place.clone(), format!("{place}/overview")),
        (format!("{place}/settings"), format!("{place}/settings/general")),
    ] {
        assert_eq!(owner.get(&path).expect(303).header("location"), Some(page.as_str()), "{path}");
    }
}

#[test]
fn head_is_answered_as_get_without_a_body() {
    let app = App::start();
    let owner = people::owner(&app);
    let answer = owner.send("HEAD", "/account", &[], b"").expect(200);
    assert_eq!((answer.header("content-type"), answer.body.as_str()), (Some("text/html; charset=utf-8"), ""));
    let next = "/sign-in?next=%2Faccount";
    assert_eq!(app.client().send("HEAD", "/account", &[], b"").expect(303).header("location"), Some(next));
}

#[test]
fn a_form_whose_session_ended_leads_to_sign_in_and_back_to_its_page() {
    let app = App::start();
    let way_on = |from: &str| {
        let headers = [FORM, ("sec-fetch-site", "same-origin"), ("referer", from)];
        let page = app.client().send("POST", "/account", &headers, b"name=Eve").expect(401).page();
        page.attribute("main .btn-primary", "href").expect("a button")
    };
    assert_eq!(way_on("http://callout.example/account?a=1"), "/sign-in?next=%2Faccount%3Fa%3D1");
    assert_eq!(way_on("http://callout.example//evil.example"), "/sign-in");
}
