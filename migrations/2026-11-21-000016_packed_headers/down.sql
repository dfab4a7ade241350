-- What was packed cannot be read by the version before: its headers are lost to it, not the attempts.
alter table attempts
    alter request_headers type text using case when substr(request_headers, 1, 1) = '[' then convert_from(request_headers, 'UTF8') else '[]' end,
    alter response_headers type text using case when substr(response_headers, 1, 1) = '[' then convert_from(response_headers, 'UTF8') when response_headers is not null then '[]' end;
