-- What was missed while a webhook was off can be sent later; maintenance windows begin and end; people are told of a
-- webhook that was disabled.
alter table webhooks
    -- Since when nothing is sent to it; null while it is on.
    add column off_since timestamptz,
    -- The delivery that it was disabled with, and how that was answered, if at all.
    add column disabled_delivery uuid,
    add column disabled_status smallint,
    -- Its maintenance window has begun and switched it off: it holds what comes, and is switched on at the end.
    add column in_maintenance boolean not null default false
        constraint webhooks_maintenance_off check (not in_maintenance or (not active and hold_until is not null));
update webhooks set off_since = coalesce(disabled_at, updated_at) where not active and deleted_at is null;
create index webhooks_maintenance_idx on webhooks (hold_from) where hold_until is not null;

-- Events that some webhook would have taken had it been on; nothing where nothing was off, whatever filters leave out.
create index events_skipped_idx on events (project_id, id) where skipped ~ '"(paused|disabled)"';

-- Webhooks that were switched on with what they missed to be sent: events from the one id up to the other are still to
-- be looked through, a piece at a time.
create table missed_events (
    project_id uuid not null,
    webhook_id uuid not null,
    next_id uuid not null,
    until_id uuid not null,
    -- By then whoever still accepted events for the webhook as off is through.
    begins_at timestamptz not null,
    constraint missed_events_pkey primary key (project_id, webhook_id),
    constraint missed_events_webhook_fkey foreign key (project_id, webhook_id)
        references webhooks (project_id, id) on delete cascade
);

-- What the people of a project should know of. The id knows the time.
create table notices (
    project_id uuid not null constraint notices_project_fkey references projects on delete cascade,
    id uuid not null,
    kind text not null constraint notices_kind_known check (kind in ('gone', 'retries_used_up')),
    webhook_id uuid not null,
    delivery_id uuid,
    -- The last answer, in words.
    detail text not null,
    at timestamptz not null,
    constraint notices_pkey primary key (project_id, id)
);
create index notices_at_idx on notices (at);
alter table users
    add column webhook_notices boolean not null default true,
    add column notices_seen_at timestamptz;
