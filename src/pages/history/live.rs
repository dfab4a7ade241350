//! `/p/{project}/history/live`: what happens to a page of the history while somebody looks at it, as server-sent events.
//!
//! `new` carries how many deliveries match that the page does not show, `row` a row of the page that has changed. Each
//! list that is followed asks the database by itself, so it sees what any node does, and only while somebody listens.
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{ACCEPT, ContentEncoding, RETRY_AFTER};
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpRequest, HttpResponse};
use futures_util::{Stream, stream};
use time::OffsetDateTime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::news::Shown;
use crate::base::clock::Clock;
use crate::base::db::{Db, DbError};
use crate::web::{PageError, PageResult, Standing, Viewer};

/// So many lists are followed on this node at once.
pub const STREAMS_MAX: usize = 64;
/// How often a list is looked at, as long as that is quick.
const PAUSE: Duration = Duration::from_secs(2);
/// Looks take at most this part of the time: a slow one waits longer for the next.
const SHARE: u32 = 20;
/// However slow, something is said this often, so that nothing between here and the browser gives up on it.
const PAUSE_MAX: Duration = Duration::from_secs(15);
/// After this long the browser asks anew.
const LIFE_MAX: time::Duration = time::Duration::minutes(30);
/// How long a browser waits before it asks anew, in the words of the stream.
const BEGIN: &str = "retry: 3000\n\n";
/// Says that all is as it was. A browser that has gone is noticed by it.
const NOTHING: &str = ":\n\n";

/// The lists that are followed on this node.
#[derive(Clone, Debug)]
pub struct Streams {
    free: Arc<Semaphore>,
    stopping: Arc<watch::Sender<bool>>,
}

impl Default for Streams {
    fn default() -> Self {
        Self { free: Arc::new(Semaphore::new(STREAMS_MAX)), stopping: Arc::new(watch::Sender::new(false)) }
    }
}

impl Streams {
    /// Ends them all at once, so that a stop need not wait for them; no further one begins.
    pub fn stop(&self) {
        self.free.close();
        self.stopping.send_replace(true);
    }
}

/// Somebody who follows a list.
struct Follower {
    shown: Shown,
    standing: Standing,
    db: Db,
    clock: Clock,
    began: OffsetDateTime,
    /// When the last look began, and how long after that the next one is due.
    next: Option<(OffsetDateTime, Duration)>,
    stopping: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
}

/// GET /p/{project}/history/live?shown=…, with the filters of the list. Whoever asks for no stream is told once.
pub async fn live(
    viewer: Viewer,
    (db, clock, streams): (Data<Db>, Data<Clock>, Data<Streams>),
    request: HttpRequest,
) -> PageResult {
    let Some(standing) = Standing::of(&request, &viewer) else {
        return Err(PageError::BadRequest("A list is followed from its page."));
    };
    let Ok(place) = streams.free.clone().try_acquire_owned() else { return Ok(full()) };
    let mut follower = Follower {
        shown: Shown::of(&viewer, request.query_string()),
        standing,
        db: Db::clone(&db),
        began: clock.now(),
        clock: Clock::clone(&clock),
        next: None,
        stopping: streams.stopping.subscribe(),
        _place: place,
    };
    let mut answer = HttpResponse::Ok();
    // Compressed, it would wait in the compressor for more.
    answer.content_type("text/event-stream").insert_header(ContentEncoding::Identity);
    let is_stream = request.headers().get(ACCEPT).is_some_and(|accept| accept == "text/event-stream");
    if is_stream {
        return Ok(answer.streaming(follower.follow()));
    }
    Ok(answer.body(follower.look().await?.unwrap_or_default()))
}

/// 503 in plain words.
fn full() -> HttpResponse {
    let text = "So many lists are followed live right now that this one cannot be. Try again in a minute.";
    HttpResponse::ServiceUnavailable()
        .insert_header((RETRY_AFTER, "60"))
        .content_type("text/plain; charset=utf-8")
        .body(text)
}

impl Follower {
    /// What is to be told, for as long as it may be.
    fn follow(self) -> impl Stream<Item = Result<Bytes, Error>> {
        stream::unfold(Some(self), |follower| async {
            let mut follower = follower?;
            let begin = if follower.next.is_none() { BEGIN } else { "" };
            if !follower.waited().await {
                return None;
            }
            match follower.look().await {
                Ok(Some(news)) if news.is_empty() => {
                    Some((Ok(format!("{begin}{NOTHING}").into()), Some(follower)))
                }
                Ok(Some(news)) => Some((Ok(format!("{begin}{news}").into()), Some(follower))),
                // Signed out, or not who they were.
                Ok(None) => None,
                Err(error) => {
                    tracing::debug!(%error, "a list could not be followed further");
                    None
                }
            }
        })
    }

    /// Waits for the next look; false if there is none any more.
    async fn waited(&mut self) -> bool {
        if let Some((since, pause)) = self.next {
            tokio::select! {
                () = self.clock.passes(since, pause) => {}
                _ = self.stopping.wait_for(|is| *is) => return false,
            }
        }
        !*self.stopping.borrow() && self.clock.now() - self.began < LIFE_MAX
    }

    /// One look; none if they may no longer read it.
    async fn look(&mut self) -> Result<Option<String>, DbError> {
        let (mut shown, standing, now) = (self.shown.clone(), self.standing, self.clock.now());
        let stopwatch = self.clock.stopwatch();
        let looked = self.db.run(move |conn| -> Result<_, DbError> {
            let Some(sight) = standing.sight(conn, now)? else { return Ok(None) };
            let news = shown.news(conn, &sight.veil(), now)?;
            Ok(Some((shown, news)))
        });
        let Some((shown, news)) = looked.await? else { return Ok(None) };
        self.shown = shown;
        self.next = Some((now, (stopwatch.elapsed() * SHARE).clamp(PAUSE, PAUSE_MAX)));
        Ok(Some(news))
    }
}
