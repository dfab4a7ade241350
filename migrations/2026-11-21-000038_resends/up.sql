-- Deliveries that were sent again to another webhook or with edited data: of which, why and by whom. Past events to a webhook.
create table resends (
    project_id uuid not null constraint resends_project_fkey references projects on delete cascade,
    id uuid not null,
    -- What was sent; of an edited copy the event is its own too.
    delivery_id uuid not null,
    event_id uuid not null,
    webhook_id uuid not null,
    of_delivery_id uuid not null,
    of_event_id uuid not null,
    is_edited boolean not null,
    reason text not null,
    -- A person or a key, by the name that it had then.
    user_id uuid,
    api_key_id uuid,
    by_name text not null,
    constraint resends_pkey primary key (project_id, id)
);
create index resends_event_id_idx on resends (project_id, event_id);
create index resends_of_event_id_idx on resends (project_id, of_event_id);

-- JSON: events to one webhook, instead of deliveries that match a filter.
alter table replays add column events text;
-- The event of a delivery that may have no row yet.
alter table replay_items add column event_id uuid;
