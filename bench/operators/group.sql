-- few_text
SELECT id1, sum(v1) AS v1 FROM g GROUP BY id1;
-- pairs_text
SELECT id1, id2, sum(v1) AS v1 FROM g GROUP BY id1, id2;
-- text_100k
SELECT id3, sum(v1) AS v1, avg(v3) AS v3 FROM g GROUP BY id3;
-- int_avgs
SELECT id4, avg(v1) AS v1, avg(v2) AS v2, avg(v3) AS v3 FROM g GROUP BY id4;
-- int_100k
SELECT id6, sum(v1) AS v1, sum(v2) AS v2, sum(v3) AS v3 FROM g GROUP BY id6;
-- stddev
SELECT id4, id5, stddev(v3) AS sd FROM g GROUP BY id4, id5;
-- max_minus_min
SELECT id3, max(v1) - min(v2) AS range_v1_v2 FROM g GROUP BY id3;
-- corr
SELECT id2, id4, power(corr(v1, v2), 2) AS r2 FROM g GROUP BY id2, id4;
-- six_keys
SELECT count(*), sum(c), sum(s) FROM (SELECT id1, id2, id3, id4, id5, id6, sum(v3) AS s, count(*) AS c FROM g GROUP BY id1, id2, id3, id4, id5, id6) x;
-- all_distinct
SELECT count(*), sum(c) FROM (SELECT big_id * 10 + v % 10 AS k, count(*) AS c FROM facts GROUP BY 1) x;
-- skewed
SELECT count(*), max(c) FROM (SELECT skewed_id, count(*) AS c FROM facts GROUP BY skewed_id) x;
-- users_top
SELECT user_id, count(*) AS c FROM hits GROUP BY user_id ORDER BY c DESC, user_id LIMIT 10;
-- users_phrase_top
SELECT user_id, phrase, count(*) AS c FROM hits GROUP BY user_id, phrase ORDER BY c DESC, user_id, phrase LIMIT 10;
-- users_minute
SELECT user_id, extract(minute FROM event_time) AS m, phrase, count(*) AS c FROM hits GROUP BY user_id, m, phrase ORDER BY c DESC, user_id, m, phrase LIMIT 10;
-- phrase_top
SELECT phrase, count(*) AS c FROM hits WHERE phrase <> '' GROUP BY phrase ORDER BY c DESC, phrase LIMIT 10;
-- phrase_users
SELECT phrase, count(DISTINCT user_id) AS u FROM hits WHERE phrase <> '' GROUP BY phrase ORDER BY u DESC, phrase LIMIT 10;
-- region_users
SELECT region_id, count(DISTINCT user_id) AS u FROM hits GROUP BY region_id ORDER BY u DESC, region_id LIMIT 10;
-- region_many
SELECT region_id, sum(adv_engine_id), count(*) AS c, avg(width), count(DISTINCT user_id) FROM hits GROUP BY region_id ORDER BY c DESC, region_id LIMIT 10;
-- url_top
SELECT url, count(*) AS c FROM hits GROUP BY url ORDER BY c DESC, url LIMIT 10;
-- count_distinct_int
SELECT count(DISTINCT user_id) FROM hits;
-- count_distinct_text
SELECT count(DISTINCT phrase) FROM hits;
-- count_distinct_url
SELECT count(DISTINCT url) FROM hits;
-- distinct_rows
SELECT count(*) FROM (SELECT DISTINCT region_id, width, event_date FROM hits) x;
-- no_group
SELECT sum(adv_engine_id), count(*), avg(width), min(event_date), max(event_date), avg(user_id) FROM hits;
-- many_sums
SELECT sum(width), sum(width + 1), sum(width + 2), sum(width + 3), sum(width + 4), sum(width + 5), sum(width + 6), sum(width + 7), sum(width + 8), sum(width + 9) FROM hits;
-- nullable
SELECT v4, count(*), count(v4), min(v3), max(v3) FROM g GROUP BY v4;
-- truncated_minute
SELECT date_trunc('minute', event_time) AS m, count(*) FROM hits GROUP BY m ORDER BY m LIMIT 10 OFFSET 1000;
-- like_min_url
SELECT phrase, min(url), count(*) AS c FROM hits WHERE url LIKE '%google%' AND phrase <> '' GROUP BY phrase ORDER BY c DESC, phrase LIMIT 10;
-- two_levels
SELECT c, count(*) FROM (SELECT user_id, count(*) AS c FROM hits GROUP BY user_id) x GROUP BY c ORDER BY c DESC LIMIT 10;
-- bool_case
SELECT region_id, sum(CASE WHEN is_refresh = 1 THEN width ELSE 0 END), bool_or(is_refresh = 1) FROM hits GROUP BY region_id ORDER BY 2 DESC, 1 LIMIT 10;
-- filtered
SELECT id4, count(*) FILTER (WHERE v1 > 3), sum(v2) FILTER (WHERE v1 <= 3) FROM g GROUP BY id4;
-- union_group
SELECT k, count(*) FROM (SELECT id6 AS k FROM g UNION ALL SELECT region_id FROM hits) x GROUP BY k ORDER BY 2 DESC, 1 LIMIT 10;
