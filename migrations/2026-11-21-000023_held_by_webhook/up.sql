-- What is held for one webhook is counted and released without looking at what is held for all the others.
create index deliveries_held_idx on deliveries (project_id, webhook_id) where status = 5;
