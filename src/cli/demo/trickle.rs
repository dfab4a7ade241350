//! New events in the sample's project, one every few seconds, so that its history lives.
use std::time::Duration;

use bytes::Bytes;
use diesel::{Connection as _, PgConnection};
use time::OffsetDateTime;

use crate::app::Parts;
use crate::base::ids::ProjectId;
use crate::base::seal::SealKey;
use crate::ingest::Posted;
use crate::models::sample::{self, Live, Sample, SampleError};
use crate::rules::body::EventSource;

/// How often to look for a sample where there is none: somebody may load one again.
const LOOK_AGAIN: Duration = Duration::from_secs(3);

/// Goes on until it is aborted. Nothing that fails ends it: the next event may succeed.
pub(super) async fn run(parts: Parts, port: u16) {
    let mut present: Option<(Sample, String, Live)> = None;
    loop {
        let now = parts.clock.now();
        let (known, key) = (present.as_ref().map(|(sample, ..)| *sample), parts.key.clone());
        match parts.db.run(move |conn| look(conn, known, port, &key, now)).await {
            Ok(Look::Same) => {}
            Ok(Look::Other(sample, source)) => {
                let live = Live::new(&sample, now.unix_timestamp().unsigned_abs());
                present = Some((sample, source.to_json(), live));
                parts.wakeup.wake();
            }
            Ok(Look::None) => present = None,
            Err(error) => tracing::debug!(%error, "the sample could not be looked for"),
        }
        let Some((sample, source, live)) = &mut present else {
            tokio::time::sleep(LOOK_AGAIN).await;
            continue;
        };
        if let Err(error) = parts.ingest.accept(vec![posted(live, sample.project, source, now)]).await {
            tracing::debug!(?error, "a live event was not accepted");
        }
        tokio::time::sleep(Duration::from_millis(live.pause_ms())).await;
    }
}

enum Look {
    Same,
    Other(Sample, EventSource),
    None,
}

/// Finds the sample; one that was not known is pointed at the receiver.
fn look(
    conn: &mut PgConnection,
    known: Option<Sample>,
    port: u16,
    key: &SealKey,
    now: OffsetDateTime,
) -> Result<Look, SampleError> {
    let found = sample::find(conn)?.filter(|sample| sample.removal_began_at.is_none());
    let Some(sample) = found else { return Ok(Look::None) };
    if known == Some(sample) {
        return Ok(Look::Same);
    }
    conn.transaction(|conn| sample::aim(conn, sample, port, key, now))?;
    Ok(Look::Other(sample, sample::source(conn, sample)?))
}

fn posted(live: &mut Live, project: ProjectId, source: &str, now: OffsetDateTime) -> Posted {
    let event = live.next(now);
    let source = if event.by_backend { source.to_owned() } else { EventSource::Internal.to_json() };
    Posted {
        project,
        event_type: event.event_type.to_owned(),
        data: Bytes::from(event.data),
        external_id: None,
        entity_id: event.entity_id,
        group: Some(event.group),
        created_at: None,
        source,
    }
}
