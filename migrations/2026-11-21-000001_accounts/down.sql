drop table api_keys;
drop table members;
drop table projects;
drop table setup_links;
drop table sign_in_failures;
drop table sessions;
drop table users;
