//! What has changed about a page of the history since somebody got it: one look for a list that is followed.
use std::collections::HashMap;

use askama::Template;
use diesel::PgConnection;
use time::OffsetDateTime;
use url::form_urlencoded;

use super::query;
use super::reading::Reading;
use super::rows::Row;
use super::span::Span;
use crate::base::db::DbError;
use crate::base::ids::{self, DeliveryId, ProjectId};
use crate::models::deliveries::{self, Delivery};
use crate::models::projects::Role;
use crate::models::webhooks;
use crate::rules::masks::Veil;
use crate::web::{Member, filters};

/// New deliveries are counted up to here.
const COUNTED_MAX: usize = 50;
/// No page has more rows.
const SHOWN_MAX: usize = 60;

/// A row of the list as a fragment, to be put in its place.
#[derive(Template)]
#[template(path = "history/row.html")]
struct RowFragment<'a> {
    row: &'a Row,
    open_link: &'a str,
    open: &'a str,
    may_choose: bool,
}

/// A list that somebody has before them.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    reading: Reading,
    project: ProjectId,
    may_choose: bool,
    /// What each row says of its delivery's state, newest first.
    marks: Vec<(DeliveryId, String)>,
    /// Whether the page has all that matches: no older one can come onto it.
    is_whole: bool,
    /// How many were told to be new.
    told: usize,
}

impl Shown {
    /// Reads it off the address that [`address`] wrote.
    pub(super) fn of(member: &Member, query: &str) -> Self {
        let reading = Reading::of(&member.path("/history"), query);
        let given = |name: &str| form_urlencoded::parse(query.as_bytes()).find(|pair| pair.0 == name);
        let rows = given("shown").map(|(_, rows)| rows.into_owned()).unwrap_or_default();
        let mark = |row: &str| row.split_once('.').and_then(|(id, m)| Some((id.parse().ok()?, m.to_owned())));
        Self {
            marks: rows.split(',').filter_map(mark).take(SHOWN_MAX).collect(),
            is_whole: given("whole").is_some(),
            project: member.project.id,
            may_choose: member.role >= Role::Support,
            told: 0,
            reading,
        }
    }

    /// The next lines of the stream: how many are new, if that has changed, and rows whose state has; often nothing.
    pub(super) fn news(
        &mut self,
        conn: &mut PgConnection,
        veil: &Veil,
        now: OffsetDateTime,
    ) -> Result<String, DbError> {
        let mut lines = String::new();
        let count = self.count_new(conn, veil, now)?;
        if count != self.told {
            let words = if count > COUNTED_MAX { format!("{COUNTED_MAX}+") } else { count.to_string() };
            lines.push_str(&told("new", &words));
            self.told = count;
        }
        for row in self.changed(conn, veil)? {
            let open_link = self.reading.listed.with("open", "");
            let (open, may_choose) = (self.reading.open().unwrap_or_default(), self.may_choose);
            let fragment = RowFragment { row: &row, open_link: &open_link, open, may_choose };
            // Nothing in it can fail but memory.
            lines.push_str(&told("row", &fragment.render().unwrap_or_default()));
        }
        Ok(lines)
    }

    /// Those that match and are not on the page, but for older ones than it shows.
    fn count_new(&self, conn: &mut PgConnection, veil: &Veil, now: OffsetDateTime) -> Result<usize, DbError> {
        let filters = &self.reading.filters.drop_all("cursor");
        let span = Span::of(filters, now);
        let asked = query::filter(conn, self.project, filters, &span, (veil, now))?;
        let Some(mut filter) = asked else { return Ok(0) };
        let oldest = self.marks.last().map(|(id, _)| *id).filter(|_| !self.is_whole);
        filter.since = filter.since.max(oldest.map(|id| ids::time_of(id.0)));
        let limit = COUNTED_MAX as i64 + 1;
        let found = deliveries::look(conn, self.project, &filter, limit, now)?.deliveries;
        let is_new = |delivery: &&Delivery| {
            oldest.is_none_or(|oldest| delivery.id > oldest)
                && self.marks.iter().all(|(id, _)| *id != delivery.id)
        };
        Ok(found.iter().filter(is_new).count())
    }

    /// The rows of the page that no longer say how things are. What has no row yet is as it was.
    fn changed(&mut self, conn: &mut PgConnection, veil: &Veil) -> Result<Vec<Row>, DbError> {
        let ids: Vec<DeliveryId> = self.marks.iter().map(|(id, _)| *id).collect();
        let mut found: HashMap<DeliveryId, Delivery> = deliveries::named(conn, self.project, &ids)?;
        found.retain(|id, delivery| self.marks.iter().any(|(known, m)| known == id && *m != mark(delivery)));
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let names = webhooks::names(conn, self.project)?;
        for (id, known) in &mut self.marks {
            if let Some(delivery) = found.get(id) {
                *known = mark(delivery);
            }
        }
        let changed: Vec<Delivery> = ids.iter().filter_map(|id| found.remove(id)).collect();
        Row::all(conn, self.project, &changed, &names, veil)
    }
}

/// Changes whenever a delivery's row does.
fn mark(delivery: &Delivery) -> String {
    let next = delivery.next_attempt_at.map_or(0, OffsetDateTime::unix_timestamp);
    format!("{}.{}.{next}", delivery.status.as_str(), delivery.attempt_count)
}

/// Where a page with these rows is followed; `is_whole` if there are no older ones.
pub(super) fn address(member: &Member, reading: &Reading, shown: &[Delivery], is_whole: bool) -> String {
    let rows: Vec<String> =
        shown.iter().map(|delivery| format!("{}.{}", delivery.id, mark(delivery))).collect();
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(reading.listed.drop_all("cursor").pairs()).append_pair("shown", &rows.join(","));
    if is_whole {
        query.append_pair("whole", "1");
    }
    format!("{}?{}", member.path("/history/live"), query.finish())
}

/// An event of the stream. Its text may have several lines.
fn told(name: &str, text: &str) -> String {
    let data: String = text.lines().map(|line| format!("data: {line}\n")).collect();
    format!("event: {name}\n{data}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_several_lines_is_one_event() {
        assert_eq!(told("row", "<tr>\n</tr>"), "event: row\ndata: <tr>\ndata: </tr>\n\n");
    }
}
