/* test_bind_types.c -- names and types of results: overloads, common types, digits of numerics */
#include "tests/unit/binder/bind_fixture.h"

static const TextCase type_cases[] = {
    {"SELECT a + b, h + 1, a + d, d + f, r + 1, r + r FROM t, (SELECT r FROM u) u",
     "?column? bigint, ?column? integer, ?column? numeric(13,2), ?column? double precision, "
     "?column? double precision, ?column? real"},
    {"SELECT d * d, d + d, d - 1, d * 1.5, d / 3, d % 7, a / 2.0, 1.5 + 2.25 FROM t",
     "?column? numeric(24,4), ?column? numeric(13,2), ?column? numeric(13,2), ?column? "
     "numeric(14,3), ?column? numeric(38,16), ?column? numeric(12,2), ?column? numeric(38,16), "
     "?column? numeric(4,2)"},
    {"SELECT d * d * d, d * d * d * d FROM t", "?column? numeric(36,6), ?column? numeric(38,8)"},
    {"SELECT k * k, k / k, k + 1, k * 0.2 FROM n",
     "?column? numeric(38,22), ?column? numeric(38,16), ?column? numeric(38,16), ?column? "
     "numeric(38,17)"},
    {"SELECT sum(d), avg(d), min(d), sum(a), sum(b), sum(h), avg(a), sum(f), sum(d * d) FROM t",
     "sum numeric(38,2), avg numeric(38,16), min numeric(12,2), sum bigint, sum numeric(38,0), sum "
     "bigint, avg numeric(38,16), sum double precision, sum numeric(38,4)"},
    {"SELECT stddev(a), variance(d), stddev_pop(f), var_pop(b) FROM t",
     "stddev numeric(38,16), variance numeric(38,16), stddev_pop double precision, var_pop "
     "numeric(38,16)"},
    {"SELECT round(d), round(d, 1), round(d, 4), round(d, -1), round(d, a), trunc(d), trunc(d, 1), "
     "floor(d), ceil(d), sign(d), abs(d), -d, div(d, 3) FROM t",
     "round numeric(11,0), round numeric(12,1), round numeric(15,4), round numeric(11,0), round "
     "numeric(13,2), trunc numeric(11,0), trunc numeric(12,1), floor numeric(11,0), ceil "
     "numeric(11,0), sign numeric(11,0), abs numeric(12,2), ?column? numeric(12,2), div "
     "numeric(12,0)"},
    {"SELECT 1, 2147483648, 9223372036854775808, 1.50, 0.06, .001, 1e3, 1e-3, 00.10",
     "?column? integer, ?column? bigint, ?column? numeric(19,0), ?column? numeric(3,2), ?column? "
     "numeric(2,2), ?column? numeric(3,3), ?column? numeric(4,0), ?column? numeric(3,3), ?column? "
     "numeric(2,2)"},
    {"SELECT d::numeric, a::numeric, f::numeric, c::numeric, 1.5::float8::numeric, "
     "'12.50'::numeric, d::numeric(5, 1) FROM t",
     "d numeric(12,2), a numeric(10,0), f numeric(38,16), c numeric(38,16), numeric numeric(2,1), "
     "numeric numeric(4,2), d numeric(5,1)"},
    {"SELECT CASE WHEN g THEN d ELSE 0 END, coalesce(d, a), coalesce(d, 1.125), greatest(a, 1.5) "
     "FROM t",
     "case numeric(12,2), coalesce numeric(12,2), coalesce numeric(13,3), greatest numeric(11,1)"},
    {"SELECT extract(year FROM e), extract(second FROM y), extract(epoch FROM i), extract(ms FROM "
     "y), extract(epoch FROM e) FROM t, (SELECT y, i FROM u) u",
     "extract numeric(18,0), extract numeric(18,6), extract numeric(18,6), extract numeric(18,3), "
     "extract numeric(18,0)"},
    {"SELECT e + 1, e - e, e + interval '1 day', y - y, i * 2 FROM t, (SELECT y, i FROM u) u",
     "?column? date, ?column? integer, ?column? timestamp without time zone, ?column? interval, "
     "?column? interval"},
    {"SELECT z, w, z || w, max(z), max(w), upper(z) FROM u GROUP BY z, w",
     "z character varying(10), w character(3), ?column? text, max text, max character(3), upper "
     "text"},
    {"SELECT coalesce(z, 'x'), coalesce(z, x), coalesce(z::varchar(3), z) FROM u",
     "coalesce character varying, coalesce character varying, coalesce character varying"},
    {"SELECT 1 UNION SELECT 2.5", "?column? numeric(2,1)"},
    {"SELECT d FROM t UNION ALL SELECT k FROM n", "d numeric(38,16)"},
    {"VALUES (1, 'x', NULL), (2.25, NULL, 7)",
     "column1 numeric(3,2), column2 text, column3 integer"},
    {"SELECT 'x', NULL, $1, now(), current_date",
     "?column? text, ?column? text, ?column? integer, now timestamp without time zone, "
     "current_date date"},
    {"SELECT * FROM generate_series(1, 3), generate_series(1, 3000000000) AS g, "
     "generate_series(0.5, 2) AS h (v)",
     "generate_series integer, g bigint, v numeric(2,1)"},
    {"SELECT * FROM t JOIN n USING (a)",
     "a integer, b bigint, c text, d numeric(12,2), e date, f double precision, g boolean, h "
     "smallint, k numeric(38,16)"},
    {"SELECT a.*, 1 AS one FROM n AS a (p, q)", "p integer, q numeric(38,16), one integer"},
    {"SELECT concat(a, c), concat_ws('-', a), date_trunc('month', e) FROM t",
     "concat text, concat_ws text, date_trunc timestamp without time zone"},
    {"SELECT count(*), count(DISTINCT c), bool_and(g), every(g) FROM t",
     "count bigint, count bigint, bool_and boolean, every boolean"},
    {"SELECT (SELECT max(d) FROM t), EXISTS (SELECT 1), a IN (SELECT 1), c::varchar(5), 1::char(3) "
     "FROM t",
     "max numeric(12,2), exists boolean, ?column? boolean, c character varying(5), bpchar "
     "character(3)"},
};

START_TEST(test_types)
{
    CHECK_CASES(result_text, type_cases);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bind_types");
    TCase *tcase = tcase_create("types");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(tcase, test_types);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
