drop index deliveries_held_idx;
create index deliveries_held_idx on deliveries (project_id, webhook_id) where status = 5;
drop table unfinished_switches;
