//! How each receiver of the sample answered, and when: the ordinary days and the bad ones.
use time::{Duration, OffsetDateTime};

use super::draw::Draw;
use crate::models::deliveries::{Failure, FailureKind};

/// What came of a try. Times are milliseconds for the whole of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Answer {
        status: u16,
        headers: Vec<(&'static str, &'static str)>,
        body: &'static str,
        ms: i64,
    },
    /// Connected, and then nothing until the time limit.
    Silence,
    /// It ended before an answer.
    Broken {
        failure: Failure,
        ms: i64,
        is_connected: bool,
    },
}

const JSON: (&str, &str) = ("content-type", "application/json");
const HTML: (&str, &str) = ("content-type", "text/html; charset=utf-8");
const NGINX: (&str, &str) = ("server", "nginx");

const BAD_GATEWAY: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";
const UNAVAILABLE: &str = "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Maintenance</title></head>\n<body>\n  <h1>We will be right back</h1>\n  <p>The CRM is being updated. Please try again in a few minutes.</p>\n  <p><small>Reference: fe-7c41</small></p>\n</body>\n</html>\n";
const NOT_FOUND: &str = "<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">\n<html><head>\n<title>404 Not Found</title>\n</head><body>\n<h1>Not Found</h1>\n<p>The requested URL was not found on this server.</p>\n<hr>\n<address>Apache Server at till-bridge Port 443</address>\n</body></html>\n";
const APP_ERROR: &str = "{\"error\":{\"type\":\"internal_error\",\"message\":\"could not obtain lock on row in relation \\\"member_balances\\\"\",\"request_id\":\"req_6fb2c41d\",\"retryable\":true}}";
const TOO_MANY: &str =
    "{\"error\":\"rate_limited\",\"message\":\"120 requests per minute allowed\",\"retry_after\":120}";

const UNAUTHORISED: &str =
    "{\"error\":\"unauthorized\",\"message\":\"This source is not known. Check the address under Sources.\"}";

fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &'static str, ms: i64) -> Reply {
    Reply::Answer { status, headers: headers.to_vec(), body, ms }
}

fn broken(kind: FailureKind, detail: &str, ms: i64, is_connected: bool) -> Reply {
    Reply::Broken { failure: Failure::new(kind, detail), ms, is_connected }
}

/// The answer of the receiver `slug`, which is at `address` under the name `host`, to a try at `at`.
pub(super) fn reply(
    slug: &str,
    host: &str,
    address: &str,
    at: OffsetDateTime,
    now: OffsetDateTime,
    draw: &mut Draw,
) -> Reply {
    let ago = now - at;
    // So many days back, from one time of day to another: busy hours, whenever the sample is loaded.
    let during = |days: i64, from: (u8, u8), to: (u8, u8)| {
        at.date() == (now - Duration::days(days)).date() && (from..to).contains(&(at.hour(), at.minute()))
    };
    let refused = || {
        broken(
            FailureKind::Connect,
            &format!("{address}: connection refused: nothing listens there"),
            4,
            false,
        )
    };
    if interrupted(ago, draw) {
        let detail = "Callout stopped during this attempt; it is repeated at once.";
        return broken(FailureKind::Interrupted, detail, draw.between(8, 700), true);
    }
    match slug {
        // Two outages: a release that went wrong nine days ago, a short one last night.
        "crm" if during(9, (13, 0), (18, 20)) => match draw.below(10) {
            0..=6 => {
                answer(503, &[HTML, NGINX, ("cache-control", "no-store")], UNAVAILABLE, draw.between(20, 80))
            }
            _ => refused(),
        },
        "crm" if during(1, (19, 10), (19, 50)) => {
            answer(502, &[HTML, NGINX], BAD_GATEWAY, draw.between(15, 60))
        }
        "crm" if draw.below(140) == 0 => answer(500, &[JSON], APP_ERROR, draw.between(90, 900)),
        "crm" => answer(200, &[JSON, NGINX], "{\"ok\":true}", draw.between(28, 130)),
        "data-warehouse" if during(5, (11, 5), (12, 15)) => {
            let why = "failed to lookup address information: Temporary failure in name resolution";
            broken(
                FailureKind::Dns,
                &format!("{host} could not be looked up: {why}"),
                draw.between(60, 3_000),
                false,
            )
        }
        "data-warehouse" => answer(202, &[JSON], "{\"queued\":true}", draw.between(11, 46)),
        // Under the campaign's load, and after a release.
        "loyalty-app" if during(12, (15, 0), (23, 30)) || during(6, (8, 50), (22, 10)) => {
            answer(500, &[JSON, ("x-request-id", "req_02d9be77")], APP_ERROR, draw.between(30, 300))
        }
        "loyalty-app" => loyalty_app(draw),
        // Its token had been changed there.
        "email-platform" if during(20, (9, 40), (18, 5)) => {
            answer(401, &[JSON, ("www-authenticate", "Bearer")], UNAUTHORISED, draw.between(25, 70))
        }
        "email-platform" => email_platform(ago, draw),
        "old-till" => match draw.below(10) {
            0..=1 => answer(404, &[HTML, ("server", "Apache")], NOT_FOUND, draw.between(60, 240)),
            2 => broken(FailureKind::Reset, "the receiver reset the connection", draw.between(40, 90), true),
            _ => answer(200, &[("content-type", "text/plain")], "OK", draw.between(70, 380)),
        },
        // From the evening before it was paused for that.
        "partner-portal" if ago < Duration::hours(3 * 24 + 20) => {
            answer(500, &[HTML, NGINX], BAD_GATEWAY, draw.between(30, 200))
        }
        "partner-portal" => answer(201, &[JSON], "{\"status\":\"created\"}", draw.between(60, 210)),
        "finance" if ago < Duration::minutes(1_440 + 560) => broken(
            FailureKind::Tls,
            "invalid peer certificate: certificate expired",
            draw.between(40, 110),
            true,
        ),
        "finance" if draw.below(9) == 0 => answer(204, &[], "", draw.between(200, 800)),
        "finance" => answer(200, &[JSON], "{\"booked\":true}", draw.between(240, 1_400)),
        "pop-up" if ago < Duration::minutes(21 * 1_440) => refused(),
        _ => answer(200, &[("content-type", "text/plain")], "received", draw.between(60, 240)),
    }
}

/// Callout itself was updated twice; what was under way was sent again.
fn interrupted(ago: Duration, draw: &mut Draw) -> bool {
    let days = ago.whole_days();
    matches!(days, 17 | 4) && draw.below(40) == 0
}

/// Fails three times in ten, in every way.
fn loyalty_app(draw: &mut Draw) -> Reply {
    match draw.below(100) {
        0..=11 => answer(500, &[JSON, ("x-request-id", "req_6fb2c41d")], APP_ERROR, draw.between(180, 2_400)),
        12..=18 => Reply::Silence,
        19..=24 => answer(502, &[HTML, NGINX], BAD_GATEWAY, draw.between(20, 90)),
        25..=27 => broken(
            FailureKind::Reset,
            "The receiver closed the connection without an answer.",
            draw.between(30, 400),
            true,
        ),
        28..=29 => answer(
            429,
            &[JSON, ("retry-after", "60"), ("x-ratelimit-remaining", "0")],
            TOO_MANY,
            draw.between(12, 40),
        ),
        _ => answer(200, &[JSON], "{\"accepted\":1}", draw.between(70, 420)),
    }
}

/// Slow always; too slow, or short of breath, while a campaign ran.
fn email_platform(ago: Duration, draw: &mut Draw) -> Reply {
    let is_campaign = ago < Duration::days(13) && ago > Duration::days(11);
    let limited =
        [JSON, ("retry-after", "120"), ("x-ratelimit-limit", "120"), ("x-ratelimit-remaining", "0")];
    match draw.below(100) {
        0..=29 if is_campaign => answer(429, &limited, TOO_MANY, draw.between(30, 90)),
        30..=44 if is_campaign => Reply::Silence,
        0..=5 => Reply::Silence,
        _ => {
            answer(200, &[JSON], "{\"status\":\"queued\",\"batch\":\"b-20417\"}", draw.between(1_900, 5_400))
        }
    }
}
