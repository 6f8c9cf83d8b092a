-- medium
SELECT count(*), sum(v), sum(w) FROM facts JOIN medium ON medium_id = id;
-- big
SELECT count(*), sum(v), sum(w) FROM facts JOIN big ON big_id = id;
-- big_left
SELECT count(*), count(w), sum(v) FROM facts LEFT JOIN big ON big_id = id;
-- big_full
SELECT count(*), count(w), count(v), sum(v) FROM facts FULL JOIN big ON big_id = id AND w < 50;
-- big_text
SELECT count(*), sum(v), sum(w) FROM facts JOIN big ON big_text = name;
-- big_names
SELECT max(name), count(*) FROM facts JOIN big ON big_id = id WHERE w < 10;
-- medium_group
SELECT name, count(*), sum(v) FROM facts JOIN medium ON medium_id = id GROUP BY name ORDER BY 2 DESC, 1 LIMIT 10;
-- semi
SELECT count(*) FROM facts WHERE big_id IN (SELECT id FROM big WHERE w < 50);
-- anti
SELECT count(*) FROM facts WHERE NOT EXISTS (SELECT 1 FROM big WHERE id = big_id AND w < 50);
-- not_in
SELECT count(*) FROM facts WHERE big_id NOT IN (SELECT id FROM big WHERE w < 50);
-- skewed_probe
SELECT count(*), sum(w) FROM facts JOIN big ON skewed_id = id;
-- skewed_build
SELECT count(*), sum(m.w) FROM (SELECT id, w FROM big WHERE w = 0) m JOIN facts ON skewed_id = m.id;
-- selective_build
SELECT count(*), sum(v) FROM facts JOIN big ON big_id = id WHERE name LIKE 'key12345%';
-- self
SELECT count(*) FROM facts a JOIN facts b ON a.big_id = b.big_id WHERE a.v < 100 AND b.v >= 900;
-- two_keys
SELECT count(*), sum(a.v) FROM facts a JOIN facts b ON a.big_id = b.big_id AND a.medium_id = b.medium_id WHERE a.v < 500;
-- one_key_both
SELECT count(*), sum(a.v) FROM facts a JOIN facts b ON a.small_id = b.small_id WHERE a.big_id < 3000 AND b.big_id < 30000;
-- residual
SELECT count(*) FROM facts a JOIN facts b ON a.medium_id = b.medium_id AND a.v < b.v WHERE a.big_id < 100000;
-- range_join
SELECT count(*), sum(id) FROM facts JOIN ranges ON big_id BETWEEN low AND high WHERE v < 3;
-- inequality
SELECT count(*) FROM (SELECT big_id FROM facts WHERE v = 1) a JOIN (SELECT low FROM ranges) b ON a.big_id < b.low;
-- cross
SELECT count(*), sum(a.id + b.w) FROM ranges a CROSS JOIN (SELECT w FROM medium WHERE id < 2000) b;
-- not_equal
SELECT count(*) FROM ranges a JOIN (SELECT w FROM medium WHERE id < 2000) b ON a.id <> b.w;
-- inequality_exists
SELECT count(*) FROM medium m WHERE EXISTS (SELECT 1 FROM ranges r WHERE r.high < m.id AND r.id > m.w);
-- star
SELECT m.w, b.w, count(*) FROM facts JOIN medium m ON medium_id = m.id JOIN big b ON big_id = b.id WHERE m.w < 20 AND b.w < 20 GROUP BY m.w, b.w ORDER BY 3 DESC, 1, 2 LIMIT 10;
-- intersect
SELECT count(*) FROM (SELECT big_id FROM facts INTERSECT SELECT id FROM big) x;
-- except_all
SELECT count(*) FROM (SELECT big_id FROM facts EXCEPT ALL SELECT id FROM big) x;
-- union_distinct
SELECT count(*) FROM (SELECT big_id FROM facts UNION SELECT id FROM big) x;
-- union_text
SELECT count(*) FROM (SELECT big_text FROM facts UNION SELECT name FROM big) x;
-- correlated
SELECT count(*) FROM medium m WHERE m.w > (SELECT avg(v) / 10 FROM facts WHERE medium_id = m.id);
