//! Very many deliveries that wait for a webhook follow its switch a piece at a time, and none is left behind.
use callout::base::db::DbError;
use callout::base::ids::{ProjectId, WebhookId};
use callout::base::seal::SealKey;
use callout::models::deliveries::{self, HeldChoice, PIECE};
use callout::models::projects::{self, ProjectName};
use callout::models::webhooks::{self, Settings};
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use serde_json::json;
use time::{Duration, OffsetDateTime};

use crate::support::app::{App, NOW};
use crate::support::db::TestDb;
use crate::support::factory;
use crate::support::people;
use crate::support::receiver;

/// Two pieces and a bit.
const MANY: i64 = 2 * PIECE + 1;
const LATER: OffsetDateTime = NOW.saturating_add(Duration::HOUR);

struct Waiting {
    db: TestDb,
    conn: PgConnection,
    project: ProjectId,
}

fn waiting() -> Waiting {
    let db = TestDb::new();
    let mut conn = db.conn();
    deliveries::make_ahead(&mut conn, NOW).expect("partitions");
    let name = ProjectName::new("Shop").expect("a name");
    let project = projects::create(&mut conn, &name, NOW).expect("a project").id;
    Waiting { db, conn, project }
}

impl Waiting {
    fn webhook(&mut self, name: &str, active: bool) -> WebhookId {
        let settings = Settings {
            name: name.to_owned(),
            target_url: "https://shop.example/".to_owned(),
            all_events: true,
            active,
            ..Settings::default()
        };
        webhooks::create(&mut self.conn, self.project, &settings, &SealKey::generate(), NOW)
            .expect("a webhook")
            .id
    }

    /// So many deliveries, each of an event a millisecond after the one before.
    fn deliveries(&self, webhook: WebhookId, count: i64, status: &str) {
        let ms = NOW.unix_timestamp() * 1_000;
        let due = if status == "5" { "null".to_owned() } else { format!("'{NOW}'") };
        self.db.execute(&format!(
            "insert into deliveries (project_id, id, event_id, webhook_id, event_type, status, due_at) \
             select '{}', (lpad(to_hex({ms} + n), 12, '0') || '7' || left(m, 3) || '8' || substr(m, 4, 15))::uuid, \
             gen_random_uuid(), '{}', 'customer.rewarded', {status}, {due} \
             from generate_series(1, {count}) n, lateral md5(n::text || '{}') m",
            self.project.0, webhook.0, webhook.0
        ));
    }

    fn count(&self, status: i16) -> i64 {
        self.db.count(&format!("deliveries where status = {status}"))
    }

    /// What follows, a number a piece, until nothing is left.
    fn rest(&mut self) -> Vec<i64> {
        let mut pieces = Vec::new();
        while let Some(moved) = deliveries::finish_some(&mut self.conn, PIECE, LATER).expect("a piece") {
            pieces.push(moved);
        }
        pieces
    }

    fn is_unfinished(&mut self) -> bool {
        !deliveries::unfinished(&mut self.conn, self.project).expect("an answer").is_empty()
    }
}

#[test]
fn what_was_held_is_released_in_pieces_and_in_the_order_of_its_events() {
    let mut waiting = waiting();
    let webhook = waiting.webhook("a", false);
    waiting.deliveries(webhook, MANY, "5");
    let (project, send) = (waiting.project, HeldChoice::Send);
    deliveries::resume_webhook(&mut waiting.conn, project, webhook, send, LATER).expect("resume");
    assert_eq!((waiting.count(0), waiting.count(5)), (PIECE, PIECE + 1));
    assert!(waiting.is_unfinished());
    let oldest_first = "select ((select max(id::text) from deliveries where status = 0) \
                        < (select min(id::text) from deliveries where status = 5))::text";
    assert_eq!(waiting.db.text(oldest_first), "true");
    assert_eq!(waiting.rest(), [PIECE, 1]);
    assert_eq!((waiting.count(0), waiting.count(5)), (MANY, 0));
    assert!(!waiting.is_unfinished());
    let in_order = "select bool_and(before is null or before < id)::text \
                    from (select id, lag(id) over (order by due_at) as before from deliveries) d";
    assert_eq!(waiting.db.text(in_order), "true");
    assert_eq!(waiting.db.count(&format!("deliveries where due_at > '{LATER}'")), 0);
}

#[test]
fn what_waits_for_a_paused_webhook_is_held_in_pieces_and_the_last_switch_counts() {
    let mut waiting = waiting();
    let webhook = waiting.webhook("a", true);
    waiting.deliveries(webhook, MANY, "0");
    let (project, send) = (waiting.project, HeldChoice::Send);
    deliveries::pause_webhook(&mut waiting.conn, project, webhook, LATER).expect("pause");
    assert_eq!((waiting.count(0), waiting.count(5)), (PIECE + 1, PIECE));
    assert_eq!(waiting.rest(), [PIECE, 1]);
    assert_eq!((waiting.count(0), waiting.count(5)), (0, MANY));

    deliveries::resume_webhook(&mut waiting.conn, project, webhook, send, LATER).expect("resume");
    assert_eq!((waiting.count(0), waiting.count(5)), (PIECE, PIECE + 1));
    // Before the rest was released.
    deliveries::pause_webhook(&mut waiting.conn, project, webhook, LATER).expect("pause");
    waiting.rest();
    assert_eq!((waiting.count(0), waiting.count(5)), (0, MANY));
}

#[test]
fn what_is_held_is_cancelled_in_pieces_and_nothing_that_is_held_afterwards() {
    let mut waiting = waiting();
    let webhook = waiting.webhook("a", false);
    waiting.deliveries(webhook, MANY, "5");
    let (project, cancel) = (waiting.project, HeldChoice::Cancel);
    let resumed_at = NOW + Duration::minutes(1);
    deliveries::resume_webhook(&mut waiting.conn, project, webhook, cancel, resumed_at).expect("resume");
    assert_eq!((waiting.count(6), waiting.count(5)), (PIECE, PIECE + 1));
    // An event that comes now is not held; then the webhook is paused, before all is cancelled.
    let at = (resumed_at + Duration::SECOND).unix_timestamp() * 1_000;
    waiting.db.execute(&format!(
        "insert into deliveries (project_id, id, event_id, webhook_id, event_type, status, due_at) values ('{}', \
         (lpad(to_hex({at}), 12, '0') || '70008000000000000000')::uuid, gen_random_uuid(), '{}', 'a.b', 0, '{NOW}')",
        project.0, webhook.0
    ));
    deliveries::pause_webhook(&mut waiting.conn, project, webhook, LATER).expect("pause");
    waiting.rest();
    assert_eq!((waiting.count(6), waiting.count(5), waiting.count(0)), (MANY, 1, 0));
    assert_eq!(waiting.db.count("deliveries where status = 6 and ended_at is null"), 0);
}

#[test]
fn who_chooses_to_send_while_the_rest_is_still_being_cancelled_has_the_rest_sent() {
    let mut waiting = waiting();
    let webhook = waiting.webhook("a", false);
    waiting.deliveries(webhook, MANY, "5");
    let project = waiting.project;
    let cancels = |waiting: &mut Waiting| {
        deliveries::unfinished(&mut waiting.conn, project).expect("an answer").get(&webhook).copied()
    };
    deliveries::resume_webhook(&mut waiting.conn, project, webhook, HeldChoice::Cancel, LATER)
        .expect("resume");
    assert_eq!(cancels(&mut waiting), Some(true));
    deliveries::pause_webhook(&mut waiting.conn, project, webhook, LATER).expect("pause");
    assert_eq!((cancels(&mut waiting), waiting.count(6)), (Some(true), 2 * PIECE));
    deliveries::resume_webhook(&mut waiting.conn, project, webhook, HeldChoice::Send, LATER).expect("resume");
    waiting.rest();
    assert_eq!((waiting.count(6), waiting.count(0), waiting.count(5)), (2 * PIECE, 1, 0));
}

#[test]
fn a_node_leaves_alone_what_another_is_at() {
    let mut waiting = waiting();
    let webhook = waiting.webhook("a", false);
    waiting.deliveries(webhook, MANY, "5");
    let project = waiting.project;
    deliveries::resume_webhook(&mut waiting.conn, project, webhook, HeldChoice::Cancel, LATER)
        .expect("resume");
    let mut other = waiting.db.conn();
    let undone = other.transaction(|other| {
        assert_eq!(deliveries::finish_some(other, PIECE, LATER)?, Some(PIECE));
        // A smaller piece than there is does not mean that nothing is left.
        assert_eq!(deliveries::finish_some(&mut waiting.conn, PIECE, LATER)?, Some(0));
        Err::<(), DbError>(DbError::Unavailable("killed".to_owned()))
    });
    assert!(undone.is_err() && waiting.is_unfinished());
    waiting.rest();
    assert_eq!((waiting.count(6), waiting.count(5), waiting.count(0)), (MANY, 0, 0));
}

#[test]
fn what_waits_for_a_deleted_webhook_is_cancelled_in_pieces() {
    let mut waiting = waiting();
    let (webhook, other) = (waiting.webhook("a", true), waiting.webhook("b", true));
    waiting.deliveries(webhook, MANY, "3");
    waiting.deliveries(other, 1, "0");
    let project = waiting.project;
    let deleted = deliveries::delete_webhook(&mut waiting.conn, project, webhook, LATER).expect("delete");
    assert!(deleted && waiting.is_unfinished());
    assert_eq!((waiting.count(3), waiting.count(6)), (PIECE + 1, PIECE));
    waiting.rest();
    assert_eq!((waiting.count(3), waiting.count(6), waiting.count(0)), (0, MANY, 1));
    assert_eq!(
        waiting.db.count("deliveries where status = 6 and (ended_at is null or due_at is not null)"),
        0
    );
}

#[test]
fn the_master_switch_releases_a_piece_at_once_and_the_rest_of_every_webhook_soon() {
    let mut waiting = waiting();
    let webhooks = [waiting.webhook("a", true), waiting.webhook("b", true), waiting.webhook("off", false)];
    let project = waiting.project;
    projects::disable_webhooks(&mut waiting.conn, project).expect("off");
    webhooks.iter().for_each(|webhook| waiting.deliveries(*webhook, PIECE - 1, "5"));
    deliveries::enable_webhooks(&mut waiting.conn, project, HeldChoice::Send, LATER).expect("on");
    assert_eq!(waiting.count(0), PIECE);
    waiting.rest();
    assert_eq!((waiting.count(0), waiting.count(5)), (2 * (PIECE - 1), PIECE - 1));
}

#[test]
fn the_rest_follows_after_a_restart_and_pages_say_how_many_are_left() {
    let (mut app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    let owner = people::owner(&app);
    let webhook = project.webhook(&receiver.url("/"), json!({}));
    let link = format!("/p/{}/settings/webhooks", project.id);
    let held = |app: &App| {
        project.api().patch("/v1/project", &json!({ "webhooks_enabled": false })).expect(200);
        (0..3).for_each(|n| drop(project.event("customer.rewarded", json!({ "n": n }))));
        app.wait_for("held", 3);
    };
    // As a switch leaves it whose first piece did not reach them.
    let switched = format!(
        "update projects set webhooks_enabled = true, settings_version = settings_version + 1; \
         insert into unfinished_switches select project_id, id from webhooks where name = '{}'",
        webhook["name"].as_str().expect("a name")
    );
    held(&app);
    let mut busy = app.db.conn();
    let seen = busy.transaction(|conn| {
        // Whoever would release them waits.
        conn.batch_execute("lock table deliveries in exclusive mode")?;
        app.db.execute(&switched);
        let list = owner.get(&link).expect(200).page().text(".webhook-held");
        let id = app.db.text("select replace(id::text, '-', '') from webhooks");
        let own = owner.get(&format!("{link}/wh_{id}")).expect(200).page().text(".beside-state");
        Ok::<_, diesel::result::Error>((list, own))
    });
    let (list, own) = seen.expect("two pages");
    assert_eq!(list, "3 still to be released");
    assert!(own.contains("3 deliveries are still to be released"), "{own}");
    app.wait_for("delivered", 3);

    held(&app);
    app.stop();
    app.db.execute(&switched);
    app.restart();
    app.wait_for("delivered", 6);
    assert_eq!(receiver.count(), 6);
}
