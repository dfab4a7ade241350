alter table events drop column test;
