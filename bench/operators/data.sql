-- Tables for the queries beside this file; ROWS is the rows of the large ones. Made by DuckDB, the same each time.
COPY (SELECT 'id' || lpad((hash(i * 3) % 100)::text, 3, '0') AS id1,
             'id' || lpad((hash(i * 5) % 100)::text, 3, '0') AS id2,
             'id' || lpad((hash(i * 7) % (ROWS // 100))::text, 10, '0') AS id3,
             (hash(i * 11) % 100)::int AS id4, (hash(i * 13) % 100)::int AS id5,
             (hash(i * 17) % (ROWS // 100))::int AS id6,
             (1 + hash(i * 19) % 5)::int AS v1, (1 + hash(i * 23) % 15)::int AS v2,
             round((hash(i * 29) % 100000000) / 1000000.0, 6)::double AS v3,
             CASE WHEN hash(i * 31) % 20 <> 0 THEN (hash(i * 37) % 1000)::bigint END AS v4
      FROM range(ROWS) t(i)) TO 'FOLDER/g.parquet';
-- Visits of a web site: one user in a thousand rows is hot, most phrases are empty, URLs are long.
COPY (SELECT i AS watch_id, (timestamp '2013-07-01' + to_seconds((hash(i * 41) % 2678400)::bigint))::timestamp AS event_time,
             (date '2013-07-01' + (hash(i * 41) % 31)::int)::date AS event_date,
             (power((hash(i * 43) % 1000003) / 1000003.0, 3) * ROWS / 5)::bigint * 1000003 % 9007199254740881 AS user_id,
             (hash(i * 47) % 5000)::int AS region_id, (hash(i * 53) % 100)::smallint AS adv_engine_id,
             (1000 + hash(i * 59) % 1500)::smallint AS width, (hash(i * 61) % 100 < 3)::int AS is_refresh,
             CASE WHEN hash(i * 67) % 8 <> 0 THEN '' ELSE
               'phrase ' || ((power((hash(i * 71) % 1000003) / 1000003.0, 4) * ROWS / 10)::bigint)::text || ' karelia' END AS phrase,
             'http://example' || (hash(i * 73) % 300)::text || '.org/' || CASE WHEN hash(i * 79) % 50 = 0 THEN 'google/' ELSE 'page/' END
               || ((power((hash(i * 83) % 1000003) / 1000003.0, 2) * ROWS / 4)::bigint)::text || '/index.html?from=mail' AS url,
             CASE WHEN hash(i * 89) % 3 = 0 THEN '' ELSE 'Title of page number ' || (hash(i * 97) % 30000)::text END AS title
      FROM range(ROWS) t(i)) TO 'FOLDER/hits.parquet';
COPY (SELECT (hash(i * 101) % (ROWS // 1000000 + 1))::int AS small_id, (hash(i * 103) % (ROWS // 1000))::int AS medium_id,
             (hash(i * 107) % ROWS)::bigint AS big_id, 'key' || (hash(i * 107) % ROWS)::text AS big_text,
             CASE WHEN hash(i * 109) % 2 = 0 THEN 0 ELSE (hash(i * 113) % ROWS)::bigint END AS skewed_id,
             (hash(i * 127) % 1000)::int AS v
      FROM range(ROWS) t(i)) TO 'FOLDER/facts.parquet';
COPY (SELECT i::int AS id, 'medium ' || i::text AS name, (hash(i * 131) % 100)::int AS w
      FROM range(ROWS // 1000) t(i)) TO 'FOLDER/medium.parquet';
COPY (SELECT i::bigint AS id, 'key' || i::text AS name, (hash(i * 137) % 100)::int AS w
      FROM range(ROWS) t(i) WHERE hash(i * 139) % 10 <> 0) TO 'FOLDER/big.parquet';
COPY (SELECT (i * 100)::bigint AS low, (i * 100 + hash(i * 149) % 200)::bigint AS high, i::int AS id
      FROM range(5000) t(i)) TO 'FOLDER/ranges.parquet';
