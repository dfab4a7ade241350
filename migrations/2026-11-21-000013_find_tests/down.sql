drop index deliveries_test_idx;
