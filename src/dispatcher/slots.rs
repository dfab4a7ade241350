//! How many deliveries this node holds in memory, in all and for each webhook.
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::base::ids::WebhookId;

/// A webhook may have so many times its sending slots in memory; more waits in the table.
const WAITING_PER_SLOT: usize = 8;

/// How many of `max` places one may have that has `has` of them, while `all` are taken.
///
/// As many as are still free of the contested three quarters: `n` that take all they can get leave one share in `n + 1`.
/// The last quarter is for those that have none: one place each, so that however many receivers hang, there is one for
/// whoever comes next.
pub(super) fn share(has: usize, all: usize, max: usize) -> usize {
    if has == 0 { max.saturating_sub(all) } else { contested(max).saturating_sub(all) }
}

fn contested(max: usize) -> usize {
    (max * 3).div_ceil(4)
}

/// Counts what is in memory, from hand-over or claim until the attempt is over.
#[derive(Debug)]
pub(super) struct Slots {
    each_max: usize,
    all_max: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    all: usize,
    each: HashMap<WebhookId, usize>,
    closed: bool,
}

impl Slots {
    /// Room for the deliveries that `max_in_flight` sends keep busy.
    pub(super) fn new(max_in_flight: usize, max_in_flight_per_webhook: usize) -> Self {
        let times = |slots: usize| slots.saturating_mul(WAITING_PER_SLOT);
        Self {
            each_max: times(max_in_flight_per_webhook),
            all_max: times(max_in_flight),
            held: Mutex::default(),
        }
    }

    /// Takes room for one more delivery to `webhook`; false if there is none.
    ///
    /// Fair between webhooks, see [`share`].
    pub(super) fn reserve(&self, webhook: WebhookId) -> bool {
        let mut held = self.lock();
        let has = held.each.get(&webhook).copied().unwrap_or_default();
        if held.closed || has >= share(has, held.all, self.all_max).min(self.each_max) {
            return false;
        }
        *held.each.entry(webhook).or_default() += 1;
        held.all += 1;
        true
    }

    /// Gives room back.
    pub(super) fn release(&self, webhook: WebhookId) {
        let mut held = self.lock();
        held.all = held.all.saturating_sub(1);
        if let Some(each) = held.each.get_mut(&webhook) {
            *each -= 1;
            if *each == 0 {
                held.each.remove(&webhook);
            }
        }
    }

    /// No more room from now on: we are stopping.
    pub(super) fn close(&self) {
        self.lock().closed = true;
    }

    /// How many deliveries of one webhook can be under way at a time.
    pub(super) fn sending_each(&self) -> i64 {
        (self.each_max / WAITING_PER_SLOT) as i64
    }

    /// What is in memory, in all.
    pub(super) fn all(&self) -> usize {
        self.lock().all
    }

    /// How many deliveries may be fetched in all, how many of them one webhook may have in memory, and what each has.
    ///
    /// Half of what is free: then [`Slots::reserve`] has room for all that is fetched.
    pub(super) fn room(&self) -> (i64, i64, HashMap<WebhookId, i64>) {
        let held = self.lock();
        let free = if held.closed { 0 } else { self.all_max.saturating_sub(held.all).div_ceil(2) };
        // What `share` gives to one that has something already; the others get one each.
        let each_max = self.each_max.min(contested(self.all_max).saturating_sub(held.all) / 2).max(1);
        let each = held.each.iter().map(|(id, n)| (*id, *n as i64)).collect();
        (free as i64, each_max as i64, each)
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        // Counting cannot panic half way.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::OffsetDateTime;

    fn webhook() -> WebhookId {
        WebhookId::new(OffsetDateTime::UNIX_EPOCH)
    }

    #[test]
    fn a_webhook_gets_its_share_and_no_more() {
        let slots = Slots::new(8, 1);
        let a = webhook();
        assert_eq!((0..20).filter(|_| slots.reserve(a)).count(), 8);
        slots.release(a);
        assert!(slots.reserve(a));
        slots.close();
        slots.release(a);
        assert!(!slots.reserve(a), "closed");
    }

    #[test]
    fn however_many_webhooks_take_all_they_can_there_is_room_for_one_more() {
        let slots = Slots::new(512, 64);
        for _ in 0..40 {
            let greedy = webhook();
            while slots.reserve(greedy) {}
        }
        let (free, each, _) = slots.room();
        assert!(free > 0 && each > 0);
        assert!(slots.reserve(webhook()));
    }
}
