-- What people keep beside the history: filters of a list under a name of their own, and notes on deliveries.
create table saved_views (
    project_id uuid not null constraint saved_views_project_fkey references projects on delete cascade,
    user_id uuid not null constraint saved_views_user_fkey references users on delete cascade,
    id uuid not null,
    -- history or events
    list text not null,
    name text not null,
    -- As in the list's address, without the page.
    query text not null,
    constraint saved_views_pkey primary key (project_id, user_id, id)
);
create unique index saved_views_name_key on saved_views (project_id, user_id, list, lower(name));
create index saved_views_user_idx on saved_views (user_id);

-- Those of the views that everybody has which somebody does not want to see.
create table hidden_views (
    project_id uuid not null constraint hidden_views_project_fkey references projects on delete cascade,
    user_id uuid not null constraint hidden_views_user_fkey references users on delete cascade,
    list text not null,
    word text not null,
    constraint hidden_views_pkey primary key (project_id, user_id, list, word)
);
create index hidden_views_user_idx on hidden_views (user_id);

create table delivery_notes (
    project_id uuid not null constraint delivery_notes_project_fkey references projects on delete cascade,
    delivery_id uuid not null,
    id uuid not null,
    -- Who wrote it; null for an API key, and once the person is gone. The name stays.
    user_id uuid constraint delivery_notes_user_fkey references users on delete set null,
    author text not null,
    text text not null,
    constraint delivery_notes_pkey primary key (project_id, delivery_id, id)
);
-- Notes go after their deliveries, by age.
create index delivery_notes_delivery_idx on delivery_notes (delivery_id);
create index delivery_notes_user_idx on delivery_notes (user_id) where user_id is not null;
