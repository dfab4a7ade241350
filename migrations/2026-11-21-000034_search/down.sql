drop table search_blocks, search_segments, search_progress;
