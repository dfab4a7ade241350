//! Reading problem documents (RFC 9457), which every error of the API must be.
use serde_json::Value;

use super::client::Answer;

/// The problem document of an answer with this status. Panics when the answer is no such thing.
#[track_caller]
pub fn problem(answer: &Answer, status: u16) -> Value {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
    let value = answer.json();
    assert_eq!(value["status"], status, "{value}");
    for name in ["type", "title", "detail"] {
        assert!(value[name].as_str().is_some_and(|text| !text.is_empty()), "no {name} in {value}");
    }
    value
}

/// The places that are at fault, in the order told.
#[track_caller]
pub fn pointers(problem: &Value) -> Vec<String> {
    let errors = problem["errors"].as_array().unwrap_or_else(|| panic!("no errors in {problem}"));
    errors
        .iter()
        .map(|error| {
            assert!(error["message"].as_str().is_some_and(|text| !text.is_empty()), "{problem}");
            error["pointer"].as_str().unwrap_or_else(|| panic!("no pointer in {problem}")).to_owned()
        })
        .collect()
}
