drop table audit;
drop table reveals;
drop table mask_rules;
