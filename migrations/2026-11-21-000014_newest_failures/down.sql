drop index deliveries_failed_idx;
