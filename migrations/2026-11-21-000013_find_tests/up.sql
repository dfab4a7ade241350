-- The overview asks for a project's tests, which are few among very many deliveries.
create index deliveries_test_idx on deliveries (project_id, id) where test;
