//! `/reference/requests` and `/reference/verify`: what is the same for every event type. Figures come from the code.
use std::time::Duration;

use askama::Template;

use super::languages::{LANGUAGES, Language};
use super::tree::{self, Piece};
use super::wire::{self, Form as BodyForm, Wire};
use crate::models::webhooks::{Settings, TIMEOUT_MS};
use crate::rules::body::{DEPTH_MAX, ENVELOPE_2018_SCHEMA, OLDER_VERSION, VERSION, canonical};
use crate::rules::catalogue::{self, fields};
use crate::rules::request::{self, RESPONSE_BYTES_MAX};
use crate::rules::retry::{self, RETRY_AFTER_MAX, Retries};
use crate::rules::signing::TOLERANCE_S;
use crate::web::page::page;
use crate::web::{Frame, PageResult, Section, Visitor, filters};

/// The event type of the examples: short, and everybody understands it.
const EXAMPLE: &str = "prize.assigned";

/// Every header that a request has, and what it is for. A test holds it to what is sent.
const HEADERS: [(&str, &str); 10] = [
    ("host", "Your receiver's name, and its port where it is not the usual one."),
    ("content-type", "Always application/json, in UTF-8."),
    ("user-agent", "Callout and its version."),
    ("accept-encoding", "Answer without compression; only the status and the first bytes matter."),
    ("date", "When this attempt was made."),
    (request::ID, "The delivery. The same on every attempt and resend: use it to notice repetitions."),
    (request::TIMESTAMP, "When this attempt was made, in seconds since 1970. It is signed."),
    (request::SIGNATURE, "One signature for each live secret, with a space between."),
    (request::EVENT, "The event type, so that you can tell before you parse."),
    ("content-length", "Bytes of the body. It is never sent in chunks."),
];

/// Where what stands in the older envelope stands in the newer one, and what to do about it.
const MOVED: [(&str, &str, &str); 8] = [
    (
        "id",
        "event.id",
        "The older id is the event's. In the newer one it is the delivery's, as in webhook-id.",
    ),
    ("object", "", "Always \"event\"."),
    ("webhook_id", "source.id", "Always null in the older one."),
    ("project_id, created_at, type", "the same", ""),
    ("data.object", "data", "The event's data, the same in both."),
    ("data.previous_attributes", "", "Always empty: an event says what is, not what was."),
    ("metadata.source", "event.event_source.channel", "API, USER_PORTAL or INTERNAL."),
    ("", "source, event", "Which webhook sends, and what caused the event, with its entity and group."),
];

/// What posted data become on their way to the body.
const FORMS: [(&str, &str); 6] = [
    (r#"{ "name": "Zo\u00eb", "path": "a\/b" }"#, "No blanks; only what must be escaped is."),
    (r#"{"price":12.50,"rate":1E-7,"zero":-0}"#, "Numbers as JavaScript writes them."),
    (r#"{"huge":1e21}"#, "Large ones too."),
    (
        r#"{"id":9007199254740993}"#,
        "The exception: whole numbers beyond 2^53 keep every digit, although JavaScript would round them.",
    ),
    (r#"{"b":1,"10":2,"9":3}"#, "Keys in the order that JavaScript keeps: whole numbers first."),
    (r#"{"a":1,"a":2}"#, "Of doubled keys the last one stays."),
];

#[derive(Template)]
#[template(path = "reference/requests.html")]
struct RequestsPage {
    frame: Frame,
    wire: Wire,
    older: Wire,
    older_fields: Vec<Piece>,
    moved: &'static [(&'static str, &'static str, &'static str)],
    versions: [&'static str; 2],
    headers: &'static [(&'static str, &'static str)],
    forms: Vec<Form>,
    depth_max: usize,
    response_kib_max: usize,
    timeout_s: (i64, i64),
    timeout_s_default: i32,
    schedules: Vec<Schedule>,
    jitter_percent: u32,
    retry_after_max: String,
}

struct Form {
    posted: &'static str,
    sent: String,
    why: &'static str,
}

/// When a failed delivery is tried again.
struct Schedule {
    name: String,
    retries: usize,
    is_default: bool,
    /// Counted from the first attempt.
    moments: String,
}

#[derive(Template)]
#[template(path = "reference/verify.html")]
struct VerifyPage {
    frame: Frame,
    languages: &'static [Language],
    wire: Wire,
    secret: &'static str,
    tolerance_minutes: i64,
}

fn example(form: BodyForm) -> Wire {
    let event_type = catalogue::find(EXAMPLE).unwrap_or(&catalogue::all()[0]);
    wire::of(event_type.name, event_type.sample(), form)
}

/// The fields of the older envelope.
fn older_fields() -> Vec<Piece> {
    let schema = serde_json::from_str(ENVELOPE_2018_SCHEMA).unwrap_or_default();
    tree::of(&fields::of_schema(&schema, &serde_json::Value::Null))
}

/// GET /reference/requests: headers, body, answers, retries.
pub async fn requests(visitor: Visitor) -> PageResult {
    let defaults = Settings::default();
    let schedule = |retries: Retries| Schedule {
        name: retries.to_string(),
        retries: retries.count(),
        is_default: retries == defaults.retries,
        moments: moments(&retries),
    };
    let form = |&(posted, why): &(&'static str, &'static str)| Form { posted, sent: sent(posted), why };
    let (sure, early) = (Duration::from_secs(100), retry::jittered(Duration::from_secs(100), 0.0));
    page(&RequestsPage {
        frame: visitor
            .frame("What every request looks like", Section::Reference)
            .below("Reference", "/reference"),
        wire: example(BodyForm::Envelope),
        older: example(BodyForm::OlderEnvelope),
        older_fields: older_fields(),
        moved: &MOVED,
        versions: [OLDER_VERSION, VERSION],
        headers: &HEADERS,
        forms: FORMS.iter().map(form).collect(),
        depth_max: DEPTH_MAX,
        response_kib_max: RESPONSE_BYTES_MAX / 1024,
        timeout_s: (TIMEOUT_MS.start() / 1_000, TIMEOUT_MS.end() / 1_000),
        timeout_s_default: defaults.timeout_ms / 1_000,
        schedules: [Retries::Doubling24h, Retries::Three, Retries::None].map(schedule).into(),
        jitter_percent: u32::try_from((sure - early).as_millis() / 1_000).unwrap_or_default(),
        retry_after_max: words(RETRY_AFTER_MAX),
    })
}

/// GET /reference/verify: how a receiver knows who sent a request.
pub async fn verify(visitor: Visitor) -> PageResult {
    page(&VerifyPage {
        frame: visitor.frame("Verify signatures", Section::Reference).below("Reference", "/reference"),
        languages: &LANGUAGES,
        wire: example(BodyForm::Envelope),
        secret: wire::SECRET,
        tolerance_minutes: TOLERANCE_S / 60,
    })
}

fn sent(posted: &str) -> String {
    canonical(posted.as_bytes()).map(|body| String::from_utf8_lossy(&body).into_owned()).unwrap_or_default()
}

/// When retries come, counted from the first attempt: `10 s, 1 min 10 s, …`.
fn moments(retries: &Retries) -> String {
    let mut after = Duration::ZERO;
    let waits = (0..).map_while(|used| retries.next_wait(used));
    let moments = waits.map(|wait| {
        after += wait;
        words(after)
    });
    moments.collect::<Vec<_>>().join(", ")
}

/// A length of time: `10 s`, `1 min 10 s`, `1,024 min`, `24 h`.
fn words(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 60, seconds % 60) {
        (minutes, 0) if minutes >= 1_440 && minutes.is_multiple_of(60) => format!("{} h", minutes / 60),
        (minutes, 0) if minutes >= 1_000 => format!("{},{:03} min", minutes / 1_000, minutes % 1_000),
        (minutes, 0) => format!("{minutes} min"),
        (0, seconds) => format!("{seconds} s"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_header_that_is_sent_is_explained() {
        let explained: Vec<&str> = HEADERS.iter().map(|(name, _)| *name).collect();
        let head = example(BodyForm::Envelope).head;
        let sent: Vec<&str> =
            head.lines().skip(1).filter_map(|line| line.split_once(": ")).map(|(name, _)| name).collect();
        assert_eq!(explained, sent);
    }

    #[test]
    fn the_forms_are_what_javascript_leaves_alone() {
        let sent: Vec<String> = FORMS.iter().map(|(posted, _)| sent(posted)).collect();
        assert_eq!(
            sent,
            [
                r#"{"name":"Zoë","path":"a/b"}"#,
                r#"{"price":12.5,"rate":1e-7,"zero":0}"#,
                r#"{"huge":1e+21}"#,
                r#"{"id":9007199254740993}"#,
                r#"{"9":3,"10":2,"b":1}"#,
                r#"{"a":2}"#,
            ]
        );
    }

    #[test]
    fn moments_count_from_the_first_attempt() {
        assert_eq!(moments(&Retries::Three), "10 s, 1 min 10 s, 6 min 10 s");
        let doubling = moments(&Retries::Doubling24h);
        assert!(doubling.starts_with("1 min, 2 min, 4 min, ") && doubling.ends_with(", 24 h"), "{doubling}");
        assert!(doubling.contains(", 1,024 min, "), "{doubling}");
        assert_eq!(moments(&Retries::None), "");
    }
}
