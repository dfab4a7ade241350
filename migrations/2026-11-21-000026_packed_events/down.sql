-- The version before cannot read what is packed: it goes back only as long as nothing is.
do $$ begin
    if exists (select from events where substr(data, 1, 1) = '\x01' or substr(source, 1, 1) = '\x01') then
        raise exception 'events are kept packed, which the version before cannot read: restore the backup from before the upgrade';
    end if;
end $$;
update events set group_id = 'v-' || replace(id::text, '-', '') where group_id is null;
alter table events
    alter source type text using convert_from(source, 'UTF8'),
    alter group_id set not null,
    alter data set storage extended;
