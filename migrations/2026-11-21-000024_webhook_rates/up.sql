-- A webhook may have a limit on how many requests a second go out to it, over all nodes together.
alter table webhooks add column rate_per_s integer
    constraint webhooks_rate_range check (rate_per_s between 1 and 1000);

-- A row for each webhook that exists and has one: whoever claims what is due for it locks it and moves it on.
create table webhook_rates (
    project_id uuid not null,
    webhook_id uuid not null,
    -- The next request may go out from then on.
    next_at timestamptz not null,
    constraint webhook_rates_pkey primary key (project_id, webhook_id),
    constraint webhook_rates_webhook_fkey foreign key (project_id, webhook_id)
        references webhooks (project_id, id) on delete cascade
);
