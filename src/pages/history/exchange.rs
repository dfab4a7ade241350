//! One attempt with its request and response, ready to print.
use time::OffsetDateTime;

use super::attempt_diff::Difference;
use super::body::{Body, Layout};
use super::timing::{self, Step};
use super::{curl, masking, words};
use crate::models::deliveries::{self, Attempt, AttemptRow, BodyKind, Delivery, FailureKind, Response};
use crate::models::events::Payload;
use crate::models::projects::Role;
use crate::rules::masks::Veil;

/// An attempt in full.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Exchange {
    pub number: usize,
    pub started_at: OffsetDateTime,
    pub class: &'static str,
    pub outcome: String,
    /// What went wrong, in the dispatcher's words.
    pub detail: String,
    /// What to do about it.
    pub remedy: &'static str,
    pub has_failed: bool,
    /// As the end of a sentence.
    pub outcome_in_sentence: String,
    pub duration: String,
    pub steps: Vec<Step>,
    pub url: String,
    pub address: String,
    pub request_headers: Vec<(String, String)>,
    /// The reader's role shows no bodies: they are empty here.
    pub is_masked: bool,
    /// None once it is no longer kept.
    pub request: Option<Body>,
    pub curl: Option<String>,
    pub response: Option<Answer>,
    /// What has changed since the attempt before, if that is asked for and there is one.
    pub compared: Option<Compared>,
}

/// An attempt compared with the one before, part by part.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Compared {
    pub request: Difference,
    pub request_headers: Difference,
    pub response: Difference,
    pub response_headers: Difference,
}

/// A response, ready to print.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Answer {
    pub status: String,
    pub class: &'static str,
    pub headers: Vec<(String, String)>,
    pub body: Body,
    /// It had a body that is no longer kept.
    pub is_emptied: bool,
    pub truncated: bool,
}

impl Exchange {
    /// The attempt `row` of a delivery, as far as `role` may read it and the veil lets through. Without the event's
    /// payload the request has no body.
    pub fn of(
        delivery: &Delivery,
        row: &AttemptRow,
        payload: Option<&Payload>,
        layout: Layout,
        role: Role,
        veil: &Veil,
    ) -> Self {
        let attempt = &row.attempt;
        let failure = attempt.failure.as_ref();
        let shows_bodies = masking::shows_bodies(role);
        let url = veil.text(&masking::url(role, &attempt.url)).into_owned();
        let sent = sent(delivery, row, payload, role);
        let sent = sent.as_deref().map(|sent| (sent.len(), veil.bytes(sent)));
        let request_headers = veil.headers(masking::request_headers(role, &attempt.request_headers));
        Self {
            number: row.number,
            started_at: attempt.started_at,
            class: words::outcome_class(attempt),
            outcome: words::outcome_words(attempt.response.as_ref().map(|r| r.status), failure),
            detail: failure.map(|failure| veil.text(&failure.detail).into_owned()).unwrap_or_default(),
            remedy: failure.map_or("", |failure| match (failure.kind, delivery.test) {
                (FailureKind::Interrupted, true) => "Resend it, or send another test.",
                (kind, _) => words::remedy(kind),
            }),
            outcome_in_sentence: failure
                .map(|f| words::lower_first(words::failure_words(f.kind)))
                .unwrap_or_default(),
            has_failed: failure.is_some(),
            duration: words::duration_words(attempt.timings.total_us.into()),
            steps: timing::steps(&attempt.timings),
            is_masked: !shows_bodies,
            address: attempt.address.clone().unwrap_or_default(),
            curl: sent.as_ref().and_then(|(_, sent)| curl::command(&url, &request_headers, sent)),
            request_headers,
            url,
            request: sent.as_ref().map(|(length, sent)| Body::of(sent, layout).with_length(*length)),
            response: attempt.response.as_ref().map(|response| Answer {
                is_emptied: row.response_is_emptied,
                ..Answer::of(response, layout, role, veil)
            }),
            compared: None,
        }
    }

    /// The same beside what has changed since `before`, the attempt before `row`.
    pub fn compared(
        self,
        delivery: &Delivery,
        (before, row): (&AttemptRow, &AttemptRow),
        payload: Option<&Payload>,
        (role, veil): (Role, &Veil),
    ) -> Self {
        let number = before.number;
        let [sent_before, sent_now] = [before, row]
            .map(|row| sent(delivery, row, payload, role).map(|sent| veil.bytes(&sent).to_vec()));
        let [before, now] =
            [before, row].map(|row| (row.response_is_emptied, masking::attempt(role, veil, row).attempt));
        let kept = |(is_emptied, attempt): &(bool, Attempt)| {
            attempt.response.as_ref().map(|response| response.body.clone()).filter(|_| !is_emptied)
        };
        let headers = |(_, attempt): &(bool, Attempt)| {
            attempt.response.as_ref().map(|response| response.headers.clone()).unwrap_or_default()
        };
        let compared = Compared {
            request: Difference::of_bodies(sent_before.as_deref(), sent_now.as_deref(), number),
            request_headers: Difference::of_headers(
                &before.1.request_headers,
                &now.1.request_headers,
                number,
            ),
            response: Difference::of_bodies(kept(&before).as_deref(), kept(&now).as_deref(), number),
            response_headers: Difference::of_headers(&headers(&before), &headers(&now), number),
        };
        Self { compared: Some(compared), ..self }
    }

    /// Whether the lines that have changed stand in the place of a part: `request`, `response` or the headers of either.
    pub fn shows_changes(&self, part: &str) -> bool {
        let of = |compared: &Compared| match part {
            "request" => !compared.request.lines.is_empty(),
            "request-headers" => !compared.request_headers.lines.is_empty(),
            "response" => !compared.response.lines.is_empty(),
            _ => !compared.response_headers.lines.is_empty(),
        };
        self.compared.as_ref().is_some_and(of)
    }

    /// Whether pretty and raw differ for something that is shown.
    pub fn has_json(&self) -> bool {
        self.request.as_ref().is_some_and(Body::is_json)
            || self.response.as_ref().is_some_and(|answer| answer.body.is_json())
    }
}

/// What an attempt sent, as far as a role may read it, before any veil; none if it is no longer kept, or not for this role.
pub fn sent(delivery: &Delivery, row: &AttemptRow, payload: Option<&Payload>, role: Role) -> Option<Vec<u8>> {
    let attempt = &row.attempt;
    let sent = match (&attempt.body, payload) {
        _ if !masking::shows_bodies(role) => None,
        (_, Some(payload)) => deliveries::request_body(delivery.id, delivery.webhook, attempt, payload),
        (BodyKind::Kept(body), None) => Some(body.clone()),
        (_, None) => None,
    };
    sent.map(|sent| masking::request_body(role, &attempt.url, sent))
}

impl Answer {
    fn of(response: &Response, layout: Layout, role: Role, veil: &Veil) -> Self {
        let body: &[u8] = if masking::shows_bodies(role) { &response.body } else { &[] };
        Self {
            status: words::response_words(response.status),
            class: match response.status {
                200..=299 => "state-good",
                300..=399 => "state-held",
                _ => "state-bad",
            },
            headers: veil.headers(masking::response_headers(role, &response.headers)),
            body: Body::of(&veil.bytes(body), layout).with_length(body.len()),
            is_emptied: false,
            truncated: response.truncated,
        }
    }
}
