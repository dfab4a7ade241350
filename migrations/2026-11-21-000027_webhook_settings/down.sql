drop table webhook_credentials;
alter table webhooks drop column preset, drop column extra_signature, drop column filter, drop column when_paused,
    drop column hold_from, drop column hold_until;
