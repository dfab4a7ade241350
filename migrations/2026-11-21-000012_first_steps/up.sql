-- When a project's admin had enough of the first steps.
alter table projects add column first_steps_dismissed_at timestamptz;
