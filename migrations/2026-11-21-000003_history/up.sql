-- What happened, where it was sent, and every try. Cut into days by id, whose first 48 bits are the millisecond of
-- arrival; a delivery's id carries its event's millisecond, so the three tables are always cut alike and the
-- deliveries of an event are found by a short range over their primary key.
create table events (
    project_id uuid not null,
    id uuid not null,
    event_type text not null collate "C",
    external_id text,
    entity_id text,
    -- Ours (`v-…`) or the caller's own.
    group_id text not null collate "C",
    created_at timestamptz not null,
    -- JSON: {"channel":…}, as in the envelope.
    source text not null,
    -- Canonical JSON, exactly as signed and sent; never parsed by the database.
    data bytea not null,
    -- JSON: the webhooks that would have taken it but were paused or disabled, with the reason; null for none.
    skipped text,
    deliveries smallint not null,
    constraint events_pkey primary key (project_id, id)
) partition by range (id);
create index events_type_idx on events (project_id, event_type, id);
create table events_older partition of events default;

create table deliveries (
    project_id uuid not null,
    -- Derived from event and webhook: the primary key is what makes it one delivery for each pair.
    id uuid not null,
    event_id uuid not null,
    webhook_id uuid not null,
    event_type text not null collate "C",
    -- 0 due, 1 sending, 2 delivered, 3 retrying, 4 failed, 5 held, 6 cancelled
    status smallint not null,
    test boolean not null default false,
    -- due and retrying: when to send; sending: when the lease ends; otherwise null.
    due_at timestamptz,
    -- Grows with every claim: the fence that makes a stale claim's outcome void.
    claims integer not null default 0,
    claimed_by uuid,
    attempt_count integer not null default 0,
    retries_used smallint not null default 0,
    last_response_status smallint,
    last_failure_kind smallint,
    last_failure_detail text,
    ended_at timestamptz,
    constraint deliveries_pkey primary key (project_id, id)
) partition by range (id);
create index deliveries_queue_idx on deliveries (webhook_id, due_at) where status in (0, 3);
create index deliveries_lease_idx on deliveries (due_at) where status = 1;
create index deliveries_webhook_idx on deliveries (project_id, webhook_id, id);
create index deliveries_type_idx on deliveries (project_id, event_type, id);
create index deliveries_not_delivered_idx on deliveries (project_id, status, id) where status in (3, 4, 5, 6);
create table deliveries_older partition of deliveries default;

create table attempts (
    project_id uuid not null,
    delivery_id uuid not null,
    -- The claim (deliveries.claims) it was made under: a late outcome finds its own row again.
    number integer not null,
    started_at timestamptz not null,
    duration_us integer not null,
    url text not null,
    address text,
    -- JSON list of [name, value], secrets masked.
    request_headers text not null,
    -- 0: the body is in request_body; 1: envelope of 2024-01-01; 2: flat; 3: envelope of 2018-08-01. Those are rebuilt from event
    -- and attempt.
    body_format smallint not null,
    request_body bytea,
    response_status smallint,
    response_headers text,
    response_body bytea,
    response_truncated boolean not null default false,
    failure_kind smallint,
    failure_detail text,
    dns_us integer,
    connect_us integer,
    tls_us integer,
    first_byte_us integer,
    constraint attempts_pkey primary key (project_id, delivery_id, number)
) partition by range (delivery_id);
create table attempts_older partition of attempts default;

-- The caller's own event ids, remembered for seven days whatever happens to the partitions.
create table external_ids (
    project_id uuid not null,
    external_id text not null collate "C",
    event_id uuid not null,
    event_type text not null,
    group_id text not null,
    created_at timestamptz not null,
    deliveries smallint not null,
    expires_at timestamptz not null,
    constraint external_ids_pkey primary key (project_id, external_id)
);
create index external_ids_expires_at_idx on external_ids (expires_at);
