-- int_all
SELECT big_id FROM facts ORDER BY big_id;
-- int_payload
SELECT big_id, v, medium_id, skewed_id FROM facts ORDER BY big_id;
-- few_values
SELECT v, big_id FROM facts ORDER BY v;
-- two_keys
SELECT v, big_id FROM facts ORDER BY v DESC, big_id;
-- text
SELECT big_text FROM facts ORDER BY big_text;
-- text_long_prefix
SELECT url FROM hits ORDER BY url;
-- double_nulls
SELECT v4, v3 FROM g ORDER BY v4 DESC NULLS LAST, v3;
-- sorted_already
SELECT watch_id, region_id FROM hits ORDER BY watch_id;
-- top_10
SELECT big_id, v FROM facts ORDER BY big_id DESC, v LIMIT 10;
-- top_text
SELECT phrase, watch_id FROM hits WHERE phrase <> '' ORDER BY phrase, watch_id LIMIT 10;
-- top_time
SELECT phrase FROM hits WHERE phrase <> '' ORDER BY event_time, watch_id LIMIT 10;
-- top_100k
SELECT big_id, v FROM facts ORDER BY v, big_id LIMIT 100000;
-- top_offset
SELECT big_id, big_text FROM facts ORDER BY big_id, v LIMIT 10 OFFSET 1000000;
-- top_rising
SELECT watch_id, url FROM hits ORDER BY watch_id DESC LIMIT 10;
