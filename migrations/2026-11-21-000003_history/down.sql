drop table external_ids;
drop table attempts;
drop table deliveries;
drop table events;
