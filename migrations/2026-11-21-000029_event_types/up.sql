-- A project's own event types, beside those of the catalogue. Their names begin with `custom.`.
create table event_types (
    project_id uuid not null constraint event_types_project_fkey references projects (id) on delete cascade,
    name text not null constraint event_types_name_own check (name like 'custom.%'),
    description text not null,
    -- JSON objects, as they were typed.
    sample text not null,
    -- None: one is derived from the sample.
    schema text,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint event_types_pkey primary key (project_id, name)
);
