//! The load: posts events on kept connections, as fast as they are answered or on a schedule.
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};

use super::connection::{Connection, find};
use super::ledger::Ledger;
use crate::cli::Failure;

/// After a refusal or a lost connection, so that a program that is away is not hammered.
const PAUSE: Duration = Duration::from_millis(50);
/// Digits of an event's number within the request, so that one text serves all.
const DIGITS: usize = 10;
/// Stands for the number until then.
const NUMBER: &[u8] = b"##########";

/// What stands before an event's data.
const DATA: &str = r#""data":"#;

/// How events follow each other.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    AsFastAsPossible,
    PerSecond(u32),
}

/// Answers other than 202, by status or kind of error.
pub(super) type Refused = BTreeMap<String, u64>;

/// Posts events from this thread.
pub(super) struct Load {
    ledger: Arc<Ledger>,
    address: SocketAddr,
    request: Vec<u8>,
    /// Where the number stands in the request.
    places: Vec<usize>,
    concurrency: usize,
    data_bytes: u64,
}

impl Load {
    /// Prepares the request: an event of about `payload_bytes`, with a caller's own id if wanted.
    pub(super) fn new(
        ledger: Arc<Ledger>,
        address: SocketAddr,
        token: &str,
        payload_bytes: usize,
        ids: bool,
    ) -> Self {
        let body = body(payload_bytes, ids);
        let request = format!(
            "POST /v1/events HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\ncontent-type: \
             application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes();
        let mut places = Vec::new();
        while let Some(place) = find(&request[places.last().map_or(0, |last| last + DIGITS)..], NUMBER) {
            places.push(places.last().map_or(0, |last| last + DIGITS) + place);
        }
        let data = body.find(DATA).map_or(0, |place| body.len() - place - DATA.len() - "}".len());
        Self { ledger, address, request, places, concurrency: 1, data_bytes: data as u64 }
    }

    /// Bytes of each event's data, without the envelope it is posted in.
    pub(super) fn data_bytes(&self) -> u64 {
        self.data_bytes
    }

    /// On so many connections, one request at a time on each.
    pub(super) fn on_connections(mut self, concurrency: u16) -> Self {
        self.concurrency = usize::from(concurrency);
        self
    }

    /// Posts so many events and returns when each was answered; tells the answers that were no 202.
    pub(super) fn run(&self, pace: Pace, events: u32) -> Result<Refused, Failure> {
        self.run_at(self.address, pace, events, true)
    }

    /// The same requests straight to a receiver, in no book.
    pub(super) fn straight_to(&self, receiver: SocketAddr, events: u32) -> Result<Refused, Failure> {
        self.run_at(receiver, Pace::AsFastAsPossible, events, false)
    }

    fn run_at(
        &self,
        address: SocketAddr,
        pace: Pace,
        events: u32,
        is_booked: bool,
    ) -> Result<Refused, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::new(format!("no load: {error}"), "try again"))?;
        let source = Rc::new(Source::default());
        let refused = Rc::new(RefCell::new(Refused::new()));
        tokio::task::LocalSet::new().block_on(&runtime, async {
            let workers: Vec<_> = (0..self.concurrency)
                .map(|_| {
                    let worker = Worker {
                        ledger: is_booked.then(|| self.ledger.clone()),
                        connection: Connection::new(address),
                        request: self.request.clone(),
                        places: self.places.clone(),
                        source: source.clone(),
                        refused: refused.clone(),
                    };
                    tokio::task::spawn_local(worker.run())
                })
                .collect();
            match pace {
                Pace::AsFastAsPossible => source.add_all(events),
                Pace::PerSecond(rate) => self.schedule(&source, events, rate).await,
            }
            for worker in workers {
                let _ = worker.await;
            }
        });
        Ok(Rc::try_unwrap(refused).map(RefCell::into_inner).unwrap_or_default())
    }

    /// A thread of its own keeps time: the runtime's timer counts in milliseconds.
    async fn schedule(&self, source: &Source, events: u32, rate: u32) {
        let (due, mut dues) = mpsc::unbounded_channel();
        let (ledger, began_us) = (self.ledger.clone(), self.ledger.now_us());
        let keeper = std::thread::spawn(move || {
            for n in 0..u64::from(events) {
                let at_us = began_us + n * 1_000_000 / u64::from(rate);
                let early = at_us.saturating_sub(ledger.now_us());
                std::thread::sleep(Duration::from_micros(early));
                if due.send(at_us).is_err() {
                    return;
                }
            }
        });
        while let Some(at_us) = dues.recv().await {
            source.add(at_us);
        }
        source.close();
        let _ = keeper.join();
    }
}

/// What the connections take their events from.
#[derive(Default)]
struct Source {
    /// Events still to come of a closed loop.
    left: Cell<u32>,
    /// When each waiting event of an open loop was due.
    due: RefCell<VecDeque<u64>>,
    is_closed: Cell<bool>,
    changed: Notify,
}

impl Source {
    fn add_all(&self, events: u32) {
        self.left.set(events);
        self.close();
    }

    fn add(&self, due_us: u64) {
        self.due.borrow_mut().push_back(due_us);
        self.changed.notify_one();
    }

    fn close(&self) {
        self.is_closed.set(true);
        self.changed.notify_waiters();
    }

    /// The next event, with the moment it was due if there is one; none when there are no more.
    async fn take(&self) -> Option<Option<u64>> {
        loop {
            if let Some(left) = self.left.get().checked_sub(1) {
                self.left.set(left);
                return Some(None);
            }
            if let Some(due) = self.due.borrow_mut().pop_front() {
                return Some(Some(due));
            }
            if self.is_closed.get() {
                return None;
            }
            self.changed.notified().await;
        }
    }
}

struct Worker {
    /// None: nothing is written down.
    ledger: Option<Arc<Ledger>>,
    connection: Connection,
    request: Vec<u8>,
    places: Vec<usize>,
    source: Rc<Source>,
    refused: Rc<RefCell<Refused>>,
}

impl Worker {
    async fn run(mut self) {
        while let Some(due_us) = self.source.take().await {
            let number = self.ledger.as_ref().map_or(0, |ledger| ledger.next());
            for place in &self.places {
                self.request[*place..*place + DIGITS].copy_from_slice(format!("{number:010}").as_bytes());
            }
            if let Some(ledger) = &self.ledger {
                ledger.sent(number, due_us.unwrap_or_else(|| ledger.now_us()));
            }
            match self.connection.call(&self.request, None).await {
                Ok(202 | 200) => self.ledger.iter().for_each(|ledger| ledger.accepted(number)),
                other => {
                    let answer =
                        other.map_or_else(|error| error.kind().to_string(), |status| status.to_string());
                    *self.refused.borrow_mut().entry(answer).or_default() += 1;
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

/// The posted body: a believable redemption, with as many things ordered as there is room for and a note for the rest.
///
/// Ids and note are letters in no order, so that compression saves no more than it would of real bodies.
fn body(payload_bytes: usize, ids: bool) -> String {
    let number = String::from_utf8_lossy(NUMBER);
    let id = if ids { format!(r#""id":"bench-{number}","#) } else { String::new() };
    let start = format!(
        r#"{{"type":"{TYPE}",{id}"data":{{"bench_event":"{number}","id":"r_0c656311b5bc5b42e3","object":"redemption","date":"2026-11-21T09:15:04.227Z","customer_id":"cust_7iUa6ICKyU6gH40dBU25kQU1","result":"SUCCESS","amount":1250,"channel":{{"channel_type":"API"}},"voucher":{{"code":"AUTUMN-7KQ2M","type":"DISCOUNT_VOUCHER"}},"order":{{"id":"ord_Ehw5bhFaGjkuPzUXXXXXXXXX","amount":12500,"discount_amount":1250,"items":["#,
        TYPE = super::EVENT_TYPE,
    );
    let (between, end) = (r#"]},"note":""#, r#""}}"#);
    let mut letters = Letters(0x2545_f491_4f6c_dd1d);
    let mut room = payload_bytes.saturating_sub(start.len() + between.len() + end.len());
    let mut items = String::new();
    loop {
        let comma = if items.is_empty() { "" } else { "," };
        let item = format!(
            r#"{comma}{{"object":"order_item","sku_id":"sku_{}","product_id":"prod_{}","quantity":2,"price":6250,"amount":12500}}"#,
            letters.take(18),
            letters.take(18)
        );
        let Some(left) = room.checked_sub(item.len()) else { break };
        items.push_str(&item);
        room = left;
    }
    format!("{start}{items}{between}{}{end}", letters.take(room))
}

/// Letters in no order: a linear congruential generator.
struct Letters(u64);

impl Letters {
    fn take(&mut self, number: usize) -> String {
        let mut letter = || {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'a' + ((self.0 >> 33) % 26) as u8)
        };
        (0..number).map(|_| letter()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Clock;

    #[test]
    fn the_request_is_an_event_of_the_wanted_size_with_a_place_for_each_number() {
        for (bytes, ids) in [(800, false), (5_000, true)] {
            let text = body(bytes, ids);
            assert_eq!(text.len(), bytes);
            let event: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!(event["type"], super::super::EVENT_TYPE);
            let ledger = Arc::new(Ledger::new(Clock::system().stopwatch(), 1, 1));
            let load = Load::new(ledger, SocketAddr::from(([127, 0, 0, 1], 1)), "ck_x", bytes, ids);
            assert_eq!(load.places.len(), if ids { 2 } else { 1 });
            let data = serde_json::to_string(&event["data"]).expect("JSON");
            assert_eq!(load.data_bytes(), data.len() as u64);
        }
    }
}
