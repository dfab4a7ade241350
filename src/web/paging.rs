//! Lists are read page by page by key, never by number: a page costs the same however deep it lies.
use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// Where a page of a list begins: after the row of this id. Opaque to the outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(pub Uuid);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.simple())
    }
}

/// The text is not a cursor of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotACursor;

impl FromStr for Cursor {
    type Err = NotACursor;
    fn from_str(text: &str) -> Result<Self, NotACursor> {
        if text.len() != 32 {
            return Err(NotACursor);
        }
        Uuid::try_parse(text).map(Self).map_err(|_| NotACursor)
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paged<T> {
    pub rows: Vec<T>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

impl<T> Paged<T> {
    /// Cuts off the row too many: ask the database for `size + 1`. `id_of` names the last row that stays.
    pub fn cut(mut rows: Vec<T>, size: usize, id_of: impl Fn(&T) -> Uuid) -> Self {
        let has_more = rows.len() > size;
        rows.truncate(size);
        let next = if has_more { rows.last().map(|row| Cursor(id_of(row))) } else { None };
        Self { rows, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_begins_after_the_last_row_of_this_one() {
        let rows = |n: u128| (1..=n).map(Uuid::from_u128).collect::<Vec<_>>();
        let page = Paged::cut(rows(3), 2, |id| *id);
        assert_eq!(page.rows, rows(2));
        assert_eq!(page.next.map(|cursor| cursor.to_string().parse()), Some(Ok(Cursor(Uuid::from_u128(2)))));
        assert_eq!(Paged::cut(rows(2), 2, |id| *id).next, None);
        assert_eq!("x".parse::<Cursor>(), Err(NotACursor));
    }
}
