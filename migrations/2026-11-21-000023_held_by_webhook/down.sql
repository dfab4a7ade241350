drop index deliveries_held_idx;
