-- Headers are kept in a third of their bytes (src/rules/kept.rs); what was kept before stays JSON and is read as such.
alter table attempts
    alter request_headers type bytea using convert_to(request_headers, 'UTF8'),
    alter response_headers type bytea using convert_to(response_headers, 'UTF8');
