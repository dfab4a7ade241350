-- The data of events and where they come from is kept in about half its bytes (src/rules/kept/json.rs); what was kept
-- before stays JSON and is read as such. A group that is named after its first event is not kept with that one.
alter table events
    alter source type bytea using convert_to(source, 'UTF8'),
    alter group_id drop not null;
-- What is packed cannot be packed once more.
alter table events alter data set storage external;
