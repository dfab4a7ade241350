-- The history is asked for answers such as 404 or 5xx, which are few among very many 2xx: those are not in it.
create index deliveries_answer_idx on deliveries (project_id, last_response_status, id)
    where last_response_status < 200 or last_response_status > 299;
