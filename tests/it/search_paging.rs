//! Pages of a search, one after another, are everything that it finds: with many of the same moment, while more arrive,
//! and whether the index knows them or not.
use callout::base::ids::{DeliveryId, ProjectId};
use callout::models::deliveries::{self, Filter, Status};
use callout::models::projects::{self, ProjectName};
use callout::models::search::{self, Kept, Step};
use diesel::PgConnection;
use proptest::prelude::*;
use time::Duration;

use crate::support::app::NOW;
use crate::support::db::TestDb;

const KEPT: Kept = Kept { bytes: 1 << 40, time: Duration::days(90) };

/// A database with the days that are written to, and a project.
fn days() -> (TestDb, ProjectId) {
    let db = TestDb::new();
    let mut conn = db.conn();
    deliveries::make_behind(&mut conn, NOW - Duration::days(60), NOW).expect("partitions");
    let name = ProjectName::new("Shop").expect("a name");
    let project = projects::create(&mut conn, &name, NOW).expect("a project").id;
    (db, project)
}

/// Events of one moment with a delivery each: every second holds what is looked for, a third has failed.
fn insert(db: &TestDb, project: ProjectId, minutes_ago: i64, first: usize, count: usize) {
    let ms = (NOW - Duration::minutes(minutes_ago)).unix_timestamp() * 1_000;
    let (project, made) = (
        project.0,
        format!(
            "select i, (lpad(to_hex({ms}), 12, '0') || '7' || substr(md5(i::text), 1, 3) || '8' \
         || substr(md5(i::text), 4, 15))::uuid as e, (lpad(to_hex({ms}), 12, '0') || '7' || substr(md5('d' || i), 1, 3) \
         || '8' || substr(md5('d' || i), 4, 15))::uuid as d from generate_series({first}, {first} + {count} - 1) i"
        ),
    );
    db.execute(&format!(
        "insert into events (project_id, id, event_type, created_at, source, data, deliveries) \
         select '{project}', e, 'type.' || i % 3, now(), '{{}}', convert_to('{{\"campaign\":\"' || \
         case when i % 2 = 0 then 'Autumn' else 'Winter' end || '\",\"code\":\"c-' || i || '\"}}', 'UTF8'), 1 from ({made}) m"
    ));
    db.execute(&format!(
        "insert into deliveries (project_id, id, event_id, webhook_id, event_type, status, test, claims, attempt_count, \
         retries_used, ended_at) select '{project}', d, e, '{project}', 'type.' || i % 3, \
         case when i % 3 = 0 then 4 else 2 end, false, 1, 1, 0, now() from ({made}) m"
    ));
}

fn walked(
    conn: &mut PgConnection,
    project: ProjectId,
    filter: &Filter,
    limit: i64,
    mut between: impl FnMut(),
) -> Vec<DeliveryId> {
    let (mut filter, mut seen) = (filter.clone(), Vec::new());
    loop {
        let page = deliveries::look(conn, project, &filter, limit, NOW).expect("a page");
        let is_full = page.deliveries.len() as i64 == limit;
        seen.extend(page.deliveries.iter().map(|delivery| delivery.id));
        filter.before = match (is_full, page.stopped_at) {
            (true, _) => seen.last().copied(),
            (false, Some(at)) => Some(at),
            (false, None) => return seen,
        };
        between();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pages_of_a_search_are_everything_it_finds(
        moments in prop::collection::vec((0_i64..70_000, 1_usize..60), 1..12),
        pieces in 0_usize..20,
        batch in 5_usize..50,
        limit in 1_i64..40,
    ) {
        let (db, project) = days();
        let mut conn = db.conn();
        let mut made = 0;
        for (minutes_ago, count) in moments {
            insert(&db, project, minutes_ago + 1, made, count);
            made += count;
        }
        for _ in 0..pieces {
            search::go_on(&mut conn, KEPT, batch, NOW).expect("a piece");
        }
        let known = db.count("search_progress where is_whole") == 1;
        let wanted = |q: &str, statuses: &[Status]| {
            Filter { q: Some(q.to_owned()), statuses: statuses.to_vec(), ..Filter::default() }
        };
        for (q, statuses, condition) in [
            ("autumn", vec![], "i % 2 = 0"),
            ("AUT*", vec![Status::Failed], "i % 2 = 0 and status = 4"),
            ("c-1*", vec![], "code like 'c-1%'"),
        ] {
            let filter = wanted(q, &statuses);
            let mut arrived = 0;
            let seen = walked(&mut conn, project, &filter, limit, || {
                if arrived < 2 {
                    // Newer than all there is: never on a later page.
                    insert(&db, project, -i64::try_from(made).unwrap_or_default(), made, 5);
                    made += 5;
                    arrived += 1;
                }
                // The index goes on meanwhile.
                let step = search::go_on(&mut db.conn(), KEPT, batch, NOW).expect("a piece");
                assert!(step != Step::Took(0));
            });
            prop_assert!(seen.is_sorted_by(|a, b| a > b), "newest first, each once");
            if known {
                let ended = NOW.unix_timestamp() * 1_000;
                let all = db.count(&format!(
                    "(select d.status, substr(convert_from(e.data, 'UTF8'), 15) as rest, \
                     convert_from(e.data, 'UTF8')::json->>'code' as code, \
                     substr(convert_from(e.data, 'UTF8')::json->>'code', 3)::int as i \
                     from deliveries d join events e on e.id = d.event_id \
                     where d.id < (lpad(to_hex({ended}), 12, '0') || '70008000000000000000')::uuid) x where {condition}"
                ));
                prop_assert!(seen.len() as i64 >= all, "{q}: {} of {all}", seen.len());
            }
            let closely = deliveries::look_closely(&mut conn, project, &filter, i64::MAX, NOW).expect("all");
            let before: Vec<_> = closely.deliveries.iter().map(|d| d.id).filter(|id| seen.contains(id)).collect();
            prop_assert_eq!(&before, &seen, "what is found by pages is in the whole");
        }
    }
}
