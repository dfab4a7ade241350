-- Deliveries that are sent again together, a piece at a time: which ones, how fast, and how far it has come.
create table replays (
    project_id uuid not null constraint replays_project_fkey references projects on delete cascade,
    id uuid not null,
    -- JSON: the filter of the history as it was; null for deliveries that were named.
    filter text,
    newest_first boolean not null,
    skips_delivered boolean not null,
    rate_per_s integer,
    stop_percent smallint,
    -- 0 running, 1 paused, 2 cancelled, 3 stopped by its failures, 4 done
    status smallint not null,
    changed_at timestamptz not null,
    -- Who matched is written down from the newest on: the last one so far; null before the first.
    collected_until uuid,
    is_collected boolean not null,
    -- How many items are in each state; the place is the state's number and one.
    counts integer[] not null,
    -- So many may wait for their first attempt at a time: more, the faster webhooks take them.
    at_a_time integer not null,
    -- With a rate: from then on the next may go.
    next_at timestamptz not null,
    -- What was tried and had failed when it was last resumed, which does not count for the share of failures.
    tried_before integer not null default 0,
    failed_before integer not null default 0,
    -- Those that wait for a retry are looked at in turn: the last one so far.
    looked_until uuid,
    -- When there is something to do next; null for never.
    look_at timestamptz,
    constraint replays_pkey primary key (project_id, id)
);
create index replays_look_at_idx on replays (look_at) where look_at is not null;
create index replays_changed_at_idx on replays (changed_at) where status <> 0;

create table replay_items (
    project_id uuid not null,
    replay_id uuid not null,
    delivery_id uuid not null,
    -- 0 waiting, 1 handed over; then as it stands or ended: 2 delivered, 3 retrying, 4 failed, 5 held, 6 cancelled;
    -- left out: 7 delivered since, 8 its webhook is off, 9 its webhook was deleted, 10 no longer kept, 11 under way
    state smallint not null,
    constraint replay_items_pkey primary key (project_id, replay_id, delivery_id),
    constraint replay_items_replay_fkey foreign key (project_id, replay_id)
        references replays (project_id, id) on delete cascade
);
create index replay_items_state_idx on replay_items (project_id, replay_id, state, delivery_id);
