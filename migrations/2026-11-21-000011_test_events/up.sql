-- Tests of a webhook are events too: lists say which are.
alter table events add column test boolean not null default false;
