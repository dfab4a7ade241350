//! The pieces of a replay: each is whole, in order, within its rate and its room, and what ended long ago goes.
use callout::base::ids::{ProjectId, ReplayId, WebhookId};
use callout::base::seal::SealKey;
use callout::models::deliveries::{self, Filter, Status};
use callout::models::projects::{self, ProjectName};
use callout::models::replays::{self, ItemState, KEPT, Options, Replay, ReplayStatus, Step, Wanted};
use callout::models::webhooks::{self, Settings};
use diesel::PgConnection;
use time::{Duration, OffsetDateTime};

use crate::support::app::NOW;
use crate::support::db::TestDb;

const LATER: OffsetDateTime = NOW.saturating_add(Duration::HOUR);

struct Stage {
    db: TestDb,
    conn: PgConnection,
    project: ProjectId,
    webhook: WebhookId,
}

/// So many deliveries that failed, each of an event a millisecond after the one before.
fn stage(count: i64) -> Stage {
    let db = TestDb::new();
    let mut conn = db.conn();
    deliveries::make_ahead(&mut conn, NOW).expect("partitions");
    let name = ProjectName::new("Shop").expect("a name");
    let project = projects::create(&mut conn, &name, NOW).expect("a project").id;
    let settings = Settings {
        name: "a".to_owned(),
        target_url: "https://shop.example/".to_owned(),
        all_events: true,
        ..Settings::default()
    };
    let key = SealKey::generate();
    let webhook = webhooks::create(&mut conn, project, &settings, &key, NOW).expect("a webhook").id;
    let ms = NOW.unix_timestamp() * 1_000;
    db.execute(&format!(
        "create table made as select (lpad(to_hex({ms} + n), 12, '0') || '7' || left(m, 3) || '8' || substr(m, 4, 15))::uuid as id \
         from generate_series(1, {count}) n, lateral md5(n::text) m; \
         insert into events (project_id, id, event_type, created_at, source, data, deliveries) \
         select '{0}', id, 'customer.rewarded', '{NOW}', '{{}}', '{{}}', 1 from made; \
         insert into deliveries (project_id, id, event_id, webhook_id, event_type, status, ended_at) \
         select '{0}', id, id, '{1}', 'customer.rewarded', 4, '{NOW}' from made",
        project.0, webhook.0
    ));
    Stage { db, conn, project, webhook }
}

impl Stage {
    fn begin(&mut self, options: Options) -> ReplayId {
        let filter =
            Filter { statuses: vec![Status::Failed], webhooks: vec![self.webhook], ..Filter::default() };
        let wanted = Wanted::Matching(Box::new(filter));
        replays::create(&mut self.conn, self.project, wanted, options, LATER).expect("a replay").id
    }

    /// A piece, on a connection of its own: as by another program.
    fn piece(&self, now: OffsetDateTime) -> Step {
        replays::go_on(&mut self.db.conn(), now).expect("a piece")
    }

    fn replay(&mut self, id: ReplayId) -> Replay {
        replays::find(&mut self.conn, self.project, id).expect("an answer").expect("a replay")
    }

    fn count(&mut self, id: ReplayId, state: ItemState) -> i64 {
        self.replay(id).counts.of(state)
    }

    /// What is due comes to this end.
    fn end(&self, status: i16) {
        self.db.execute(&format!("update deliveries set status = {status}, due_at = null where status = 0"));
    }

    fn due(&self) -> i64 {
        self.db.count("deliveries where status = 0")
    }

    /// Until all that matched is written down.
    fn collected(&mut self, id: ReplayId) {
        while !self.replay(id).is_collected {
            assert_eq!((self.piece(LATER), self.due()), (Step::Moved, 0));
        }
    }
}

#[test]
fn nothing_is_sent_before_all_that_matched_is_counted_and_then_oldest_first() {
    let mut stage = stage(11_000);
    let id = stage.begin(Options::default());
    // What comes from now on does not match any more, or not yet.
    stage.db.execute("update deliveries set status = 6 where id = (select max(id::text)::uuid from made)");
    assert_eq!(stage.piece(LATER), Step::Moved);
    assert_eq!((stage.replay(id).counts.total(), stage.due()), (5_000, 0));
    stage.collected(id);
    assert_eq!(stage.count(id, ItemState::Waiting), 10_999);
    stage.piece(LATER);
    let due = stage.due();
    assert!((1..=1_000).contains(&due), "{due}");
    let oldest_first = "select ((select max(id::text) from deliveries where status = 0) \
                        < (select min(id::text) from deliveries where status = 4))::text";
    assert_eq!(stage.db.text(oldest_first), "true");
    let in_order = "select bool_and(before is null or before < due_at)::text \
                    from (select due_at, lag(due_at) over (order by id) as before from deliveries where status = 0) d";
    assert_eq!(stage.db.text(in_order), "true");
    // No more than there is room for, however often it is looked.
    stage.piece(LATER);
    assert_eq!(stage.due(), due);
    let mut pieces = 0;
    while stage.replay(id).status == ReplayStatus::Running {
        stage.end(2);
        stage.piece(LATER);
        pieces += 1;
    }
    assert_eq!(
        (stage.count(id, ItemState::Delivered), stage.replay(id).status),
        (10_999, ReplayStatus::Done)
    );
    assert!(pieces < 40, "the room grows while all is taken: {pieces}");
}

#[test]
fn the_newest_go_first_if_asked_for() {
    let mut stage = stage(1_500);
    let id = stage.begin(Options { newest_first: true, ..Options::default() });
    stage.collected(id);
    stage.piece(LATER);
    let newest_first = "select ((select min(id::text) from deliveries where status = 0) \
                        > (select max(id::text) from deliveries where status = 4))::text";
    assert_eq!(stage.db.text(newest_first), "true");
}

#[test]
fn no_more_are_handed_over_than_the_rate_lets_out() {
    let mut stage = stage(300);
    let id = stage.begin(Options { rate_per_s: Some(20), ..Options::default() });
    stage.collected(id);
    let mut handed_over = Vec::new();
    // Ten looks a second, for five seconds.
    for tenth in 0..50 {
        stage.piece(LATER + Duration::milliseconds(100 * tenth));
        handed_over.push(stage.due());
    }
    assert!((99..=101).contains(&handed_over[49]), "{handed_over:?}");
    for (before, after) in handed_over.iter().zip(&handed_over[10..]) {
        assert!(after - before <= 20, "{handed_over:?}");
    }
    // Nobody looked for a minute: that is not made up for at once.
    stage.piece(LATER + Duration::MINUTE);
    assert!(stage.due() <= handed_over[49] + 6, "{}", stage.due());
}

#[test]
fn a_paused_replay_hands_over_nothing_but_sees_what_becomes_of_what_it_had() {
    let mut stage = stage(1_000);
    let id = stage.begin(Options::default());
    stage.collected(id);
    stage.piece(LATER);
    let due = stage.due();
    replays::pause(&mut stage.conn, stage.project, id, LATER).expect("pause");
    stage.end(2);
    stage.piece(LATER + Duration::MINUTE);
    assert_eq!((stage.count(id, ItemState::Delivered), stage.due()), (due, 0));
    assert_eq!(stage.piece(LATER + Duration::HOUR), Step::Idle);
    replays::resume(&mut stage.conn, stage.project, id, LATER + Duration::HOUR).expect("resume");
    stage.piece(LATER + Duration::HOUR);
    assert!(stage.due() > 0);
    replays::cancel(&mut stage.conn, stage.project, id, LATER + Duration::HOUR).expect("cancel");
    // What waits for a retry when it was cancelled is followed to its end.
    stage.end(3);
    stage.piece(LATER + 2 * Duration::HOUR);
    assert!(stage.count(id, ItemState::Retrying) > 0);
    stage.db.execute("update deliveries set status = 4 where status = 3");
    stage.piece(LATER + 3 * Duration::HOUR);
    assert_eq!((stage.count(id, ItemState::Retrying), stage.replay(id).status), (0, ReplayStatus::Cancelled));
}

#[test]
fn a_share_of_failures_stops_it_once_twenty_were_tried() {
    let mut stage = stage(1_000);
    let options = Options { rate_per_s: Some(19), stop_percent: Some(50), ..Options::default() };
    let id = stage.begin(options);
    stage.collected(id);
    let mut now = LATER;
    while stage.count(id, ItemState::HandedOver) < 19 {
        now += Duration::milliseconds(10);
        stage.piece(now);
    }
    stage.end(3);
    stage.piece(now);
    assert_eq!(stage.replay(id).status, ReplayStatus::Running);
    now += Duration::SECOND;
    stage.piece(now);
    stage.end(3);
    stage.piece(now);
    assert_eq!(stage.replay(id).status, ReplayStatus::Stopped);
    // Resumed, what failed before no longer counts.
    replays::resume(&mut stage.conn, stage.project, id, now).expect("resume");
    stage.piece(now);
    assert_eq!(stage.replay(id).status, ReplayStatus::Running);
    // Without a share it never stops.
    let mut stage = self::stage(1_000);
    let id = stage.begin(Options { stop_percent: None, ..Options::default() });
    stage.collected(id);
    while stage.replay(id).status == ReplayStatus::Running {
        stage.end(4);
        stage.piece(LATER);
    }
    assert_eq!((stage.replay(id).status, stage.count(id, ItemState::Failed)), (ReplayStatus::Done, 1_000));
}

#[test]
fn a_delivery_that_somebody_has_at_the_moment_is_tried_later_and_one_without_data_is_left_out() {
    let mut stage = stage(10);
    stage.db.execute("update events set data = '' where id = (select min(id::text)::uuid from made)");
    let id = stage.begin(Options::default());
    stage.collected(id);
    let mut other = stage.db.conn();
    use diesel::Connection as _;
    use diesel::connection::SimpleConnection as _;
    let locked = other.transaction(|conn| {
        conn.batch_execute(
            "select from deliveries where id = (select max(id::text)::uuid from made) for update",
        )?;
        stage.piece(LATER);
        assert_eq!((stage.due(), stage.count(id, ItemState::Waiting)), (8, 1));
        Ok::<_, diesel::result::Error>(())
    });
    locked.expect("a lock");
    stage.piece(LATER);
    assert_eq!((stage.due(), stage.count(id, ItemState::LeftNotKept)), (9, 1));
}

#[test]
fn a_replay_goes_with_its_items_a_month_after_it_last_ran() {
    let mut stage = stage(6_000);
    let id = stage.begin(Options::default());
    stage.collected(id);
    assert_eq!(stage.piece(LATER + KEPT + Duration::HOUR), Step::Moved);
    assert_eq!(stage.replay(id).status, ReplayStatus::Running);
    replays::cancel(&mut stage.conn, stage.project, id, LATER).expect("cancel");
    stage.end(2);
    let soon = LATER + Duration::DAY;
    while stage.piece(soon) != Step::Idle {}
    assert_eq!(stage.db.count("replay_items"), 6_000);
    let then = LATER + KEPT + Duration::SECOND;
    while stage.piece(then) != Step::Idle {}
    assert_eq!((stage.db.count("replay_items"), stage.db.count("replays")), (0, 0));
}
