-- Which project is the sample, so that removing the sample removes exactly that one.
create table sample_projects (
    project_id uuid constraint sample_projects_pkey primary key
        constraint sample_projects_project_fkey references projects (id) on delete cascade,
    made_at timestamptz not null,
    -- A removal that was cut short is finished by whoever loads the sample next.
    removal_began_at timestamptz,
    -- At most one in an installation.
    is_only boolean not null default true
        constraint sample_projects_only_one unique constraint sample_projects_only_true check (is_only)
);
