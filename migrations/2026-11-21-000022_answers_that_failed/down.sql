drop index deliveries_answer_idx;
