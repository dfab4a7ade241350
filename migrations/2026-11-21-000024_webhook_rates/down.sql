drop table webhook_rates;
alter table webhooks drop column rate_per_s;
