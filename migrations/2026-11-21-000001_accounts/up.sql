-- Who may do what: people, their sessions, projects, roles in them, and the keys that programs use.
create table users (
    id uuid constraint users_pkey primary key,
    email text not null constraint users_email_length check (length(email) between 3 and 254),
    name text not null,
    password_hash text not null,
    is_owner boolean not null default false,
    created_at timestamptz not null
);
create unique index users_email_key on users (lower(email));

-- The key itself is only in the browser's cookie; here is its SHA-256.
create table sessions (
    key_hash bytea constraint sessions_pkey primary key,
    user_id uuid constraint sessions_user_fkey references users (id) on delete cascade,
    state text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null
);
create index sessions_expires_at_idx on sessions (expires_at);
create index sessions_user_id_idx on sessions (user_id);

-- Failed sign-ins per account and per address, for the back-off. `subject` is `account:<email>` or `address:<ip>`.
create table sign_in_failures (
    subject text constraint sign_in_failures_pkey primary key,
    failures integer not null,
    last_failed_at timestamptz not null
);

-- The one-time link with which the first owner is made.
create table setup_links (
    token_hash bytea constraint setup_links_pkey primary key,
    expires_at timestamptz not null
);

create table projects (
    id uuid constraint projects_pkey primary key,
    name text not null,
    public_key text not null constraint projects_public_key_key unique,
    webhooks_enabled boolean not null default true,
    allowed_hosts text[] not null default '{}',
    -- Grows with every change that decides where events go; accept checks it inside its transaction.
    settings_version bigint not null default 1,
    created_at timestamptz not null
);
create unique index projects_name_key on projects (lower(name));

create table members (
    project_id uuid not null constraint members_project_fkey references projects (id) on delete cascade,
    user_id uuid not null constraint members_user_fkey references users (id) on delete cascade,
    role text not null constraint members_role_known check (role in ('admin', 'support', 'viewer')),
    created_at timestamptz not null,
    constraint members_pkey primary key (project_id, user_id)
);
create index members_user_id_idx on members (user_id);

create table api_keys (
    project_id uuid not null constraint api_keys_project_fkey references projects (id) on delete cascade,
    id uuid not null,
    name text not null,
    app_id uuid not null,
    -- SHA-256 of the token, which is shown once and never stored.
    token_hash bytea not null constraint api_keys_token_hash_key unique,
    -- The token's last four characters, to tell keys apart.
    token_hint text not null,
    scopes text[] not null,
    created_at timestamptz not null,
    revoked_at timestamptz,
    last_used_at timestamptz,
    constraint api_keys_pkey primary key (project_id, id)
);
