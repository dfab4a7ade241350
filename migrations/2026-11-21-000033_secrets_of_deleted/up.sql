-- Secrets of a webhook go with it; until now they stayed.
delete from webhook_secrets s using webhooks w
    where w.project_id = s.project_id and w.id = s.webhook_id and w.deleted_at is not null;
delete from webhook_credentials c using webhooks w
    where w.project_id = c.project_id and w.id = c.webhook_id and w.deleted_at is not null;
