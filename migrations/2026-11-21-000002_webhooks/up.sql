-- Where we send. A deleted webhook keeps its row, so that its history still has a name.
create table webhooks (
    project_id uuid not null constraint webhooks_project_fkey references projects (id) on delete cascade,
    id uuid not null,
    name text not null,
    description text not null default '',
    target_url text not null,
    active boolean not null default true,
    -- Why it is off although nobody unticked it: `gone` (410), `retries_used_up`, with text and time.
    disabled_kind text,
    disabled_detail text,
    disabled_at timestamptz,
    all_events boolean not null default false,
    events text[] not null default '{}',
    body text not null default 'envelope' constraint webhooks_body_known check (body in ('envelope', 'flat')),
    version text not null default '2024-01-01',
    timeout_ms integer not null default 10000 constraint webhooks_timeout_range check (timeout_ms between 1000 and 30000),
    -- `doubling-24h`, `three`, `none`, or a JSON list of seconds.
    retries text not null default '"doubling-24h"',
    success text not null default '2xx' constraint webhooks_success_known check (success in ('2xx', '200')),
    when_used_up text not null default 'fail' constraint webhooks_when_used_up_known check (when_used_up in ('fail', 'disable')),
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    constraint webhooks_pkey primary key (project_id, id)
);
create unique index webhooks_name_key on webhooks (project_id, lower(name)) where deleted_at is null;

-- The signing secrets of a webhook, sealed; more than one while a rotation overlaps.
create table webhook_secrets (
    project_id uuid not null,
    webhook_id uuid not null,
    id uuid not null,
    sealed bytea not null,
    created_at timestamptz not null,
    -- Signs until then; null is the live one.
    expires_at timestamptz,
    constraint webhook_secrets_pkey primary key (project_id, webhook_id, id),
    constraint webhook_secrets_webhook_fkey foreign key (project_id, webhook_id)
        references webhooks (project_id, id) on delete cascade
);
