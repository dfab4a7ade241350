-- What the five systems let people set on a webhook beyond address and events; the values that are secret are sealed.
alter table webhooks
    add column preset text constraint webhooks_preset_known
        check (preset in ('project', 'contact', 'verification', 'gamify', 'loyalty')),
    add column extra_signature text not null default 'none' constraint webhooks_extra_signature_known
        check (extra_signature in ('none', 'voucherify')),
    -- JSON list of conditions on an event's data.
    add column filter text,
    -- What becomes of events that come while it is off: no delivery, or one that is held.
    add column when_paused text not null default 'drop' constraint webhooks_when_paused_known
        check (when_paused in ('drop', 'hold')),
    -- A maintenance window: from then until then it is off and holds.
    add column hold_from timestamptz,
    add column hold_until timestamptz,
    add constraint webhooks_hold_whole check ((hold_from is null) = (hold_until is null) and hold_from < hold_until);

-- What a request carries beside its signature, sealed to its row: authentication, extra headers, a client certificate.
create table webhook_credentials (
    project_id uuid not null,
    webhook_id uuid not null,
    id uuid not null,
    kind text not null constraint webhook_credentials_kind_known
        check (kind in ('bearer', 'basic', 'api_key', 'header', 'client_certificate')),
    -- The user's or the header's name; empty where the kind says all.
    name text not null,
    sealed bytea not null,
    -- Tells values apart without giving them away.
    fingerprint text not null,
    created_at timestamptz not null,
    -- In a rotation the new one is used from then on, and the old one until then.
    used_from timestamptz,
    used_until timestamptz,
    constraint webhook_credentials_pkey primary key (project_id, webhook_id, id),
    constraint webhook_credentials_webhook_fkey foreign key (project_id, webhook_id)
        references webhooks (project_id, id) on delete cascade
);
