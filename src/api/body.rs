//! Reading request bodies: within a limit, with errors that name the place.
use std::time::Duration;

use actix_web::web::{Bytes, Payload};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::problem::{ERRORS_MAX, FieldProblem, Problem};

/// How long a body may take to arrive.
const BODY_WAIT_MAX: Duration = Duration::from_secs(30);
/// What is said of JSON that should have been an object.
pub(super) const NO_OBJECT: &str = "The body must be a JSON object.";

/// The whole body, at most `bytes_max`, which has to arrive within [`BODY_WAIT_MAX`].
pub(super) async fn read(payload: Payload, bytes_max: usize) -> Result<Bytes, Problem> {
    read_within(BODY_WAIT_MAX, payload, bytes_max).await
}

async fn read_within(wait_max: Duration, payload: Payload, bytes_max: usize) -> Result<Bytes, Problem> {
    let limit = bytes_max / 1024;
    let too_large =
        || Problem::too_large(format!("The body is larger than {limit} KiB. Send less at a time."));
    match tokio::time::timeout(wait_max, payload.to_bytes_limited(bytes_max)).await {
        Ok(Ok(Ok(body))) => Ok(body),
        Ok(Ok(Err(_))) => Err(Problem::not_json("The body did not arrive whole. Send it again.")),
        Ok(Err(_)) => Err(too_large()),
        Err(_) => Err(Problem::too_slow("The body took too long to arrive. Send it again.")),
    }
}

/// A JSON value as serde reads it, or the problem it is: `expected` if it is JSON, but another kind of it.
pub(super) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8], expected: &str) -> Result<T, Problem> {
    // A wrong type is told before the text was read to its end, and then it may not even be JSON.
    serde_json::from_slice(body).map_err(|error| match fault(body) {
        Some(fault) => Problem::not_json(fault),
        None if error.is_data() => Problem::wrong(vec![FieldProblem::new("", expected)]),
        None => {
            let (line, column) = (error.line(), error.column());
            let message =
                format!("Line {line}, column {column} holds what cannot be kept: a text, number or depth.");
            Problem::wrong(vec![FieldProblem::new("", message)])
        }
    })
}

/// Why a body is not JSON; none if it is.
fn fault(body: &[u8]) -> Option<String> {
    if body.is_empty() {
        return Some("The body is empty. Send JSON.".to_owned());
    }
    if std::str::from_utf8(body).is_err() {
        return Some("The body is not UTF-8.".to_owned());
    }
    let error = serde_json::from_slice::<IgnoredAny>(body).err()?;
    let (line, column) = (error.line(), error.column());
    Some(match error.is_eof() {
        true => format!("The body ends in the middle of its JSON, at line {line}, column {column}."),
        false => format!("The body stops being JSON at line {line}, column {column}."),
    })
}

/// An object as a map.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, Problem> {
    match parse(body, NO_OBJECT)? {
        Value::Object(map) => Ok(map),
        _ => Err(Problem::wrong(vec![FieldProblem::new("", NO_OBJECT)])),
    }
}

/// An object's members as they were written. Of doubled keys the last counts, as in JavaScript.
pub(super) struct Members<'a>(pub(super) Vec<(String, &'a RawValue)>);

impl<'a> Members<'a> {
    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| *value)
    }

    /// A problem for each member that is not known, with pointers under `at`; not for more than are told anyway.
    pub(super) fn unknown(&self, known: &[&str], at: &str) -> Vec<FieldProblem> {
        let problem = |name: &String| {
            let pointer = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
            let message = format!("There is no field \"{name}\". Known are {}.", known.join(", "));
            FieldProblem::new(pointer, message)
        };
        let names = self.0.iter().map(|(name, _)| name);
        names.filter(|name| !known.contains(&name.as_str())).take(ERRORS_MAX + 1).map(problem).collect()
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

/// The first `MAX` items of an array as they were written, and how many there are; the rest is read, but not kept.
pub(super) struct Items<'a, const MAX: usize> {
    pub(super) kept: Vec<&'a RawValue>,
    pub(super) total: usize,
}

impl<'de, const MAX: usize> Deserialize<'de> for Items<'de, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect<const MAX: usize>;
        impl<'de, const MAX: usize> Visitor<'de> for Collect<MAX> {
            type Value = Items<'de, MAX>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a JSON array")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let mut kept = Vec::new();
                while kept.len() < MAX
                    && let Some(item) = items.next_element()?
                {
                    kept.push(item);
                }
                let mut total = kept.len();
                while kept.len() == MAX && items.next_element::<IgnoredAny>()?.is_some() {
                    total += 1;
                }
                Ok(Items { kept, total })
            }
        }
        deserializer.deserialize_seq(Collect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::FromRequest;
    use actix_web::test::TestRequest;

    #[test]
    fn a_body_that_never_comes_is_not_waited_for() {
        actix_rt::System::new().block_on(async {
            let mut never: actix_web::dev::Payload =
                actix_web::dev::Payload::Stream { payload: Box::pin(futures_util::stream::pending()) };
            let payload = Payload::from_request(&TestRequest::default().to_http_request(), &mut never).await;
            let problem = read_within(Duration::from_millis(1), payload.unwrap(), 1_000).await.unwrap_err();
            assert!(problem.to_string().starts_with("408"), "{problem}");
        });
    }

    #[test]
    fn items_past_the_most_are_counted_and_not_kept() {
        let counted = |json: &str| {
            let items: Items<'_, 2> = serde_json::from_str(json).unwrap();
            (items.kept.len(), items.total)
        };
        assert_eq!(counted("[]"), (0, 0));
        assert_eq!(counted("[1,2]"), (2, 2));
        assert_eq!(counted("[1,{},[3],4]"), (2, 4));
        assert!(serde_json::from_str::<Items<'_, 2>>("[1,2,3").is_err());
    }

    #[test]
    fn what_is_no_object_is_told_in_our_words() {
        let told = |body: &[u8]| object(body).unwrap_err().to_string();
        assert!(told(b"").starts_with("400") && told(b"").contains("empty"));
        assert!(told(b"[1").contains("ends in the middle"), "{}", told(b"[1"));
        assert!(told(b"{x}").contains("line 1, column 2"), "{}", told(b"{x}"));
        assert!(told(b"\xff").contains("UTF-8"));
        assert!(told(b"7").starts_with("422") && told(b"7").contains(NO_OBJECT));
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        assert!(told(deep.as_bytes()).contains("depth"));
    }
}
