-- Webhooks that were switched or deleted while very many deliveries waited: a row for each until the last one follows.
create table unfinished_switches (
    project_id uuid not null,
    webhook_id uuid not null,
    -- What is held for it and has a smaller id is cancelled: somebody chose so when it was resumed.
    cancels_before uuid,
    constraint unfinished_switches_pkey primary key (project_id, webhook_id),
    constraint unfinished_switches_webhook_fkey foreign key (project_id, webhook_id)
        references webhooks (project_id, id) on delete cascade
);
-- What is held for one webhook is released oldest first, a piece at a time.
drop index deliveries_held_idx;
create index deliveries_held_idx on deliveries (project_id, webhook_id, id) where status = 5;
