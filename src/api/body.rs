//! Reading request bodies: within a limit, with errors that name the place.
use actix_web::web::{Bytes, Payload};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::problem::{FieldProblem, Problem};

/// The whole body, at most `bytes_max`.
pub(super) async fn read(payload: Payload, bytes_max: usize) -> Result<Bytes, Problem> {
    let limit = bytes_max / 1024;
    let too_large =
        || Problem::too_large(format!("The body is larger than {limit} KiB. Send less at a time."));
    match payload.to_bytes_limited(bytes_max).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) => Err(Problem::not_json(format!("The body could not be read: {error}"))),
        Err(_) => Err(too_large()),
    }
}

/// A JSON value as serde reads it, or the problem it is.
pub(super) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        // A wrong type is told before the text was read to its end, and then it may not even be JSON.
        let is_json = std::str::from_utf8(body).is_ok() && serde_json::from_slice::<IgnoredAny>(body).is_ok();
        if is_json {
            Problem::wrong(vec![FieldProblem::new("", error.to_string())])
        } else {
            Problem::not_json(error.to_string())
        }
    })
}

/// An object as a map; an empty body is an empty object.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, Problem> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    match parse(body)? {
        Value::Object(map) => Ok(map),
        _ => Err(Problem::wrong(vec![FieldProblem::new("", "The body must be a JSON object.")])),
    }
}

/// An object's members as they were written. Of doubled keys the last counts, as in JavaScript.
pub(super) struct Members<'a>(pub(super) Vec<(String, &'a RawValue)>);

impl<'a> Members<'a> {
    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| *value)
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}
