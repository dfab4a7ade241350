drop table webhook_pace;
