//! How long it takes, and how large it is. Printed, not judged: it depends on the machine.
use std::time::{Duration, Instant};

use callout::base::db::Db;

use super::history::History;
use super::{pages, searches};

/// Times that each is asked.
const RUNS: usize = 50;
/// Slower than a page should be.
const SLOW: Duration = Duration::from_millis(10);

/// Bytes a row of each table, and of each index.
const SIZES: &str = "select format('%s %s bytes, %s a row of %s', rpad(o.parent, 30), lpad(sum(o.bytes)::text, 12), \
     round(sum(o.bytes) / sum(o.rows), 1), o.counted) from ( \
     select p.relname::text as parent, pg_table_size(t.oid) as bytes, t.reltuples::numeric as rows, p.relname::text as counted \
     from pg_class t join pg_inherits i on i.inhrelid = t.oid join pg_class p on p.oid = i.inhparent \
     where t.relkind = 'r' and t.reltuples > 0 \
     union all \
     select p.relname::text, pg_relation_size(x.indexrelid), t.reltuples::numeric, q.relname::text \
     from pg_index x join pg_class t on t.oid = x.indrelid join pg_inherits i on i.inhrelid = x.indexrelid \
     join pg_class p on p.oid = i.inhparent join pg_inherits j on j.inhrelid = t.oid join pg_class q on q.oid = j.inhparent \
     where t.reltuples > 0) o group by o.parent, o.counted order by o.counted, o.parent";

/// Prints sizes, and the time of each page: the median and the slowest of many.
pub(super) fn print(history: &History) {
    searches::index(history);
    for line in history.db.texts(SIZES) {
        println!("{line}");
    }
    let db = Db::new(&history.db.url(), 1);
    let all = pages::lists(history).into_iter().chain(pages::others(history)).chain(pages::searches());
    let all = all.chain(searches::asked());
    for asked in all {
        let mut times: Vec<Duration> = (0..RUNS)
            .map(|_| {
                let begin = Instant::now();
                db.run_blocking(|conn| (asked.work)(conn)).expect("an answer");
                begin.elapsed()
            })
            .collect();
        times.sort();
        let (middle, slowest) = (times[RUNS / 2], times[RUNS - 1]);
        let mark = if slowest > SLOW { " !" } else { "" };
        println!("{}: {middle:.1?}, at most {slowest:.1?}{mark}", asked.name);
    }
}
