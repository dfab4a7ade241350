drop table delivery_notes;
drop table hidden_views;
drop table saved_views;
