//! Pages one after another are the whole list: with many rows of the same moment, while more arrive, and where a search
//! stops on the way.
use std::collections::BTreeSet;

use callout::base::ids::{DeliveryId, ProjectId};
use callout::models::deliveries::{self, AttemptCount, FailureKind, Filter, Status};
use diesel::PgConnection;
use proptest::prelude::*;
use time::Duration;
use uuid::Uuid;

use crate::support::app::NOW;
use crate::support::db::TestDb;

const PROJECT: Uuid = Uuid::from_u128(0x7000_8000_0000_0000_0001);
/// What [`deliveries::look`] looks through for a page.
const LOOKED_THROUGH: usize = 20_000;

fn project() -> ProjectId {
    ProjectId(PROJECT)
}

/// A database with the days that are written to.
fn days() -> TestDb {
    let db = TestDb::new();
    deliveries::make_ahead(&mut db.conn(), NOW).expect("partitions");
    deliveries::make_behind(&mut db.conn(), NOW - Duration::days(60), NOW).expect("partitions");
    db
}

/// Deliveries of one moment, as many as `count`: a third has failed, every fifth was tried more than once.
fn insert(db: &TestDb, minutes_ago: i64, first: usize, count: usize) {
    let ms = (NOW - Duration::minutes(minutes_ago)).unix_timestamp() * 1_000;
    db.execute(&format!(
        "insert into deliveries (project_id, id, event_id, webhook_id, event_type, status, test, claims, attempt_count, \
         retries_used, last_response_status, last_failure_kind, ended_at) \
         select '{PROJECT}', u, u, '{PROJECT}', 'type.' || i % 3, case when i % 3 = 0 then 4 else 2 end, false, 1, \
         case when i % 5 = 0 then 3 else 1 end, 0, case when i % 3 = 0 then null else 200 end, \
         case when i % 3 = 0 then i % 2 end, now() \
         from (select i, (lpad(to_hex({ms}), 12, '0') || '7' || substr(md5(i::text), 1, 3) || '8' \
               || substr(md5(i::text), 4, 15))::uuid as u from generate_series({first}, {first} + {count} - 1) i) made"
    ));
}

/// Everything, page by page; `between` runs after each.
fn walked(
    conn: &mut PgConnection,
    filter: &Filter,
    limit: i64,
    mut between: impl FnMut(),
) -> (Vec<DeliveryId>, usize) {
    let (mut filter, mut seen, mut pages) = (filter.clone(), Vec::new(), 0);
    loop {
        let page = deliveries::look(conn, project(), &filter, limit, NOW).expect("a page");
        let is_full = page.deliveries.len() as i64 == limit;
        seen.extend(page.deliveries.iter().map(|delivery| delivery.id));
        pages += 1;
        filter.before = match (is_full, page.stopped_at) {
            (true, _) => seen.last().copied(),
            (false, Some(at)) => Some(at),
            (false, None) => return (seen, pages),
        };
        between();
    }
}

fn filters() -> Vec<Filter> {
    let any = Filter::default;
    vec![
        any(),
        Filter { statuses: vec![Status::Failed], ..any() },
        Filter { statuses: vec![Status::Failed, Status::Delivered, Status::Held], ..any() },
        Filter { types: vec!["type.0".into(), "type.1".into()], ..any() },
        Filter { failures: vec![FailureKind::Timeout], ..any() },
        Filter { attempts: Some(AttemptCount { least: 2, most: None }), ..any() },
        Filter {
            failures: vec![FailureKind::Dns],
            attempts: Some(AttemptCount { least: 1, most: Some(1) }),
            ..any()
        },
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pages_are_the_whole_list_under_ties_and_while_more_arrive(
        moments in prop::collection::vec((0_i64..70_000, 1_usize..40), 1..12),
        limit in 1_i64..60,
        more in 1_usize..30,
    ) {
        let db = days();
        let mut made = 0;
        for (minutes_ago, count) in moments {
            insert(&db, minutes_ago + 1, made, count);
            made += count;
        }
        let mut conn = db.conn();
        for filter in filters() {
            let whole: Vec<_> = deliveries::list(&mut conn, project(), &filter, i64::MAX, NOW)
                .expect("the list").into_iter().map(|delivery| delivery.id).collect();
            let mut arrived = 0;
            let (seen, _) = walked(&mut conn, &filter, limit, || {
                // Each newer than all there is: never on a later page.
                if arrived < 3 {
                    insert(&db, -i64::try_from(made).unwrap_or_default(), made, more);
                    made += more;
                    arrived += 1;
                }
            });
            prop_assert_eq!(&seen, &whole);
            prop_assert!(seen.is_sorted_by(|a, b| a > b), "newest first, each once");
        }
    }
}

#[test]
fn a_search_stops_after_a_number_of_rows_and_goes_on_until_it_has_everything() {
    let db = days();
    for (day, first) in [(1, 0), (2, 15_000), (9, 30_000)] {
        insert(&db, day * 24 * 60, first, 15_000);
    }
    db.execute("update deliveries set attempt_count = 1");
    db.execute(
        "update deliveries set attempt_count = 7 where id in (select id from deliveries order by id limit 3)",
    );
    let mut conn = db.conn();
    let filter = Filter { attempts: Some(AttemptCount { least: 7, most: Some(7) }), ..Filter::default() };
    let first = deliveries::look(&mut conn, project(), &filter, 51, NOW).expect("a page");
    assert!(first.deliveries.is_empty() && first.stopped_at.is_some(), "it does not go through all at once");
    let (seen, pages) = walked(&mut conn, &filter, 51, || ());
    assert_eq!((seen.len(), pages), (3, 45_000 / LOOKED_THROUGH + 1));
    let whole = deliveries::list(&mut conn, project(), &filter, 51, NOW).expect("the list");
    assert_eq!(whole.iter().map(|delivery| delivery.id).collect::<BTreeSet<_>>(), seen.into_iter().collect());
}
