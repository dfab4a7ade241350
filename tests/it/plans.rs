//! How Postgres looks rows up: by their keys, from the first row of a day's tables on, and however many there are.
//!
//! `tests/run million` draws a history of a million deliveries for it, and prints what it measured.
mod figures;
mod history;
mod hot;
mod pages;
mod searches;

use callout::base::db::Db;
use callout::base::ids::{DeliveryId, ProjectId, WebhookId};
use callout::models::deliveries::{self, Next, Outcome};
use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::support::app::NOW;
use crate::support::db::TestDb;
use crate::support::watched::{Reading, Watched};
use history::History;

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    text: String,
}

#[derive(QueryableByName)]
struct Prepared {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    parameters: String,
}

/// The plan of the statement that this connection has prepared and that begins like this.
fn plan(conn: &mut PgConnection, beginning: &str) -> String {
    let found = diesel::sql_query(
        "select name, (select string_agg('null::' || p, ', ') from unnest(parameter_types) p) as parameters \
         from pg_prepared_statements where statement like $1 || '%'",
    );
    let prepared: Prepared = found.bind::<Text, _>(beginning).get_result(conn).expect("one such statement");
    let explain = format!("explain execute {}({})", prepared.name, prepared.parameters);
    let lines: Vec<Line> = diesel::sql_query(explain).load(conn).expect("a plan");
    lines.into_iter().map(|line| line.text).collect::<Vec<_>>().join("\n")
}

#[test]
fn outcomes_find_their_rows_by_key_even_while_the_days_tables_are_empty() {
    let db = TestDb::new();
    deliveries::make_ahead(&mut db.conn(), NOW).expect("partitions");
    let mut conn = Db::new(&db.url(), 1).own_connection().expect("a connection");
    let outcome = Outcome {
        project: ProjectId::new(NOW),
        delivery: DeliveryId(ProjectId::new(NOW).0),
        webhook: WebhookId::new(NOW),
        claims: 1,
        test: false,
        in_turn: false,
        attempts_before: 0,
        attempt: None,
        next: Next::Delivered,
        without_row: None,
    };
    assert_eq!(deliveries::record(&mut conn, &[outcome], NOW).expect("record"), 0);
    let plan = plan(&mut conn, "update deliveries d set claimed_by");
    assert!(plan.contains("Index Scan using deliveries_older_pkey"), "{plan}");
    for slow in ["Seq Scan", "Bitmap", "Hash", "Merge", "due_at_idx"] {
        assert!(!plan.contains(slow), "{slow} in\n{plan}");
    }
}

#[test]
fn what_is_asked_often_reads_little_of_a_long_history() {
    let history = History::drawn();
    let mut watched = Watched::connect(&history.db.url());
    let mut wrong = Vec::new();
    let mut judge = |name: &str, found: usize, (rows_max, blocks_max): (u64, u64), read: Reading| {
        let Reading { rows, blocks, whole_tables, through, statements } = read;
        let line = format!(
            "{name}: {found} found, {rows} rows and {blocks} blocks read by {statements} statements through {}",
            through.into_iter().collect::<Vec<_>>().join(", ")
        );
        println!("{line}");
        if statements == 0 {
            wrong.push(format!("not watched: {line}"));
        }
        if rows > rows_max || blocks > blocks_max {
            wrong.push(format!("more than {rows_max} rows or {blocks_max} blocks: {line}"));
        }
        if !whole_tables.is_empty() {
            wrong.push(format!("whole tables ({whole_tables:?}): {line}"));
        }
    };
    for asked in pages::lists(&history).into_iter().chain(pages::looks()).chain(pages::others(&history)) {
        let (found, read) = watched.page(|conn| (asked.work)(conn));
        judge(asked.name, found, (asked.rows_max, asked.blocks_max), read);
    }
    for (name, work, short, long) in hot::ASKED {
        let (found, read) = watched.hot(work);
        judge(name, found, if history.is_long() { long } else { short }, read);
    }
    if history.is_long() {
        figures::print(&history);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
