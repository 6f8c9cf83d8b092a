-- count_not_zero
SELECT count(*) FROM hits WHERE adv_engine_id <> 0;
-- like_count
SELECT count(*) FROM hits WHERE url LIKE '%google%';
-- like_two
SELECT count(*) FROM hits WHERE title LIKE '%number 1%' AND url NOT LIKE '%.org/google%';
-- ilike_count
SELECT count(*) FROM hits WHERE title ILIKE '%NUMBER 12%';
-- prefix
SELECT count(*) FROM hits WHERE phrase LIKE 'phrase 1%';
-- equal_int
SELECT user_id FROM hits WHERE user_id = 435090932899640;
-- text_length
SELECT avg(length(url)), max(length(title)) FROM hits;
-- text_functions
SELECT count(*) FROM hits WHERE upper(substring(title FROM 1 FOR 5)) = 'TITLE' AND position('12' IN title) > 0;
-- in_list
SELECT count(*) FROM hits WHERE region_id IN (1, 5, 77, 912, 4000, 4001, 3999, 2500);
-- date_range
SELECT count(*), sum(width) FROM hits WHERE event_date BETWEEN date '2013-07-10' AND date '2013-07-20' AND is_refresh = 0;
-- case_arith
SELECT sum(CASE WHEN v1 > 3 THEN v3 * 2 ELSE v3 / 3 END + sqrt(v3)) FROM g;
-- extract_parts
SELECT sum(extract(hour FROM event_time) + extract(minute FROM event_time)) FROM hits;
-- wide_rows
SELECT * FROM hits WHERE url LIKE '%google%' ORDER BY event_time, watch_id LIMIT 10;
-- limit_only
SELECT * FROM hits LIMIT 1000;
-- or_mixed
SELECT count(*) FROM hits WHERE region_id < 100 OR phrase LIKE '%99%' OR width > 2490;
