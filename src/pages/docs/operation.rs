//! From an operation of the document to what the page shows of it.
use serde_json::Value;

use super::schema::{Field, field, fields};
use super::text::{Line, Span, line, paragraphs};
use crate::rules::openapi::resolved;

/// Stands in a command line where the installation's address belongs.
const HERE: &str = "{public_url}";

/// One call of the API.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Where it stands in the page: `post-v1-events`.
    pub anchor: String,
    /// In capitals.
    pub method: String,
    /// With its placeholders.
    pub path: &'static str,
    pub summary: &'static str,
    pub description: Vec<Line>,
    /// Who may call it.
    pub who: Line,
    pub parameters: Vec<Field>,
    pub body: Option<Body>,
    /// What comes back when all is well.
    pub answers: Vec<Answer>,
    /// What comes back otherwise.
    pub refusals: Vec<Answer>,
    curl: String,
}

/// What is sent.
#[derive(Clone, Debug)]
pub struct Body {
    pub description: Line,
    pub fields: Vec<Field>,
    pub examples: Vec<Example>,
}

/// A body as it may be.
#[derive(Clone, Debug)]
pub struct Example {
    pub label: String,
    /// Indented JSON.
    pub text: String,
}

/// What comes back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: &'static str,
    pub description: Line,
    pub fields: Vec<Field>,
    /// Indented JSON.
    pub example: Option<String>,
    /// The kind of problem, which is explained once for all.
    pub problem: Option<&'static str>,
    /// The kind of problem in words.
    pub title: &'static str,
}

impl Operation {
    /// Reads what stands in `paths` under this path and method.
    pub fn of(path: &'static str, method: &str, told: &'static Value) -> Self {
        let method = method.to_uppercase();
        let parameters: Vec<&'static Value> = told["parameters"].as_array().into_iter().flatten().collect();
        let body = told.get("requestBody").map(body_of);
        let answers = told["responses"].as_object().into_iter().flatten();
        let (answers, refusals) = answers
            .map(|(status, answer)| answer_of(status, answer))
            .partition(|answer| answer.status < "300");
        Self {
            anchor: anchor(&method, path),
            curl: curl(&method, path, told, body.as_ref()),
            method,
            path,
            summary: told["summary"].as_str().unwrap_or_default(),
            description: paragraphs(told["description"].as_str().unwrap_or_default()),
            who: who(&told["security"]),
            parameters: parameters.into_iter().map(parameter).collect(),
            body,
            answers,
            refusals,
        }
    }

    /// The id of a piece of it in the page.
    pub fn id_of(&self, piece: &str) -> String {
        format!("{}-{piece}", self.anchor)
    }

    /// The bodies that the command line does not show already.
    pub fn more_examples(&self) -> impl Iterator<Item = &Example> {
        self.body.iter().flat_map(|body| body.examples.iter().skip(1))
    }

    /// A good answer as it may be: of the status that usually comes, which stands last.
    pub fn answer_example(&self) -> Option<(&'static str, &str)> {
        let last = self.answers.iter().rev().find(|answer| answer.example.is_some())?;
        Some((last.status, last.example.as_deref()?))
    }

    /// A command line that makes the call, for an installation at this address.
    pub fn curl_at(&self, public_url: &str) -> String {
        self.curl.replacen(HERE, public_url, 1)
    }
}

/// `POST /v1/webhooks/{id}/test` is at `#post-v1-webhooks-id-test`.
fn anchor(method: &str, path: &str) -> String {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    std::iter::once(method).chain(words).collect::<Vec<_>>().join("-").to_lowercase()
}

fn who(security: &Value) -> Line {
    match security[0]["key"].as_array().map(Vec::as_slice) {
        None => line("Whoever reaches the address."),
        Some([]) => line("Any API key."),
        Some(scopes) => {
            let mut spans = line("An API key with the scope ");
            spans.extend(scopes.iter().filter_map(Value::as_str).map(|scope| Span::Code(scope.to_owned())));
            spans.push(Span::Words(".".to_owned()));
            spans
        }
    }
}

fn parameter(told: &'static Value) -> Field {
    let told = resolved(told);
    let name = told["name"].as_str().unwrap_or_default();
    let row = field(name, &told["schema"], told["required"] == true);
    match told["description"].as_str() {
        Some(text) => Field { text: line(text), ..row },
        None => row,
    }
}

fn body_of(told: &'static Value) -> Body {
    let content = &told["content"]["application/json"];
    let examples = content["examples"].as_object().into_iter().flatten().map(|(_, example)| Example {
        label: example["summary"].as_str().unwrap_or("Example").to_owned(),
        text: indented(&example["value"]),
    });
    Body {
        description: line(told["description"].as_str().unwrap_or_default()),
        fields: fields(&content["schema"]),
        examples: examples.collect(),
    }
}

fn answer_of(status: &'static str, told: &'static Value) -> Answer {
    let told = resolved(told);
    let content = told["content"].as_object().and_then(|content| content.iter().next());
    let (kind, content) = content.map_or(("", &Value::Null), |(kind, content)| (kind.as_str(), content));
    let example = content["examples"].as_object().and_then(|examples| examples.values().next());
    let is_problem = kind == "application/problem+json";
    let problem =
        content["example"]["type"].as_str().and_then(|kind| kind.split_once('#')).map(|(_, kind)| kind);
    Answer {
        status,
        description: line(told["description"].as_str().unwrap_or_default()),
        fields: if is_problem { Vec::new() } else { fields(&content["schema"]) },
        example: example.map(|example| indented(&resolved(example)["value"])),
        problem,
        title: content["example"]["title"].as_str().unwrap_or_default(),
    }
}

fn curl(method: &str, path: &str, told: &'static Value, body: Option<&Body>) -> String {
    let (mut address, mut query) = (format!("{HERE}{path}"), Vec::new());
    for parameter in told["parameters"].as_array().into_iter().flatten().map(resolved) {
        let name = parameter["name"].as_str().unwrap_or_default();
        let example = match &parameter["example"] {
            Value::Array(values) => values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
            one => one.as_str().unwrap_or_default().to_owned(),
        };
        match parameter["in"].as_str() {
            Some("path") => address = address.replace(&format!("{{{name}}}"), &example),
            _ if !example.is_empty() => query.push(format!("{name}={example}")),
            _ => {}
        }
    }
    if !query.is_empty() {
        address = format!("\"{address}?{}\"", query.join("&"));
    }
    let example = body.and_then(|body| body.examples.first());
    let mut lines = Vec::new();
    // curl posts by itself what it has, and gets what it has not.
    let is_plain = method == "GET" || method == "POST" && example.is_some();
    lines.push(if is_plain { format!("curl {address}") } else { format!("curl -X {method} {address}") });
    if told["security"][0].is_object() {
        lines.push("-H \"Authorization: Bearer $CALLOUT_KEY\"".to_owned());
    }
    if let Some(example) = example {
        lines.push("-H \"Content-Type: application/json\"".to_owned());
        lines.push(format!("-d '{}'", example.text));
    }
    lines.join(" \\\n  ")
}

fn indented(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::openapi::document;

    fn operation(path: &'static str, method: &str) -> Operation {
        Operation::of(path, method, &document()["paths"][path][method])
    }

    #[test]
    fn an_operation_has_an_anchor_that_stays() {
        assert_eq!(operation("/v1/events", "post").anchor, "post-v1-events");
        assert_eq!(operation("/v1/deliveries/{id}/resend", "post").anchor, "post-v1-deliveries-id-resend");
        assert_eq!(operation("/v1/event-types/{type}", "get").anchor, "get-v1-event-types-type");
    }

    #[test]
    fn a_command_line_is_complete() {
        let post = operation("/v1/events", "post").curl_at("https://callout.example");
        assert!(
            post.starts_with("curl https://callout.example/v1/events \\\n  -H \"Authorization"),
            "{post}"
        );
        assert!(post.contains("-d '{\n") && post.matches('\'').count() == 2, "{post}");
        let list = operation("/v1/deliveries", "get").curl_at("http://x");
        assert!(
            list.starts_with(
                "curl \"http://x/v1/deliveries?status=failed,retrying&failure=timeout,connect\" \\\n"
            ),
            "{list}"
        );
        let resend = operation("/v1/deliveries/{id}/resend", "post").curl_at("http://x");
        assert!(resend.starts_with("curl http://x/v1/deliveries/whs_"), "{resend}");
        assert!(
            operation("/v1/webhooks/{id}", "put").curl_at("http://x").starts_with("curl -X PUT http://x/")
        );
        assert_eq!(operation("/healthz", "get").curl_at("http://x"), "curl http://x/healthz");
    }

    #[test]
    fn what_comes_back_is_told_apart() {
        let post = operation("/v1/events", "post");
        let statuses = |answers: &[Answer]| answers.iter().map(|answer| answer.status).collect::<Vec<_>>();
        assert_eq!(statuses(&post.answers), ["200", "202"]);
        assert!(post.refusals.iter().all(|answer| answer.problem.is_some() && answer.fields.is_empty()));
        assert!(statuses(&post.refusals).contains(&"422"));
        assert_eq!(operation("/readyz", "get").refusals[0].problem, None);
    }
}
