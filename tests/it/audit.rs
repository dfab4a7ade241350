//! The audit log: what is in it, who reads it, and when it goes. And the rules of masking, which are in it.
use callout::models::projects::members::Role;
use serde_json::json;
use time::Duration;

use crate::support::app::App;
use crate::support::factory;
use crate::support::people;

#[test]
fn what_admins_do_is_in_their_projects_log_and_not_in_anothers() {
    let app = App::start();
    let (project, other) = (factory::project(&app, "Shop"), factory::project(&app, "Other"));
    let owner = people::owner(&app);
    let admin = people::member(&app, project.id, Role::Admin);
    let settings = format!("/p/{}/settings", project.id);
    let empty = admin.get(&format!("{settings}/audit")).expect(200).page();
    assert!(empty.text(".empty-state").contains("Nothing has been written down yet"));
    let key = [("name", "Till"), ("scopes", "events")];
    admin.post_form(&format!("{settings}/keys"), &key).expect(303);
    // Lines of one millisecond come in any order.
    app.advance(Duration::seconds(1));
    admin.post_form(&format!("{settings}/general/switch-off"), &[]).expect(303);
    let log = admin.get(&format!("{settings}/audit")).expect(200).page();
    assert_eq!(log.texts("#audit td strong"), ["All webhooks switched", "API key created"]);
    assert!(log.text("#audit").contains("admin@example.com") && log.text("#audit").contains("Till"));
    let only = admin.get(&format!("{settings}/audit?action=key.created&range=1h&person=admin%40example.com"));
    assert_eq!(only.expect(200).page().texts("#audit td strong"), ["API key created"]);
    let foreign = owner.get(&format!("/p/{}/settings/audit", other.id)).expect(200).page();
    assert!(!foreign.has("#audit"));
    let all = owner.get("/admin/audit").expect(200).page();
    assert_eq!(all.count("#audit tbody tr"), 2);
    assert!(!owner.get("/admin/audit?person=nobody").expect(200).page().has("#audit"));
}

#[test]
fn pages_of_the_log_are_the_whole_log_and_old_lines_go() {
    use callout::models::audit::{self, Action, Entry};
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let owner = people::owner(&app);
    let entry = Entry {
        user: None,
        project: Some(project.id),
        action: Action::KeyCreated,
        subject: "key_1".to_owned(),
        detail: String::new(),
    };
    for _ in 0..120 {
        audit::write(&mut app.db.conn(), &entry, app.clock.now()).expect("a line");
    }
    let (mut next, mut rows) = (Some("/admin/audit".to_owned()), 0);
    while let Some(path) = next {
        let page = owner.get(&path).expect(200).page();
        rows += page.count("#audit tbody tr");
        next = page.attribute("a[rel=next]", "href");
    }
    assert_eq!(rows, 120);
    app.advance(Duration::days(401));
    audit::forget_old(&mut app.db.conn(), app.clock.now()).expect("forget");
    assert_eq!(app.db.count("audit"), 0);
}

#[test]
fn a_default_that_is_switched_off_is_shown_and_a_field_that_is_added_is_masked() {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let admin = people::member(&app, project.id, Role::Admin);
    let support = people::member(&app, project.id, Role::Support);
    let data =
        json!({ "loyaltyNo": "LN-778812", "voucher": { "code": "LINEN-7K2QW" }, "first_name": "Amina" });
    let posted = project.event("customer.rewarded", data);
    let event = format!("/p/{}/events/{}", project.id, posted["id"].as_str().expect("an id"));
    let path = format!("/p/{}/settings/masking", project.id);
    let form = admin.get(&path).expect(200).page().form("#masking");
    let refused = admin.submit(&path, &form.with("field", "no field")).expect(422).page();
    assert!(refused.text(".field-error").contains("A field is letters"));
    let kept: Vec<&str> = callout::rules::masks::defaults()
        .iter()
        .map(|rule| rule.field.as_str())
        .filter(|field| *field != "*voucher.code")
        .collect();
    let mut fields: Vec<(&str, &str)> = kept.iter().map(|field| ("on", *field)).collect();
    fields.extend([("field", "loyalty_no"), ("kind", "other")]);
    let preview = admin.post_form(&format!("{path}/preview"), &fields).expect(200).page();
    assert!(!preview.text("#preview-body").contains("LN-778812"));
    assert!(support.get(&event).expect(200).body.contains("LN-778812"), "a preview saves nothing");
    admin.post_form(&path, &fields).expect(303);
    let seen = support.get(&event).expect(200).body;
    assert!(seen.contains("LINEN-7K2QW") && !seen.contains("LN-778812") && !seen.contains("Amina"), "{seen}");
    let stored = admin.get(&path).expect(200).page();
    assert_eq!(stored.attribute("#field-0", "value").as_deref(), Some("loyalty_no"));
    assert!(
        !stored.has("input[value='*voucher.code'][checked]") && stored.has("input[value='*email'][checked]")
    );
    assert_eq!(app.db.text("select detail from audit"), "*voucher.code: shown, loyalty_no: other");
}
