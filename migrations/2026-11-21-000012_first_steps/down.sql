alter table projects drop column first_steps_dismissed_at;
