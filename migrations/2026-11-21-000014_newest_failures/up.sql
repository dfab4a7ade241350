-- The overview asks which deliveries were given up last, however long ago their events arrived.
create index deliveries_failed_idx on deliveries (project_id, ended_at) where status = 4;
