//! The deliveries of a replay, one by one.
use diesel::prelude::*;

use super::state::ItemState;
use crate::base::db::DbError;
use crate::base::ids::{DeliveryId, ProjectId, ReplayId};
use crate::base::schema::replay_items;

/// A delivery in a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// Which one.
    pub delivery: DeliveryId,
    /// What became of it.
    pub state: ItemState,
}

/// A page of a replay's deliveries, newest event first; `before` is the last of the page before.
pub fn items(
    conn: &mut PgConnection,
    (project, replay): (ProjectId, ReplayId),
    state: Option<ItemState>,
    before: Option<DeliveryId>,
    limit: i64,
) -> Result<Vec<Item>, DbError> {
    let mut query = replay_items::table
        .filter(replay_items::project_id.eq(project))
        .filter(replay_items::replay_id.eq(replay))
        .order(replay_items::delivery_id.desc())
        .limit(limit)
        .select((replay_items::delivery_id, replay_items::state))
        .into_boxed();
    if let Some(state) = state {
        query = query.filter(replay_items::state.eq(state.number()));
    }
    if let Some(before) = before {
        query = query.filter(replay_items::delivery_id.lt(before));
    }
    let rows: Vec<(DeliveryId, i16)> = query.load(conn)?;
    let item = |(delivery, state)| Item { delivery, state: ItemState::of_number(state) };
    Ok(rows.into_iter().map(item).collect())
}
