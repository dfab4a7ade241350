drop table counted_since;
drop table failure_counts;
drop table failure_groups;
drop table delivery_figures;
