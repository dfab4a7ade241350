-- Webhooks that are slowed because their receivers keep failing: a row for each, as long as it is.
create table webhook_pace (
    project_id uuid not null,
    webhook_id uuid not null,
    slowed_at timestamptz not null,
    -- Attempts that failed in a row; 0 once it answers again.
    failures integer not null,
    failed_at timestamptz not null,
    failure_kind smallint not null,
    failure_detail text not null,
    -- Nothing goes out to it before, then so many at a time, and nothing more for so long.
    next_at timestamptz not null,
    at_a_time integer not null,
    apart_ms integer not null,
    -- A turn that fails takes one step back, however many of its attempts fail.
    stepped_back boolean not null,
    constraint webhook_pace_pkey primary key (project_id, webhook_id),
    constraint webhook_pace_webhook_fkey foreign key (project_id, webhook_id)
        references webhooks (project_id, id) on delete cascade
);
