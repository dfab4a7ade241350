drop table emptied_days;
