//! One attempt, phase by phase: claimed, prepared, sent, outcome.
use bytes::Bytes;
use time::OffsetDateTime;

use super::http::{Egress, Exchanged, HeaderName, HeaderValue, Request, Sender};
use crate::models::deliveries::{
    Attempt, BodyKind, Claimed, Failure, FailureKind, Next, Outcome, Timings, WithoutRow, parts,
};
use crate::models::webhooks::{Credentials, Target};
use crate::rules::request::{Head, VOUCHERIFY_SIGNATURE};
use crate::rules::retry::{self, Failed};
use crate::rules::signing::{self, ExtraSignature};
use crate::rules::target::{Policy, parse_allow_list, parse_target};

/// What stands in an answer where a secret was echoed.
const HIDDEN: &str = "[hidden]";
/// Shorter values are not looked for: they stand in every text by chance.
const HIDDEN_BYTES_MIN: usize = 6;

/// A request ready to send, with what will be kept of it.
pub(super) struct Prepared {
    pub(super) request: Request,
    started_at: OffsetDateTime,
    body: BodyKind,
    /// The last headers, as the history may show them.
    masked: Vec<(String, String)>,
}

impl Prepared {
    /// Builds body, signature and headers for an attempt that starts at `now`.
    pub(super) fn of(claimed: &Claimed, target: &Target, sender: &Sender, now: OffsetDateTime) -> Self {
        let settings = &target.webhook.settings;
        let kind = BodyKind::of(settings);
        let body = match kind {
            BodyKind::Flat => claimed.payload.data.clone(),
            _ => {
                let (before, after) =
                    parts(&kind, claimed.id, target.webhook.id, &settings.target_url, &claimed.payload);
                Bytes::from([&before[..], &claimed.payload.data[..], &after[..]].concat())
            }
        };
        let id = claimed.id.to_string();
        let signature = signing::sign(target.signs_at(now), &id, now.unix_timestamp(), &[&body]);
        let head = Head {
            // A parsed URL's host is ASCII.
            host: sender.host().to_str().unwrap_or("invalid"),
            at: now,
            id: &id,
            signature: &signature,
            event_type: &claimed.payload.event_type,
        };
        let text =
            |text: &str| HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("invalid"));
        let headers = head.headers();
        let mut headers: Vec<(HeaderName, HeaderValue)> =
            headers.iter().map(|(name, value)| (HeaderName::from_static(name), text(value))).collect();
        // A receiver of that kind knows one secret: the older one, until its time is over.
        let oldest = target.signs_at(now).last();
        if let (ExtraSignature::Voucherify, Some(secret)) = (settings.extra_signature, oldest) {
            let value = text(&secret.voucherify_signature(&[&body]));
            headers.push((HeaderName::from_static(VOUCHERIFY_SIGNATURE), value));
        }
        let mut masked = Vec::new();
        for credential in target.credentials.at(now) {
            // What is saved has a name and a value that can be sent.
            let Ok(name) = HeaderName::try_from(credential.name.as_str()) else { continue };
            headers.push((name, text(&credential.value)));
            masked.push((credential.name.clone(), credential.masked()));
        }
        let limit = std::time::Duration::from_millis(u64::try_from(settings.timeout_ms).unwrap_or(10_000));
        Self { request: Request { headers, body, limit }, started_at: now, body: kind, masked }
    }

    /// Sends it and reads the answer.
    pub(super) async fn exchanged(&self, target: &Target, sender: &Sender) -> Exchanged {
        if let Some(withheld) = withheld(target) {
            return withheld;
        }
        let mut exchanged = sender.exchange(&self.request).await;
        if !self.masked.is_empty() {
            hide(&target.credentials, &mut exchanged);
        }
        exchanged
    }

    /// What the history keeps of the request and what became of it.
    fn attempt(self, target: &Target, exchanged: Exchanged) -> Attempt {
        let open = self.request.headers.len() - self.masked.len();
        let mut request_headers: Vec<(String, String)> = self.request.headers[..open]
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
            .collect();
        request_headers.extend(self.masked);
        request_headers.push(("content-length".to_owned(), self.request.body.len().to_string()));
        Attempt {
            started_at: self.started_at,
            url: target.webhook.settings.target_url.clone(),
            address: exchanged.address,
            request_headers,
            body: self.body,
            response: exchanged.response,
            failure: exchanged.failure,
            timings: exchanged.timings,
        }
    }

    /// Decides what follows from what happened. A test is over, whatever happened.
    pub(super) fn outcome(
        self,
        claimed: &Claimed,
        target: &Target,
        mut exchanged: Exchanged,
        now: OffsetDateTime,
    ) -> Outcome {
        let settings = &target.webhook.settings;
        let status = exchanged.response.as_ref().map(|response| response.status);
        if exchanged.failure.is_none() {
            exchanged.failure = refused(status, settings.success, claimed.test);
        }
        let next = if exchanged.failure.is_none() {
            Next::Delivered
        } else if claimed.test {
            Next::Failed(None)
        } else {
            let retry_after = exchanged.response.as_ref().and_then(|response| {
                let value = response.headers.iter().find(|(name, _)| name == "retry-after")?;
                retry::parse_retry_after(&value.1, now)
            });
            let retries_used = u32::try_from(claimed.retries_used).unwrap_or_default();
            let failed = Failed { retries_used, status, retry_after };
            match retry::after_failure(&settings.retries, settings.when_used_up, failed, random()) {
                retry::Next::RetryIn(wait) => Next::RetryAt(now + wait),
                // What we kept back ourselves is not the receiver's fault.
                retry::Next::GiveUp { disable } => {
                    Next::Failed(disable.filter(|_| withheld(target).is_none()))
                }
            }
        };
        let attempt = Some(self.attempt(target, exchanged));
        outcome(claimed, attempt, next)
    }

    /// For an attempt that our own stop cut short.
    pub(super) fn interrupted(self, claimed: &Claimed, target: &Target, mut exchanged: Exchanged) -> Outcome {
        let (detail, next) = match claimed.test {
            false => ("Callout stopped during this attempt; it is repeated at once.", Next::Interrupted),
            true => ("Callout stopped during this attempt; a test is not repeated.", Next::Failed(None)),
        };
        exchanged.failure = Some(Failure::new(FailureKind::Interrupted, detail));
        let attempt = Some(self.attempt(target, exchanged));
        outcome(claimed, attempt, next)
    }
}

/// An outcome of a claim.
pub(super) fn outcome(claimed: &Claimed, attempt: Option<Attempt>, next: Next) -> Outcome {
    Outcome {
        project: claimed.payload.project,
        delivery: claimed.id,
        webhook: claimed.webhook,
        claims: claimed.claims,
        test: claimed.test,
        in_turn: claimed.in_turn,
        attempts_before: claimed.attempt_count,
        attempt,
        next,
        without_row: claimed.place.map(|place| WithoutRow { place, payload: claimed.payload.clone() }),
    }
}

fn refused(status: Option<u16>, success: retry::Success, is_test: bool) -> Option<Failure> {
    let status = status?;
    if success.accepts(status) {
        return None;
    }
    let detail = match status {
        300..=399 => {
            format!("Answered {status}: redirects are not followed. Set the webhook to the final address.")
        }
        410 if is_test => {
            "Answered 410: the receiver wants no more. An event would disable the webhook.".to_owned()
        }
        410 => "Answered 410: the receiver wants no more. The webhook was disabled.".to_owned(),
        200..=299 => format!("Answered {status}, and this webhook only takes 200 for success."),
        _ => format!("Answered {status}."),
    };
    Some(Failure::new(FailureKind::ResponseStatus, detail))
}

/// Why nothing may be sent at all: nothing goes out without a signature, or without what the receiver is to know us by,
/// or to a host that is not allowed.
fn withheld(target: &Target) -> Option<Exchanged> {
    let (kind, detail) = if target.secrets.is_empty() || target.credentials.is_damaged {
        let detail = "Nothing was sent: the webhook's secrets cannot be opened with this installation's key.";
        (FailureKind::Connect, detail)
    } else if target.is_elsewhere {
        let detail = "Nothing was sent: this host is not among those that the project sends to.";
        (FailureKind::RefusedAddress, detail)
    } else {
        return None;
    };
    let failure = Some(Failure::new(kind, detail));
    Some(Exchanged { address: None, response: None, failure, timings: Timings::default() })
}

/// A receiver that echoes what it got must not bring secrets into the history.
fn hide(credentials: &Credentials, exchanged: &mut Exchanged) {
    let Some(response) = &mut exchanged.response else { return };
    for credential in credentials.authentication.iter().chain(&credentials.headers) {
        for secret in [&credential.value, &credential.secret] {
            if secret.len() < HIDDEN_BYTES_MIN {
                continue;
            }
            for (_, value) in &mut response.headers {
                if value.contains(secret.as_str()) {
                    *value = value.replace(secret.as_str(), HIDDEN);
                }
            }
            replace(&mut response.body, secret.as_bytes());
            // As some write JSON.
            replace(&mut response.body, secret.replace('/', "\\/").as_bytes());
            if response.truncated {
                cut_beginning(&mut response.body, secret.as_bytes());
            }
        }
    }
}

/// What the end of a cut off body has of a secret.
fn cut_beginning(body: &mut Vec<u8>, secret: &[u8]) {
    let lengths = (HIDDEN_BYTES_MIN..secret.len()).rev();
    if let Some(length) = { lengths }.find(|length| body.ends_with(&secret[..*length])) {
        body.truncate(body.len() - length);
        body.extend(HIDDEN.bytes());
    }
}

fn replace(text: &mut Vec<u8>, secret: &[u8]) {
    let mut from = 0;
    while let Some(at) = text[from..].windows(secret.len()).position(|part| part == secret) {
        text.splice(from + at..from + at + secret.len(), HIDDEN.bytes());
        from += at + HIDDEN.len();
    }
}

/// The client for a webhook's address; none if the address cannot be used at all.
pub(super) fn new_sender(egress: &Egress, target: &Target, connections_max: usize) -> Option<Sender> {
    // It was judged when it was saved, perhaps under other rules. The connector judges it at every connection, and
    // what it refuses is an attempt in the history.
    let allow = parse_allow_list("0.0.0.0/0, ::/0").unwrap_or_default();
    let lenient = Policy { allow, allow_http: true };
    match parse_target(&target.webhook.settings.target_url, &lenient) {
        Ok(parsed) => {
            let certificate = target.credentials.client_certificate.as_ref();
            Some(Sender::new(egress, &parsed, certificate.map(|pem| pem.as_str()), connections_max))
        }
        Err(error) => {
            tracing::error!(webhook = %target.webhook.id, %error, "the target address cannot be used");
            None
        }
    }
}

/// 0 to 1, for the jitter: not a secret, but at hand.
fn random() -> f64 {
    let mut bytes = [0; 4];
    // Without randomness there is no jitter, which harms nobody.
    let _ = getrandom::fill(&mut bytes);
    f64::from(u32::from_ne_bytes(bytes)) / f64::from(u32::MAX)
}
