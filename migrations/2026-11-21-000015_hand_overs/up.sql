-- Most deliveries are over within milliseconds: their row is written once, with the outcome. Until then a row here stands
-- for a few of them, in the transaction of their events, so that nothing is lost if the node dies.
create table hand_overs (
    node uuid not null,
    -- A node has a fixed number of places and uses them again and again; in -1 it says that it lives.
    place smallint not null,
    -- After this moment any node makes due what has no row of its own by then.
    lease_ends timestamptz,
    -- 48 bytes a delivery: project, event, webhook. Not emptied when all is over: then each has its row.
    deliveries bytea,
    constraint hand_overs_pkey primary key (node, place)
    -- No index on what changes, and room on the page: each use replaces the one before in place.
) with (fillfactor = 25);
alter table hand_overs alter deliveries set storage plain;
