//! What an event costs outside the database and the network, step by step: `cargo bench`.
use std::hint::black_box;

use bytes::Bytes;
use callout::base::ids::{EventId, GroupId, ProjectId, WebhookId};
use callout::models::deliveries::{delivery_id, envelope_parts};
use callout::models::events::Payload;
use callout::models::webhooks::{LiveSecret, ProjectSnapshot, Settings, Target, Verdict, Webhook};
use callout::rules::body::canonical;
use callout::rules::filter::Filter;
use callout::rules::kept::headers::{Facts, pack};
use callout::rules::kept::json;
use callout::rules::signing::{Secret, sign};
use criterion::{Criterion, criterion_group, criterion_main};
use time::OffsetDateTime;
use time::macros::datetime;

const NOW: OffsetDateTime = datetime!(2026-11-21 12:00:00 UTC);
const URL: &str = "https://receiver.example.com/webhooks/callout";
const TYPE: &str = "redemption.succeeded";
/// Bytes of an event's data, and of the body that is signed.
const KIB: usize = 1_024;

/// JSON as a promotion platform sends it, of about a KiB, in canonical form.
fn data() -> Vec<u8> {
    let mut data =
        br#"{"id":"r_0123456789","voucher":{"code":"SUMMER-26","discount":{"percent_off":12.5}},"lines":["#
            .to_vec();
    while data.len() < KIB - 64 {
        data.extend_from_slice(br#"{"sku":"A-1","amount":1250,"tags":["red","\u00fcber"]},"#);
    }
    data.extend_from_slice(br#"{"sku":"B-2","amount":3}],"total":-1}"#);
    canonical(&data).expect("JSON").into_owned()
}

fn payload(data: Vec<u8>) -> Payload {
    Payload {
        project: ProjectId::new(NOW),
        id: EventId::new(NOW),
        event_type: TYPE.to_owned(),
        created_at: NOW,
        entity_id: Some("r_0123456789".to_owned()),
        group: GroupId::new(NOW).to_string(),
        source: r#"{"channel":"API","api_key":{"name":"shop","app_id":"1"}}"#.to_owned(),
        data: Bytes::from(data),
    }
}

/// The five that hold of [`data`], the last of them at its end.
const CONDITIONS: [&str; 5] = [
    "data.total <= 0",
    "data.id != r_1",
    "data.voucher.code in WINTER-26, SUMMER-26",
    "data.voucher.discount.percent_off 10..20",
    "data.campaign missing",
];

/// A project of 100 webhooks: a tenth take everything, a tenth this type, the others other types.
fn snapshot() -> ProjectSnapshot {
    let project = ProjectId::new(NOW);
    let webhook = |n: usize| {
        let events = if n % 10 == 1 { vec![TYPE.to_owned()] } else { vec![format!("customer.type_{n}")] };
        let settings = Settings {
            target_url: URL.to_owned(),
            all_events: n.is_multiple_of(10),
            events,
            ..Settings::default()
        };
        let webhook = Webhook {
            project,
            id: WebhookId::new(NOW),
            settings,
            disabled: None,
            off_since: None,
            in_maintenance: false,
            created_at: NOW,
            updated_at: NOW,
            deleted_at: None,
        };
        Target::plain(webhook, vec![LiveSecret { secret: Secret::generate(), until: None }], 1)
    };
    ProjectSnapshot::of(1, true, (0..100).map(webhook))
}

fn headers(id: &str, signature: &str) -> Vec<(String, String)> {
    let seconds = NOW.unix_timestamp().to_string();
    let all = [
        ("host", "receiver.example.com"),
        ("content-type", "application/json"),
        ("user-agent", "Callout/0.1.0"),
        ("accept-encoding", "identity"),
        ("webhook-id", id),
        ("webhook-timestamp", &seconds),
        ("webhook-signature", signature),
        ("x-callout-event", TYPE),
        ("content-length", "1421"),
    ];
    all.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

fn per_event(c: &mut Criterion) {
    let (data, webhook) = (data(), WebhookId::new(NOW));
    let payload = payload(data.clone());
    let delivery = delivery_id(payload.id, webhook);
    let id = delivery.to_string();

    c.bench_function("canonical check of 1 KiB of data", |b| b.iter(|| canonical(black_box(&data)).is_ok()));
    let snapshot = snapshot();
    c.bench_function("matching among 100 webhooks, 20 takers", |b| {
        b.iter(|| {
            let takers =
                snapshot.subscribers(black_box(TYPE)).filter(|(_, verdict)| *verdict == Verdict::Takes);
            takers.map(|(target, _)| target).collect::<Vec<_>>()
        })
    });
    for many in [1, 5] {
        let filter = Filter::from_text(&CONDITIONS[..many].join("\n")).ok().flatten().expect("conditions");
        c.bench_function(&format!("filter of {many} on 1 KiB of data, read to its end"), |b| {
            b.iter(|| filter.matches(black_box(&data)))
        });
    }
    c.bench_function("id of a delivery", |b| b.iter(|| delivery_id(black_box(payload.id), webhook)));
    c.bench_function("envelope around the data", |b| {
        b.iter(|| envelope_parts(black_box(delivery), webhook, URL, &payload))
    });
    let secret = [Secret::generate()];
    let body = vec![b'x'; KIB];
    c.bench_function("signing 1 KiB", |b| {
        b.iter(|| sign(&secret, black_box(&id), NOW.unix_timestamp(), &[&body]))
    });
    let headers = headers(&id, &sign(&secret, &id, NOW.unix_timestamp(), &[&body]));
    let facts = Facts { id: &id, started_at: NOW, url: URL };
    c.bench_function("packing 9 headers", |b| b.iter(|| pack(black_box(&headers), facts)));
    c.bench_function("packing the data", |b| b.iter(|| json::pack(black_box(&payload.data))));
}

criterion_group!(benches, per_event);
criterion_main!(benches);
