//! Receivers written straight from the guides of the five systems: with its preset each takes what we send, and what it
//! should refuse it refuses.
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use callout::rules::catalogue;
use callout::rules::preset::Preset;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::app::App;
use crate::support::factory::{self, Project};
use crate::support::judge::{Asked, Judge};
use crate::support::receiver::{self, Behaviour, Misbehaviour};
use crate::support::wait::eventually;

fn started() -> (App, Project) {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    (app, project)
}

/// Posts the sample of every type of a preset.
fn post_samples(project: &Project, preset: Preset) -> usize {
    let types = preset.events();
    for name in &types {
        let sample = catalogue::find(name).expect("a type").sample();
        let data: Value = serde_json::from_str(sample).expect("JSON");
        project.event(name, data);
    }
    types.len()
}

fn hex_hmac(key: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("a key");
    mac.update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is_json_post(asked: &Asked) -> bool {
    asked.method == "POST"
        && asked.header("content-type") == Some("application/json")
        && asked.json().is_some()
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The project webhook's guide: seven keys around the data, and the hex HMAC-SHA256 of the body in
/// `x-voucherify-signature`.
fn project_receiver(secret: &str, asked: &Asked) -> u16 {
    let Some(body) = asked.json().filter(|_| is_json_post(asked)) else { return 400 };
    if asked.header("x-voucherify-signature") != Some(&*hex_hmac(secret, &asked.body)) {
        return 401;
    }
    let keys: Vec<&str> =
        body.as_object().map(|o| o.keys().map(String::as_str).collect()).unwrap_or_default();
    let mut expected = ["id", "project_id", "created_at", "type", "data", "source", "event"];
    expected.sort_unstable();
    let mut sorted = keys.clone();
    sorted.sort_unstable();
    let fits = sorted == expected
        && text(&body, "/id").starts_with("whs_")
        && text(&body, "/project_id").starts_with("proj_")
        && text(&body, "/created_at").ends_with('Z')
        && text(&body, "/source/id").starts_with("wh_")
        && text(&body, "/source/object") == "webhook"
        && text(&body, "/source/target_url").starts_with("http")
        && text(&body, "/event/id").starts_with("ev")
        && text(&body, "/event/type") == text(&body, "/type")
        && text(&body, "/event/group_id").starts_with("v-")
        && text(&body, "/event/event_source/channel") == "API"
        && text(&body, "/event/event_source/api_key/app_id").len() == 36
        && body["data"].is_object();
    if fits { 202 } else { 422 }
}

#[test]
fn a_receiver_of_project_webhooks_takes_every_type_and_refuses_what_was_changed() {
    let (app, project) = started();
    let secret: Arc<std::sync::OnceLock<String>> = Arc::default();
    let known = secret.clone();
    let judge = Judge::start(move |asked| project_receiver(known.get().map_or("", String::as_str), asked));
    let webhook = json!({ "target_url": judge.url(), "preset": "project" });
    let webhook = project.api().post("/v1/webhooks", &webhook).expect(201).json();
    let text = webhook["secret"].as_str().expect("a secret").to_owned();
    secret.set(text.clone()).expect("once");
    let sent = post_samples(&project, Preset::Project);
    assert!(sent >= 61, "{sent}");
    app.wait_for("delivered", sent as i64);
    let (asked, _) = judge.wait_for(sent).remove(0);
    assert_eq!(project_receiver(&text, &asked), 202);
    let changed = |change: fn(&mut Asked)| {
        let mut changed = asked.clone();
        change(&mut changed);
        project_receiver(&text, &changed)
    };
    assert_eq!(changed(|asked| asked.body.push(b' ')), 401);
    assert_eq!(changed(|asked| asked.headers.retain(|(name, _)| name != "x-voucherify-signature")), 401);
    assert_eq!(project_receiver("another secret", &asked), 401);
    for (name, value) in [("when_used_up", "disable"), ("body", "envelope"), ("retries", "doubling-24h")] {
        assert_eq!(webhook[name], value);
    }
}

/// The connector's guide: one flat object of the 20 attributes, with their types.
fn contact_receiver(asked: &Asked) -> u16 {
    const LONG: [&str; 4] =
        ["msisdn", "ecom_signups_count", "ecom_total_order_count", "ecom_total_order_amount"];
    const BOOLEAN: [&str; 1] = ["eshop_opt_in"];
    const TIMESTAMP: [&str; 4] =
        ["profileCreatedAt", "last_eshop_opt_in_date", "last_order_date", "last_click_date"];
    const TEXT: [&str; 11] = [
        "source",
        "source_value",
        "ecom_email",
        "ecom_device_type",
        "ecom_browser_name",
        "ecom_locale",
        "ecom_timezone",
        "ecom_os_name",
        "ecom_signup_domain",
        "ecom_signup_path",
        "ecom_signup_referrer_url",
    ];
    let Some(body) = asked.json().filter(|_| is_json_post(asked)) else { return 400 };
    let is_timestamp =
        |value: &Value| value.as_str().is_some_and(|text| text.len() == 24 && text.ends_with('Z'));
    let fits = body.as_object().is_some_and(|object| object.len() == 20)
        && LONG.iter().all(|key| body[key].is_i64())
        && BOOLEAN.iter().all(|key| body[key].is_boolean())
        && TIMESTAMP.iter().all(|key| is_timestamp(&body[key]))
        && TEXT.iter().all(|key| body[key].is_string());
    if fits { 200 } else { 422 }
}

#[test]
fn a_receiver_of_contacts_gets_the_20_attributes_and_only_200_counts() {
    let (app, project) = started();
    let status = Arc::new(AtomicU16::new(200));
    let answers = status.clone();
    let judge = Judge::start(move |asked| match contact_receiver(asked) {
        200 => answers.load(Ordering::SeqCst),
        refused => refused,
    });
    let webhook = json!({ "target_url": judge.url(), "preset": "contact" });
    let webhook = project.api().post("/v1/webhooks", &webhook).expect(201).json();
    assert_eq!(webhook["events"], json!(["contact.subscribed", "contact.unsubscribed"]));
    let sent = post_samples(&project, Preset::Contact);
    app.wait_for("delivered", sent as i64);
    let (asked, _) = judge.wait_for(sent).remove(0);
    let mut wrapped = asked.clone();
    wrapped.body = json!({ "data": asked.json() }).to_string().into_bytes();
    assert_eq!(contact_receiver(&wrapped), 422, "an envelope would not do");

    // 201 is no success there: three retries, then it is marked failed.
    status.store(201, Ordering::SeqCst);
    post_samples(&project, Preset::Contact);
    app.wait_for("retrying", 2);
    for (attempts, seconds) in [(1, 12), (2, 70), (3, 340)] {
        // What follows is decided with the outcome: the clock moves once that is written.
        eventually("the outcome of both", || {
            let waiting = project.api().get("/v1/deliveries?status=retrying").expect(200).json();
            let all = waiting["data"].as_array().expect("a list").clone();
            (all.len() == 2 && all.iter().all(|one| one["attempt_count"] == attempts)).then_some(())
        });
        app.clock.advance(time::Duration::seconds(seconds));
        app.parts.wakeup.wake();
        judge.wait_for(sent + 2 * (attempts + 1));
    }
    app.wait_for("failed", 2);
    let failed = project.api().get("/v1/deliveries?status=failed").expect(200).json()["data"][0].clone();
    assert_eq!((&failed["attempt_count"], &failed["last_response_status"]), (&json!(4), &json!(201)));
    let now = project.api().get(&format!("/v1/webhooks/{}", text(&webhook, "/id"))).expect(200).json();
    assert_eq!(now["active"], true, "the webhook goes on");
}

/// The verification guide: flat JSON told apart by `state`, and a bearer token if one was given.
fn shopper_receiver(token: Option<&str>, asked: &Asked) -> u16 {
    let Some(body) = asked.json().filter(|_| is_json_post(asked)) else { return 400 };
    let expected = token.map(|token| format!("Bearer {token}"));
    if asked.header("authorization") != expected.as_deref() {
        return 401;
    }
    let has = |keys: &[&str]| keys.iter().all(|key| !body[*key].is_null());
    let both = [
        "email",
        "share_email",
        "phone_number",
        "share_phone_number",
        "type",
        "coupon_code",
        "token",
        "brand_slug",
        "campaign_id",
        "campaign_title",
        "campaign_url",
        "date",
    ];
    let (pending, granted) = (
        ["pending_group_type", "pending_group_parent", "pending_group_child"],
        ["group_type", "group_parent", "group_child"],
    );
    let fits = has(&both)
        && match text(&body, "/state") {
            "consent-intent" => has(&pending) && !has(&granted[..1]) && has(&["message"]),
            "offer-claimed" => has(&granted) && !has(&pending[..1]) && body.get("message").is_none(),
            _ => false,
        };
    if fits { 204 } else { 422 }
}

#[test]
fn a_receiver_of_verifications_gets_both_states_with_or_without_a_token() {
    let (app, project) = started();
    for (n, token) in [None, Some("your-api-token")].into_iter().enumerate() {
        let judge = Judge::start(move |asked| shopper_receiver(token, asked));
        let mut webhook =
            json!({ "target_url": judge.url(), "preset": "verification", "name": format!("{n}") });
        if let Some(token) = token {
            webhook["authentication"] = json!({ "type": "bearer", "token": token });
        }
        let webhook = project.api().post("/v1/webhooks", &webhook).expect(201).json();
        assert_eq!(webhook["body"], "flat");
        let sent = post_samples(&project, Preset::Verification);
        app.wait_for("delivered", (sent * (n + 1)) as i64);
        let (asked, _) = judge.wait_for(sent).remove(0);
        assert_eq!(shopper_receiver(Some("another"), &asked), 401);
        project.api().delete(&format!("/v1/webhooks/{}", text(&webhook, "/id"))).expect(204);
    }
}

/// The gamified campaign's guide: JSON by POST, answered within two seconds; an authorization token if one was set.
fn gamify_receiver(asked: &Asked) -> u16 {
    let Some(body) = asked.json().filter(|_| is_json_post(asked)) else { return 400 };
    let known = catalogue::find(text(&body, "/type")).is_some_and(|known| known.families.len() == 1);
    let is_authorized = asked.header("authorization") == Some("Bearer brand-token");
    if known && is_authorized && body["data"].is_object() { 200 } else { 403 }
}

#[test]
fn a_receiver_of_gamified_campaigns_gets_its_eight_events_and_has_two_seconds() {
    let (app, project) = started();
    let judge = Judge::start(gamify_receiver);
    let webhook = json!({
        "target_url": judge.url(),
        "preset": "gamify",
        "authentication": { "type": "bearer", "token": "brand-token" },
    });
    let webhook = project.api().post("/v1/webhooks", &webhook).expect(201).json();
    assert_eq!((&webhook["timeout_ms"], &webhook["retries"]), (&json!(2_000), &json!("none")));
    let sent = post_samples(&project, Preset::Gamify);
    assert_eq!(sent, 8);
    app.wait_for("delivered", 8);
    let (mut asked, _) = judge.wait_for(8).remove(0);
    asked.headers.retain(|(name, _)| name != "authorization");
    assert_eq!(gamify_receiver(&asked), 403);

    // One that never answers: the attempt is over after two seconds, and there is no other.
    let hangs = Behaviour { misbehave: Some(Misbehaviour::Hang), ..Behaviour::default() };
    let hangs = receiver::start_with(hangs);
    let path = format!("/v1/webhooks/{}", text(&webhook, "/id"));
    project.api().patch(&path, &json!({ "target_url": hangs.url("/") })).expect(200);
    let event = project.event("prize.assigned", json!({}));
    app.wait_for("failed", 1);
    let told = project.api().get(&format!("/v1/events/{}", text(&event, "/id"))).expect(200).json();
    let delivery = project.delivery(text(&told, "/deliveries/0/id"));
    assert_eq!(delivery["last_failure"]["kind"], "timeout");
    assert!(delivery["last_failure"]["detail"].as_str().is_some_and(|text| text.contains("within 2 s")));
    let took = delivery["attempts"][0]["duration_ms"].as_f64().expect("a duration");
    assert!((2_000.0..2_900.0).contains(&took), "{took} ms");
    assert_eq!(delivery["attempts"].as_array().map(Vec::len), Some(1));
    // Sent again by hand, to a receiver that is well.
    project.api().patch(&path, &json!({ "target_url": judge.url() })).expect(200);
    project.api().post(&format!("/v1/deliveries/{}/resend", text(&delivery, "/id")), &json!({})).expect(202);
    app.wait_for("delivered", 9);
}

/// The loyalty guide: JSON, and the key that was shown once in `x-api-key`.
fn loyalty_receiver(key: &str, asked: &Asked) -> u16 {
    let Some(body) = asked.json().filter(|_| is_json_post(asked)) else { return 400 };
    if asked.header("x-api-key") != Some(key) {
        return 401;
    }
    if ["mission_completed", "reward_claimed", "badge_earned"].contains(&text(&body, "/type")) {
        200
    } else {
        422
    }
}

#[test]
fn a_receiver_of_loyalty_missions_knows_us_by_the_key_and_a_test_comes_without_it() {
    let (app, project) = started();
    let key: Arc<std::sync::OnceLock<String>> = Arc::default();
    let known = key.clone();
    let judge = Judge::start(move |asked| loyalty_receiver(known.get().map_or("", String::as_str), asked));
    let webhook = json!({ "target_url": judge.url(), "preset": "loyalty", "name": "Missions" });
    let webhook = project.api().post("/v1/webhooks", &webhook).expect(201).json();
    let made = text(&webhook, "/authentication/value").to_owned();
    assert!(made.len() == 64 && made.bytes().all(|byte| byte.is_ascii_hexdigit()), "{webhook}");
    key.set(made.clone()).expect("once");
    let path = format!("/v1/webhooks/{}", text(&webhook, "/id"));
    let told = project.api().get(&path).expect(200).json();
    assert_eq!(told["authentication"].get("value"), None, "shown once");

    let tested = project.api().post(&format!("{path}/test"), &json!({})).expect(200).json();
    assert_eq!(tested["response"]["status"], 401);
    let (asked, _) = judge.wait_for(1).remove(0);
    assert_eq!(asked.header("x-api-key"), None, "whoever looks at a trial receiver must not come by the key");
    assert_eq!(text(&asked.json().expect("JSON"), "/type"), "mission_completed");

    let sent = post_samples(&project, Preset::Loyalty);
    app.wait_for("delivered", sent as i64);
    let (asked, _) = judge.wait_for(sent + 1).remove(1);
    assert_eq!(loyalty_receiver("another", &asked), 401);
    // Its own list is three retries.
    assert_eq!(told["retries"], "three");
}

#[test]
fn what_is_named_beside_a_preset_wins_and_a_misspelled_type_is_understood() {
    let (_app, project) = started();
    let webhook = json!({
        "target_url": "https://93.184.216.34/hook",
        "preset": "project",
        "events": ["voucher.gift.balance_aded", "customer.updated"],
        "timeout_ms": 3_000,
        "extra_signature": "none",
    });
    let told = project.api().post("/v1/webhooks", &webhook).expect(201).json();
    assert_eq!(told["events"], json!(["customer.updated", "voucher.gift.balance_added"]));
    let own = (&told["timeout_ms"], &told["extra_signature"], &told["when_used_up"], &told["preset"]);
    assert_eq!(own, (&json!(3_000), &json!("none"), &json!("disable"), &json!("project")));
    // As the management API of that system has it.
    let path = format!("/v1/webhooks/{}", text(&told, "/id"));
    let put =
        json!({ "target_url": "https://93.184.216.34/hook", "events": ["voucher.created"], "active": false });
    let told = project.api().put(&path, &put).expect(200).json();
    assert_eq!((&told["events"], &told["active"]), (&json!(["voucher.created"]), &json!(false)));
    assert_eq!((&told["preset"], &told["timeout_ms"]), (&Value::Null, &json!(10_000)), "defaults again");
}

#[test]
fn settings_are_tried_before_they_are_saved_and_the_history_knows() {
    let (app, project) = started();
    let judge =
        Judge::start(
            |asked| if asked.header("authorization") == Some("Bearer t-o-k-e-n") { 200 } else { 401 },
        );
    let settings = json!({
        "target_url": judge.url(),
        "preset": "verification",
        "authentication": { "type": "bearer", "token": "t-o-k-e-n" },
    });
    let tried = project.api().post("/v1/webhooks/test", &json!({ "settings": settings })).expect(200).json();
    assert_eq!(tried["response"]["status"], 200, "{tried}");
    assert_eq!(app.db.count("webhooks where deleted_at is null"), 0);
    let delivery = project.delivery(text(&tried, "/delivery_id"));
    assert_eq!((&delivery["test"], &delivery["status"]), (&json!(true), &json!("delivered")));
    assert!(!delivery.to_string().contains("t-o-k-e-n"), "{delivery}");
    project.api().post("/v1/webhooks/test", &json!({ "settings": settings })).expect(200);
    assert_eq!(app.db.count("webhooks"), 1, "one row stands for all that is not saved");
    let wrong = json!({ "settings": { "target_url": "ftp://x", "preset": "loyalty" } });
    let refused = project.api().post("/v1/webhooks/test", &wrong).expect(422).json();
    assert_eq!(text(&refused, "/errors/0/pointer"), "/settings/target_url");
}
