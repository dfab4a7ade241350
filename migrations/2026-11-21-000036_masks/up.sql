-- Personal data is masked for who need not see it; who looked all the same, and who changed what, is written down.
create table mask_rules (
    project_id uuid not null constraint mask_rules_project_fkey references projects on delete cascade,
    -- As typed: a key, or a path of keys.
    field text not null,
    -- email, phone, name, code, other, shown
    kind text not null,
    constraint mask_rules_pkey primary key (project_id, field)
);

-- Somebody sees a project's personal data for a while.
create table reveals (
    project_id uuid not null constraint reveals_project_fkey references projects on delete cascade,
    user_id uuid not null constraint reveals_user_fkey references users on delete cascade,
    id uuid not null,
    at timestamptz not null,
    until timestamptz not null,
    reason text not null,
    -- Ended by hand before its time.
    ended_at timestamptz,
    constraint reveals_pkey primary key (project_id, user_id, id)
);

-- Outlives what it is about, so it refers to nothing.
create table audit (
    id uuid not null constraint audit_pkey primary key,
    at timestamptz not null,
    -- Null for a program with a key, and for the command line.
    user_id uuid,
    project_id uuid,
    action text not null,
    -- The id of what it was done to.
    subject text not null,
    -- Words, without secrets and personal data.
    detail text not null,
    -- What is written down only once, such as a record that is looked at again and again.
    once text
);
create index audit_project_id_idx on audit (project_id, id);
create index audit_user_id_idx on audit (user_id, id);
create unique index audit_once_idx on audit (once) where once is not null;
