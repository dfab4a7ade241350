-- What was deleted cannot come back, and nothing asks for it.
select 1;
