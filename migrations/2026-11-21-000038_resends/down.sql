alter table replay_items drop column event_id;
alter table replays drop column events;
drop table resends;
