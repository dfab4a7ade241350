-- Events are found by the values in them: sorted values and the events that hold each, in packed blocks.
create table search_segments (
    project_id uuid not null,
    -- The oldest event in it: segments of a project do not overlap. All of one day.
    first_id uuid not null,
    last_id uuid not null,
    -- The ids of its events, 16 bytes each, oldest first; blocks name them by their place.
    events bytea not null,
    constraint search_segments_pkey primary key (project_id, first_id)
) partition by range (first_id);
-- Random bytes do not get shorter.
alter table search_segments alter events set storage external;

create table search_blocks (
    project_id uuid not null,
    segment_id uuid not null,
    -- The first value in it, in UTF-8: the order is that of bytes.
    first_value bytea not null,
    -- See src/rules/search/block.rs.
    block bytea not null,
    constraint search_blocks_pkey primary key (project_id, segment_id, first_value)
) partition by range (segment_id);
alter table search_blocks alter block set storage external;

-- How far it has come, a row for each project.
create table search_progress (
    project_id uuid constraint search_progress_pkey primary key
        constraint search_progress_project_fkey references projects (id) on delete cascade,
    -- Events from the one id on and below the other are in segments.
    known_from uuid not null,
    known_to uuid not null,
    -- Nothing older is kept.
    is_whole boolean not null default false,
    -- Nothing new is taken in, because the disk budget is used up by this day alone.
    is_full boolean not null default false,
    -- The budget in bytes when days were dropped because of it: with a larger one they are taken in again.
    dropped_at bigint,
    look_at timestamptz not null
);
create index search_progress_look_at_idx on search_progress (look_at);
