/* test_bind_select.c -- what plans come of SELECTs, and what becomes of expressions in them */
#include "tests/unit/binder/bind_fixture.h"

static const TextCase shape_cases[] = {
    {"SELECT a FROM t WHERE b > 1", "Project(Filter(t))"},
    {"SELECT 1", "Project(Values)"},
    {"SELECT t.a FROM t, u x, n WHERE false", "Project(Filter(inner Join(inner Join(t, u), n)))"},
    {"SELECT * FROM t LEFT JOIN n USING (a)", "Project(left Join(t, n))"},
    {"SELECT * FROM t RIGHT JOIN n USING (a)", "Project(left Join(n, t))"},
    {"SELECT * FROM t FULL JOIN n USING (a)", "Project(Project(full Join(t, n)))"},
    {"SELECT * FROM t NATURAL JOIN n", "Project(inner Join(t, n))"},
    {"SELECT a, count(*) FROM t GROUP BY a HAVING count(*) > 1 ORDER BY count(*) LIMIT 3",
     "Limit(Sort(Project(Filter(Aggregate(t)))))"},
    {"SELECT a + 1, sum(b) FROM t GROUP BY a + 1", "Aggregate(Project(t))"},
    {"SELECT DISTINCT a FROM t ORDER BY a", "Sort(Aggregate(Project(t)))"},
    {"SELECT DISTINCT ON (a) a, b FROM t ORDER BY a, b", "Sort(Aggregate(Sort(Project(t))))"},
    {"SELECT a FROM t ORDER BY b LIMIT 2 OFFSET 1", "Project(Limit(Sort(Project(t))))"},
    {"SELECT a FROM t UNION ALL SELECT a FROM u UNION ALL SELECT a FROM n",
     "Union(Project(t), Project(u), Project(n))"},
    {"SELECT a FROM t UNION SELECT a FROM u UNION SELECT a FROM n",
     "Aggregate(Union(Project(t), Project(u), Project(n)))"},
    {"SELECT a FROM t UNION SELECT a FROM u UNION ALL SELECT a FROM n",
     "Union(Aggregate(Union(Project(t), Project(u))), Project(n))"},
    {"SELECT a FROM t INTERSECT SELECT a FROM u EXCEPT SELECT a FROM n",
     "Set Operation(Set Operation(Project(t), Project(u)), Project(n))"},
    {"(SELECT a FROM t LIMIT 1) UNION ALL (SELECT a FROM u ORDER BY x) ORDER BY 1",
     "Sort(Project(Union(Project(Limit(t)), Project(Sort(Project(u))))))"},
    {"WITH w AS (SELECT a FROM t) SELECT a FROM w", "Project(t)"},
    {"WITH w AS (SELECT a FROM t) SELECT p.a FROM w p JOIN w q ON p.a = q.a",
     "Project(inner Join(Shared(Project(t)), Shared(Project(t))))"},
    {"WITH w AS NOT MATERIALIZED (SELECT a FROM t) SELECT p.a FROM w p JOIN w q ON p.a = q.a",
     "Project(inner Join(Project(t), Project(t)))"},
    {"WITH w AS (SELECT a FROM t), x AS (SELECT * FROM w UNION ALL SELECT * FROM w) SELECT * FROM "
     "x",
     "Union(Shared(Project(t)), Shared(Project(t)))"},
    {"WITH w AS (SELECT a FROM t) SELECT 1", "Project(Values)"},
    {"SELECT name FROM v", "Project(Project(Filter(t)))"},
    {"SELECT * FROM \"dir/file.parquet\"", "t"},
    {"SELECT * FROM read_csv('x.csv', header = true, delim => ';') AS r", "t"},
    {"SELECT * FROM t, LATERAL (SELECT * FROM n WHERE n.a = t.a) s", "inner Join(t, Filter(n))"},
    {"SELECT * FROM t, generate_series(1, t.a)", "inner Join(t, Table Function)"},
    {"SELECT * FROM generate_series(1, (SELECT max(a) FROM t))",
     "Project(inner Join(Project(Values), Table Function))"},
    {"VALUES (1), (2) ORDER BY 1", "Sort(Project(Values))"},
    {"SELECT (VALUES (t.a)) FROM t", "Project(t)"},
    {"SELECT * FROM t, LATERAL (VALUES (t.a), (t.a + 1)) s",
     "inner Join(t, Union(Project(Values), Project(Values)))"},
};

static const TextCase plan_cases[] = {
    {"SELECT e = $2, $2 FROM t",
     "Project exprs: (e#5 = '2000-01-01'), '2000-01-01' -> (?column?#9, ?column?#10)\n"
     "  Scan t t -> (a#1, b#2, c#3, d#4, e#5, f#6, g#7, h#8)\n"},
    {"SELECT nullif(h, 1.5), concat(g, a) FROM t",
     "Project exprs: case when (h#8::numeric(6,1) = 1.5) then NULL else h#8::numeric(5,0) end, "
     "concat(left(g#7::text, 1), a#1::text) -> (nullif#9, concat#10)\n"
     "  Scan t t -> (a#1, b#2, c#3, d#4, e#5, f#6, g#7, h#8)\n"},
    {"SELECT a FROM t WHERE NULL::bool OR g",
     "Project exprs: a#1 -> (a#1)\n"
     "  Filter predicate: (NULL or g#7) -> (a#1, b#2, c#3, d#4, e#5, f#6, g#7, h#8)\n"
     "    Scan t t -> (a#1, b#2, c#3, d#4, e#5, f#6, g#7, h#8)\n"},
    {"SELECT a IN (1, 2, 3) FROM t", "Project exprs: a#1 in (1, 2, 3) -> (?column?#9)\n"
                                     "  Scan t t -> (a#1, b#2, c#3, d#4, e#5, f#6, g#7, h#8)\n"},
    {"SELECT d IN (1, 2.5) FROM t", "Project exprs: d#4 in (1.00, 2.50) -> (?column?#9)\n"
                                    "  Scan t t -> (a#1, b#2, c#3, d#4, e#5, f#6, g#7, h#8)\n"},
    {"SELECT d IN (1, 2.125, NULL) FROM t",
     "Project exprs: (d#4::numeric(13,3) in (1.000, 2.125) or NULL) -> (?column?#9)\n"
     "  Scan t t -> (a#1, b#2, c#3, d#4, e#5, f#6, g#7, h#8)\n"},
    {"SELECT a IN (1, 2.0, 2.5) FROM t",
     "Project exprs: a#1::numeric(11,1) in (1.0, 2.0, 2.5) -> (?column?#9)\n"
     "  Scan t t -> (a#1, b#2, c#3, d#4, e#5, f#6, g#7, h#8)\n"},
    {"SELECT a IN (1, b) FROM t",
     "Project exprs: ((a#1::bigint = b#2) or (a#1::bigint = 1)) -> (?column?#9)\n"
     "  Scan t t -> (a#1, b#2, c#3, d#4, e#5, f#6, g#7, h#8)\n"},
    {"SELECT a NOT IN (1, 2) FROM t", "Project exprs: not(a#1 in (1, 2)) -> (?column?#9)\n"
                                      "  Scan t t -> (a#1, b#2, c#3, d#4, e#5, f#6, g#7, h#8)\n"},
    {"SELECT h = 5, b = 5, d > 24, d = 24.5, d > 0.125, a > 1.0, a > 1.5, f > 1.5, e = "
     "'2000-01-01' FROM t",
     "Project exprs: (h#8 = 5), (b#2 = 5), (d#4 > 24.00), (d#4 = 24.50), (d#4::numeric(13,3) > "
     "0.125), (a#1 > 1), (a#1::numeric(11,1) > 1.5), (f#6 > 1.5), (e#5 = '2000-01-01') -> "
     "(?column?#9, ?column?#10, ?column?#11, ?column?#12, ?column?#13, ?column?#14, ?column?#15, "
     "?column?#16, ?column?#17)\n"
     "  Scan t t -> (a#1, b#2, c#3, d#4, e#5, f#6, g#7, h#8)\n"},
    {"SELECT (a, b) = (1, 2), (a, b) <> (1, 2), (a, b) < (1, 2) FROM t",
     "Project exprs: ((a#1 = 1) and (b#2 = 2)), ((a#1 <> 1) or (b#2 <> 2)), ((a#1 < 1) or ((a#1 = "
     "1) and (b#2 < 2))) -> (?column?#9, ?column?#10, ?column?#11)\n"
     "  Scan t t -> (a#1, b#2, c#3, d#4, e#5, f#6, g#7, h#8)\n"},
    {"SELECT a BETWEEN 1 AND 2, a NOT BETWEEN 1 AND 2, a BETWEEN SYMMETRIC 2 AND 1 FROM t",
     "Project exprs: ((a#1 >= 1) and (a#1 <= 2)), ((a#1 < 1) or (a#1 > 2)), (((a#1 >= 2) and (a#1 "
     "<= 1)) or ((a#1 >= 1) and (a#1 <= 2))) -> (?column?#9, ?column?#10, ?column?#11)\n"
     "  Scan t t -> (a#1, b#2, c#3, d#4, e#5, f#6, g#7, h#8)\n"},
    {"SELECT c LIKE 'x%', c NOT ILIKE 'x', c || 1, NOT g, g IS NOT TRUE, g IS UNKNOWN FROM t",
     "Project exprs: (c#3 like 'x%'), not((c#3 ilike 'x')), (c#3 || '1'), not(g#7), not(g#7 is "
     "true), g#7 is null -> (?column?#9, ?column?#10, ?column?#11, ?column?#12, ?column?#13, "
     "?column?#14)\n"
     "  Scan t t -> (a#1, b#2, c#3, d#4, e#5, f#6, g#7, h#8)\n"},
    {"SELECT nullif(a, 1), nullif(a, b), coalesce(a, 1), CASE a WHEN 1 THEN 'x' ELSE c END FROM t",
     "Project exprs: nullif(a#1, 1), case when (a#1::bigint = b#2) then NULL else a#1 end, "
     "coalesce(a#1, 1), case when (a#1 = 1) then 'x' else c#3 end -> (nullif#9, nullif#10, "
     "coalesce#11, c#12)\n"
     "  Scan t t -> (a#1, b#2, c#3, d#4, e#5, f#6, g#7, h#8)\n"},
    {"SELECT a IS DISTINCT FROM 1, a = $1, -a, +a, 'x', date '2000-01-02' + 1 FROM t",
     "Project exprs: (?column?#1 is distinct from 1), (?column?#1 = 7), -(?column?#1), ?column?#1, "
     "'x', ('2000-01-02' + 1) -> (?column?#9, ?column?#10, ?column?#11, ?column?#1, ?column?#12, "
     "?column?#13)\n"
     "  Scan t t -> (a#1, b#2, c#3, d#4, e#5, f#6, g#7, h#8)\n"},
    {"SELECT count(*) FILTER (WHERE a > 1), sum(DISTINCT a), every(g) FROM t",
     "Aggregate aggs: count(*) filter (where (a#1 > 1)), sum(distinct a#1), bool_and(g#7) -> "
     "(count#9, sum#10, every#11)\n"
     "  Scan t t -> (a#1, b#2, c#3, d#4, e#5, f#6, g#7, h#8)\n"},
    {"SELECT timestamp 'now', date 'tomorrow', interval '1' month, interval '90' day, interval '1 "
     "2:03' day to hour",
     "Project exprs: '2000-01-01 00:00:00', '2000-01-02', '1 mon', '90 days', '1 day 02:00:00' -> "
     "(timestamp#1, date#2, interval#3, interval#4, interval#5)\n"
     "  Values 1 row () -> ()\n"},
    {"SELECT a FROM t WHERE a > ALL (SELECT a FROM n) AND (a, b) NOT IN (SELECT a, a FROM n) AND "
     "EXISTS (SELECT FROM n WHERE n.a = t.a)",
     "Project exprs: a#1 -> (a#1)\n"
     "  Filter predicate: ((a#1) > all (\n"
     "      Project exprs: a#9 -> (a#9)\n"
     "        Scan n n -> (a#9, k#10)\n"
     "    ) and not((a#1, b#2) = any (\n"
     "      Project exprs: a#11, a#11::bigint -> (a#11, a#13)\n"
     "        Scan n n -> (a#11, k#12)\n"
     "    )) and exists (\n"
     "      Project -> ()\n"
     "        Filter predicate: (a#14 = a#1) -> (a#14, k#15)\n"
     "          Scan n n -> (a#14, k#15)\n"
     "    )) -> (a#1, b#2, c#3, d#4, e#5, f#6, g#7, h#8)\n"
     "    Scan t t -> (a#1, b#2, c#3, d#4, e#5, f#6, g#7, h#8)\n"},
    {"SELECT a FROM t ORDER BY b DESC, c NULLS FIRST, a DESC NULLS LAST",
     "Project exprs: a#1 -> (a#1)\n"
     "  Sort keys: b#2 desc, c#3 nulls first, a#1 desc nulls last -> (a#1, b#2, c#3)\n"
     "    Project exprs: a#1, b#2, c#3 -> (a#1, b#2, c#3)\n"
     "      Scan t t -> (a#1, b#2, c#3, d#4, e#5, f#6, g#7, h#8)\n"},
};

START_TEST(test_shapes)
{
    CHECK_CASES(shape_text, shape_cases);
}
END_TEST

START_TEST(test_plans)
{
    CHECK_CASES(bind_text, plan_cases);
}
END_TEST

/* The columns that a statement's only subquery takes from around it. */
static uint32_t count_free(Fixture *fix, const char *sql)
{
    const PlanProject *project = plan_as_project(bind_plan(fix, sql));

    ck_assert_msg(project != NULL && project->exprs.items[0]->kind == EXPR_SUBQUERY, "%s", sql);
    return plan_free_columns(fix->arena, project->exprs.items[0]->plan).count;
}

START_TEST(test_correlation)
{
    Fixture fix;

    fixture_open(&fix);
    ck_assert_uint_eq(count_free(&fix, "SELECT (SELECT 1)"), 0);
    ck_assert_uint_eq(count_free(&fix, "SELECT (SELECT max(a) FROM n WHERE n.a = t.a) FROM t"), 1);
    ck_assert_uint_eq(
        count_free(&fix, "SELECT (SELECT max(a) FROM n WHERE n.a = t.a AND k > t.b) FROM t"), 2);
    /* the aggregate is the outer query's: the subquery sees one column of it */
    ck_assert_uint_eq(count_free(&fix, "SELECT (SELECT sum(t.a)) FROM t"), 1);
    /* ... this one is the inner query's */
    ck_assert_uint_eq(count_free(&fix, "SELECT (SELECT sum(t.a + n.a) FROM n) FROM t"), 1);
    fixture_close(&fix);
}
END_TEST

/* Two uses of one subquery may not produce the same columns. */
START_TEST(test_subqueries_used_twice)
{
    static const char *const statements[] = {
        "SELECT (SELECT max(a) FROM t) BETWEEN 1 AND 2",
        "SELECT (SELECT max(a) FROM t) BETWEEN SYMMETRIC (SELECT 1) AND (SELECT 2)",
        "SELECT CASE (SELECT max(a) FROM t) WHEN 1 THEN 2 WHEN 3 THEN 4 END",
        "SELECT nullif((SELECT max(a) FROM t), 1.5)",
        "SELECT ((SELECT max(a) FROM t), 2) IN ((1, 2), (3, 4))",
        "SELECT ((SELECT max(a) FROM t), 2) < (1, 2)",
        "SELECT (SELECT max(a) FROM t) IN (1, 2, (SELECT 3))"};
    Fixture fix;

    fixture_open(&fix);
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        const Plan *plan = bind_plan(&fix, statements[i]);
        ColumnMap map;

        ck_assert_msg(plan != NULL, "%s: %s", statements[i], fix.err.message);
        /* plan_clone gives each produced column one new id: as many as there were */
        plan_clone(fix.arena, plan, &fix.ids, &map);
        for (uint32_t j = 0; j < map.count; j++)
            for (uint32_t k = 0; k < j; k++)
                ck_assert_uint_ne(map.from[j], map.from[k]);
    }
    fixture_close(&fix);
}
END_TEST

START_TEST(test_view_has_no_offsets)
{
    Fixture fix;
    const Plan *plan;

    fixture_open(&fix);
    plan = bind_plan(&fix, "SELECT * FROM v");
    ck_assert_ptr_nonnull(plan);
    while (plan->kind != PLAN_FILTER)
        plan = plan->inputs[0];
    ck_assert_int_eq(plan_as_filter(plan)->predicate->sql_offset, -1);
    fixture_close(&fix);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bind_select");
    TCase *tcase = tcase_create("select");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(tcase, test_shapes);
    tcase_add_test(tcase, test_plans);
    tcase_add_test(tcase, test_correlation);
    tcase_add_test(tcase, test_subqueries_used_twice);
    tcase_add_test(tcase, test_view_has_no_offsets);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
