-- A test of a webhook that is not saved yet is in the history too: under one row a project, which counts as deleted.
alter table webhooks add column is_draft boolean not null default false;
create unique index webhooks_draft_key on webhooks (project_id) where is_draft;
