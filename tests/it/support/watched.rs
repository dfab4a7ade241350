//! A way to the database that tells how Postgres found the rows of each statement that went through it.
//!
//! The statements are those of the program, with its own parameters and settings: `auto_explain` sends each plan, with
//! what it really read, as a notice, and a proxy in between picks it up.
use std::collections::BTreeSet;

use callout::base::db::{Db, DbError};
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use serde_json::Value;

use super::pg_proxy::PgProxy;

const TELL_PLANS: &str = "load 'auto_explain'; set auto_explain.log_min_duration = 0; set auto_explain.log_analyze = on; \
                          set auto_explain.log_timing = off; set auto_explain.log_buffers = on; \
                          set auto_explain.log_format = json; set auto_explain.log_level = notice";
/// The sixth time Postgres considers a plan for any parameters.
const HEARD_BEFORE: usize = 5;
/// Tables that grow with every event.
const LARGE: [&str; 3] = ["events", "deliveries", "attempts"];

/// Connections whose statements are watched.
pub struct Watched {
    proxy: PgProxy,
    pages: Db,
    own: PgConnection,
}

/// What statements read of the large tables, all together.
#[derive(Debug, Default)]
pub struct Reading {
    /// Rows looked at, whether they were wanted or not.
    pub rows: u64,
    /// Blocks of 8 KiB, of any table or index.
    pub blocks: u64,
    /// Tables that were read from one end to the other although they hold rows.
    pub whole_tables: BTreeSet<String>,
    /// The indexes and tables that rows came from, for messages.
    pub through: BTreeSet<String>,
    /// How many statements there were.
    pub statements: usize,
}

impl Watched {
    /// To the database of this address, whose user must be a superuser.
    pub fn connect(url: &str) -> Self {
        let proxy = PgProxy::listening(url);
        let pages = Db::new(&proxy.url(), 1);
        let mut own = Db::new(&proxy.url(), 1).own_connection().expect("a connection");
        own.batch_execute(TELL_PLANS).expect("auto_explain, of Postgres' own additions");
        pages.run_blocking(|conn| Ok::<_, DbError>(conn.batch_execute(TELL_PLANS)?)).expect("a connection");
        Self { proxy, pages, own }
    }

    /// What `work` reads over a connection as pages and the API have them, that has been asked for it before: Postgres may
    /// take another plan for what it hears again and again.
    pub fn page<T>(&mut self, work: impl Fn(&mut PgConnection) -> Result<T, DbError>) -> (T, Reading) {
        for _ in 0..HEARD_BEFORE {
            self.pages.run_blocking(&work).expect("an answer");
        }
        self.proxy.heard();
        let found = self.pages.run_blocking(work).expect("an answer");
        (found, Reading::of(&self.proxy.heard()))
    }

    /// What `work` reads over a connection as the hot path has it. Everything it does is undone.
    pub fn hot<T>(&mut self, work: impl FnOnce(&mut PgConnection) -> Result<T, DbError>) -> (T, Reading) {
        self.proxy.heard();
        let mut found = None;
        let undone = self.own.transaction(|conn| {
            found = Some(work(conn).expect("an answer"));
            Err::<(), _>(diesel::result::Error::RollbackTransaction)
        });
        assert!(undone.is_err());
        (found.expect("an answer"), Reading::of(&self.proxy.heard()))
    }
}

impl Reading {
    fn of(answers: &[u8]) -> Self {
        let mut reading = Self::default();
        for plan in notices(answers).filter_map(plan_in) {
            let own_blocks = |name: &str| plan[name].as_u64().unwrap_or_default();
            reading.blocks += own_blocks("Shared Hit Blocks") + own_blocks("Shared Read Blocks");
            reading.statements += 1;
            reading.add(&plan);
        }
        reading
    }

    fn add(&mut self, node: &Value) {
        let number = |name: &str| node[name].as_f64().unwrap_or_default();
        let loops = number("Actual Loops");
        let kind = node["Node Type"].as_str().unwrap_or_default();
        if let Some(table) = node["Relation Name"].as_str()
            && LARGE.iter().any(|large| table.starts_with(large))
            && kind.contains("Scan")
        {
            let looked_at = number("Actual Rows")
                + number("Rows Removed by Filter")
                + number("Rows Removed by Index Recheck");
            let rows = (looked_at * loops).ceil() as u64;
            self.rows += rows;
            if rows > 0 {
                let index = node["Index Name"].as_str().unwrap_or(table);
                self.through.insert(format!("{kind} {}", without_day(index)));
                if kind == "Seq Scan" {
                    self.whole_tables.insert(table.to_owned());
                }
            }
        }
        if kind == "Bitmap Index Scan" && loops > 0.0 {
            self.rows += (number("Actual Rows") * loops).ceil() as u64;
            self.through
                .insert(format!("{kind} {}", without_day(node["Index Name"].as_str().unwrap_or_default())));
        }
        for child in node["Plans"].as_array().into_iter().flatten() {
            self.add(child);
        }
    }
}

/// `deliveries_20261121_project_id_idx`, without the day.
fn without_day(name: &str) -> String {
    name.split('_')
        .filter(|part| part.len() != 8 || part.parse::<u32>().is_err())
        .collect::<Vec<_>>()
        .join("_")
}

/// The messages of notices among a server's answers, which are messages of a letter, four bytes of length (its own
/// included) and so much more.
fn notices(answers: &[u8]) -> impl Iterator<Item = String> + '_ {
    let mut rest = answers;
    std::iter::from_fn(move || {
        while let [letter, a, b, c, d, more @ ..] = rest {
            let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize - 4;
            assert!(more.len() >= length, "half an answer");
            let (body, next) = more.split_at(length);
            rest = next;
            if *letter == b'N' {
                let fields = body.split(|byte| *byte == 0);
                let message = fields.into_iter().find_map(|field| field.strip_prefix(b"M"));
                return message.map(|text| String::from_utf8_lossy(text).into_owned());
            }
        }
        None
    })
}

/// `duration: 0.123 ms  plan:`, then JSON.
fn plan_in(notice: String) -> Option<Value> {
    let (head, json) = notice.split_once('\n')?;
    let mut told: Value = head.starts_with("duration").then(|| serde_json::from_str(json).expect("JSON"))?;
    Some(told["Plan"].take())
}
