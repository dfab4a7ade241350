drop table sample_projects;
