drop table webhook_secrets;
drop table webhooks;
