//! An event's data as somebody typed them.
use actix_web::web::Bytes;

use crate::rules::body::{BodyErrorKind, canonical};

/// The data in canonical form, or what is wrong with it and where.
pub fn checked(typed: &str) -> Result<Bytes, String> {
    if typed.trim().is_empty() {
        return Err("Enter the event's data: a JSON object.".to_owned());
    }
    match canonical(typed.as_bytes()) {
        Ok(data) => Ok(Bytes::from(data.into_owned())),
        Err(error) if error.kind == BodyErrorKind::NotAnObject => {
            Err("This must be a JSON object.".to_owned())
        }
        Err(error) => Err(format!("Line {}, column {}: {}.", error.line, error.column, error.kind)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_in_the_data_is_told_with_its_place() {
        assert_eq!(
            checked("{\n  \"a\": 1,\n  b\n}").unwrap_err(),
            "Line 3, column 3: expected a key in quotes."
        );
        assert_eq!(checked(" [1]").unwrap_err(), "This must be a JSON object.");
        assert!(checked("  ").unwrap_err().contains("Enter"));
        assert_eq!(checked("{ \"a\": 1.0 }").unwrap(), Bytes::from_static(b"{\"a\":1}"));
    }
}
