//! Where a replay stands, and where each delivery in it does.

/// Where a replay stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayStatus {
    /// Goes on by itself.
    Running,
    /// A person stopped it for now.
    Paused,
    /// A person ended it.
    Cancelled,
    /// It stopped by itself: too many failed.
    Stopped,
    /// Everything was sent or left out. Some may wait for a retry.
    Done,
}

impl ReplayStatus {
    const ALL: [Self; 5] = [Self::Running, Self::Paused, Self::Cancelled, Self::Stopped, Self::Done];

    /// The number in the table.
    pub(super) fn number(self) -> i16 {
        self as i16
    }

    pub(super) fn of_number(number: i16) -> Self {
        usize::try_from(number).ok().and_then(|n| Self::ALL.get(n)).copied().unwrap_or(Self::Cancelled)
    }

    /// The word in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Cancelled => "cancelled",
            Self::Stopped => "stopped",
            Self::Done => "done",
        }
    }
}

/// What became of a delivery in a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ItemState {
    /// Its turn has not come.
    Waiting,
    /// Due or being sent, not yet tried.
    HandedOver,
    /// The receiver took it.
    Delivered,
    /// It failed and waits for a retry.
    Retrying,
    /// Given up.
    Failed,
    /// Its webhook was switched off before it went out.
    Held,
    /// Cancelled before it went out.
    Cancelled,
    /// Left out: it is delivered.
    LeftDelivered,
    /// Left out: its webhook is paused or disabled.
    LeftWebhookOff,
    /// Left out: its webhook was deleted.
    LeftWebhookDeleted,
    /// Left out: its data is no longer kept.
    LeftNotKept,
    /// Left out: it was waiting or being sent already.
    LeftUnderWay,
    /// Left out of past events to a webhook: it had got one meanwhile.
    LeftMade,
}

impl ItemState {
    /// Every state, by its number in the table.
    pub const ALL: [Self; 13] = [
        Self::Waiting,
        Self::HandedOver,
        Self::Delivered,
        Self::Retrying,
        Self::Failed,
        Self::Held,
        Self::Cancelled,
        Self::LeftDelivered,
        Self::LeftWebhookOff,
        Self::LeftWebhookDeleted,
        Self::LeftNotKept,
        Self::LeftUnderWay,
        Self::LeftMade,
    ];
    /// Those of what was left out.
    pub const LEFT_OUT: [Self; 6] = [
        Self::LeftDelivered,
        Self::LeftWebhookOff,
        Self::LeftWebhookDeleted,
        Self::LeftNotKept,
        Self::LeftUnderWay,
        Self::LeftMade,
    ];

    /// The number in the table.
    pub(super) fn number(self) -> i16 {
        self as i16
    }

    pub(super) fn of_number(number: i16) -> Self {
        usize::try_from(number).ok().and_then(|n| Self::ALL.get(n)).copied().unwrap_or(Self::Cancelled)
    }

    /// The word in the API and the page's address.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::HandedOver => "handed_over",
            Self::Delivered => "delivered",
            Self::Retrying => "retrying",
            Self::Failed => "failed",
            Self::Held => "held",
            Self::Cancelled => "cancelled",
            Self::LeftDelivered => "skipped_delivered",
            Self::LeftWebhookOff => "skipped_webhook_off",
            Self::LeftWebhookDeleted => "skipped_webhook_deleted",
            Self::LeftNotKept => "skipped_not_kept",
            Self::LeftUnderWay => "skipped_under_way",
            Self::LeftMade => "skipped_existing",
        }
    }

    /// The state of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// How many deliveries of a replay are in each state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts([i32; ItemState::ALL.len()]);

impl Counts {
    pub(super) fn none() -> Self {
        Self([0; ItemState::ALL.len()])
    }

    pub(super) fn of_column(column: &[i32]) -> Self {
        let mut counts = Self::none();
        counts.0.iter_mut().zip(column).for_each(|(count, stored)| *count = *stored);
        counts
    }

    pub(super) fn column(&self) -> Vec<i32> {
        self.0.to_vec()
    }

    pub(super) fn add(&mut self, state: ItemState, more: i32) {
        self.0[state as usize] += more;
    }

    /// Those in one state.
    pub fn of(&self, state: ItemState) -> i64 {
        i64::from(self.0[state as usize])
    }

    /// All of them.
    pub fn total(&self) -> i64 {
        self.0.iter().copied().map(i64::from).sum()
    }

    /// Those that are settled for the replay: sent and answered at least once, or left out.
    pub fn settled(&self) -> i64 {
        self.total() - self.of(ItemState::Waiting) - self.of(ItemState::HandedOver)
    }

    /// Those that were left out.
    pub fn left_out(&self) -> i64 {
        ItemState::LEFT_OUT.into_iter().map(|state| self.of(state)).sum()
    }

    /// Those whose result may still change.
    pub fn open(&self) -> i64 {
        [ItemState::HandedOver, ItemState::Retrying, ItemState::Held].map(|state| self.of(state)).iter().sum()
    }

    /// Those that had an attempt with an outcome.
    pub fn tried(&self) -> i64 {
        self.of(ItemState::Delivered) + self.failing()
    }

    /// Those whose last attempt failed, whether it was the last one or not.
    pub fn failing(&self) -> i64 {
        self.of(ItemState::Failed) + self.of(ItemState::Retrying)
    }
}
