-- What came of deliveries, counted while it happens, so that an overview costs the same however long the history is.
create table delivery_figures (
    project_id uuid not null,
    -- So many seconds are in the row: 60, 900, 7200 or 86400. What ends is counted in one row of each.
    grain integer not null,
    -- Their beginning, in UTC.
    at timestamptz not null,
    webhook_id uuid not null,
    delivered_first integer not null,
    delivered_later integer not null,
    failed integer not null,
    attempts_taken integer not null,
    attempts_failed integer not null,
    -- How many attempts took how long, in buckets (models/figures/times.rs).
    times integer[] not null,
    constraint delivery_figures_pkey primary key (project_id, grain, at, webhook_id)
) with (fillfactor = 60);
create index delivery_figures_at_idx on delivery_figures (grain, at);

-- Attempts that failed alike: of one webhook, in one way, at one host.
create table failure_groups (
    project_id uuid not null,
    -- Derived from what makes it one group.
    id uuid not null,
    webhook_id uuid not null,
    failure_kind smallint not null,
    response_status smallint,
    host text not null,
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null,
    last_delivery_id uuid not null,
    -- Somebody knows of it and says why.
    known_at timestamptz,
    known_by text,
    note text,
    constraint failure_groups_pkey primary key (project_id, id)
) with (fillfactor = 60);

create table failure_counts (
    project_id uuid not null,
    grain integer not null,
    at timestamptz not null,
    group_id uuid not null,
    attempts integer not null,
    failed integer not null,
    constraint failure_counts_pkey primary key (project_id, grain, at, group_id)
) with (fillfactor = 60);
create index failure_counts_at_idx on failure_counts (grain, at);

-- Projects that are older than their figures.
create table counted_since (
    project_id uuid not null constraint counted_since_pkey primary key
        constraint counted_since_project_fkey references projects on delete cascade,
    at timestamptz not null
);
insert into counted_since select id, now() from projects;
