drop index webhooks_draft_key;
alter table webhooks drop column is_draft;
