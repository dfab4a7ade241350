//! Fields as the page nests them: rows, and tables within the row of an object or array.
use crate::rules::catalogue::Field;

/// Tables with no more rows than this are shown open as a whole.
const OPEN_ROWS_MAX: usize = 40;

/// What the page prints next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A field.
    Row(Field),
    /// What is in the field before begins: its path and how many fields there are directly in it.
    #[allow(missing_docs)]
    Open { path: String, count: usize, is_open: bool },
    /// It ends.
    Close,
}

/// The pieces of a table, from fields in the order of the catalogue: each parent before its children.
pub(super) fn of(fields: &[Field]) -> Vec<Piece> {
    let is_open = fields.len() <= OPEN_ROWS_MAX;
    let mut pieces = Vec::with_capacity(fields.len() * 2);
    let mut depth = 0;
    for (at, field) in fields.iter().enumerate() {
        while depth > field.depth {
            pieces.push(Piece::Close);
            depth -= 1;
        }
        pieces.push(Piece::Row(field.clone()));
        if field.is_parent {
            depth = field.depth + 1;
            let below = fields[at + 1..].iter().take_while(|other| other.depth > field.depth);
            let count = below.filter(|other| other.depth == depth).count();
            pieces.push(Piece::Open { path: field.path.clone(), count, is_open });
        }
    }
    pieces.extend(std::iter::repeat_n(Piece::Close, depth));
    pieces
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::rules::catalogue::{self, fields};

    #[test]
    fn what_is_in_an_object_stands_in_a_table_in_its_row() {
        let pieces = of(&fields::of_sample(&json!({ "a": { "b": { "c": 1 }, "d": 1 }, "e": 1 })));
        let told: Vec<String> = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Row(field) => field.name().to_owned(),
                Piece::Open { count, .. } => format!("({count}"),
                Piece::Close => ")".to_owned(),
            })
            .collect();
        assert_eq!(told.join(" "), "a (2 b (1 c ) d ) e");
    }

    #[test]
    fn every_table_of_the_catalogue_closes_what_it_opens() {
        for event_type in catalogue::all() {
            let mut depth = 0_i32;
            for piece in of(catalogue::fields_of(event_type)) {
                depth += match piece {
                    Piece::Row(_) => 0,
                    Piece::Open { count, .. } => i32::from(count > 0),
                    Piece::Close => -1,
                };
                assert!(depth >= 0, "{}", event_type.name);
            }
            assert_eq!(depth, 0, "{}", event_type.name);
        }
    }
}
