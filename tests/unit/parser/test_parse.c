/*
 * test_parse.c -- SQL text in, AST printed: one row a construct
 *
 * The printed text must also parse and print the same again.
 */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "sql/parser/ast_print.h"
#include "sql/parser/parse.h"

typedef struct Row {
    const char *sql;
    const char *printed; /* NULL: as sql */
} Row;

static Arena *arena;
static Error err;

static void set_up(void)
{
    arena = arena_new(NULL, "test", ARENA_NO_CAP);
    err = ERROR_NONE;
}

static void tear_down(void)
{
    arena_free(arena);
}

static const AstStatement *parse_one(const char *sql)
{
    AstStatements statements;
    Status status = parse_sql(arena, sql, strlen(sql), NULL, &err, &statements);

    ck_assert_msg(status == ST_OK, "%s\n  %s", sql, err.message);
    ck_assert_uint_eq(statements.count, 1);
    return statements.items[0];
}

static const AstSelect *parse_select(const char *sql)
{
    const AstSelectStmt *statement = ast_stmt_as_select(parse_one(sql));

    ck_assert_ptr_nonnull(statement);
    return statement->select;
}

static const AstExpr *parse_expr(const char *sql)
{
    const char *text = arena_printf(arena, "SELECT %s", sql);
    const AstSelect *select = parse_select(text);

    ck_assert_uint_eq(select->target_count, 1);
    return select->targets[0].expr;
}

static void check_printed(const char *sql, const char *expected)
{
    const char *printed = ast_print_statement(arena, parse_one(sql));

    ck_assert_str_eq(printed, expected);
    ck_assert_str_eq(ast_print_statement(arena, parse_one(printed)), expected);
}

static const Row expr_rows[] = {
    {"1 + 2 * 3", "(1 + (2 * 3))"},
    {"1 - 2 - 3", "((1 - 2) - 3)"},
    {"-1", NULL},
    {"- -1", "1"},
    {"- a", "(- a)"},
    {"2147483647", NULL},
    {"-2147483648", NULL},
    {"2147483648", NULL},
    {"1.50", NULL},
    {"1e-3", NULL},
    {".5", NULL},
    {"'it''s'", NULL},
    {"E'a\\nb'", "'a\nb'"},
    {"$$x$$", "'x'"},
    {"b'101'", NULL},
    {"x'1F'", NULL},
    {"true", "TRUE"},
    {"null", "NULL"},
    {"$2", NULL},
    {"a", NULL},
    {"T.A", "t.a"},
    {"\"T\".\"select\"", NULL},
    {"*", NULL},
    {"t.*", NULL},
    {"a = b", "(a = b)"},
    {"a != b", "(a <> b)"},
    {"a || 'x'", "(a || 'x')"},
    {"a OPERATOR(pg_catalog.+) b", "(a + b)"},
    {"a OPERATOR(s.+) b", "(a OPERATOR(s.+) b)"},
    {"a and b and not c or d", "((a AND b AND (NOT c)) OR d)"},
    {"f()", NULL},
    {"s.f(1, b => 2)", NULL},
    {"count(*)", NULL},
    {"count(distinct a)", "count(DISTINCT a)"},
    {"string_agg(a, ',' order by b desc) filter (where c)",
     "string_agg(a, ',' ORDER BY b DESC) FILTER (WHERE c)"},
    {"percentile_cont(0.5) within group (order by x)",
     "percentile_cont(0.5) WITHIN GROUP ( ORDER BY x)"},
    {"f(variadic a)", "f(VARIADIC a)"},
    {"sum(a) over (partition by b order by c)", "sum(a) OVER ( PARTITION BY b ORDER BY c)"},
    {"sum(a) over (rows 2 preceding)", "sum(a) OVER ( ROWS BETWEEN 2 PRECEDING AND CURRENT ROW)"},
    {"sum(a) over (w groups between unbounded preceding and 1 following exclude ties)",
     "sum(a) OVER (w GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING EXCLUDE TIES)"},
    {"sum(a) over w", "sum(a) OVER w"},
    {"extract(year from d)", "EXTRACT('year' FROM d)"},
    {"extract(Epoch from d)", "EXTRACT('epoch' FROM d)"},
    {"substring(a from 2 for 3)", "\"substring\"(a, 2, 3)"},
    {"position('a' in b)", "\"position\"(b, 'a')"},
    {"trim(leading 'x' from b)", "ltrim(b, 'x')"},
    {"trim(b)", "btrim(b)"},
    {"d at time zone 'utc'", "timezone('utc', d)"},
    {"current_date", NULL},
    {"localtimestamp(3)", NULL},
    {"date '1994-01-01'", "CAST('1994-01-01' AS date)"},
    {"interval '1' year", "CAST('1' AS interval YEAR)"},
    {"interval '1 2' day to hour", "CAST('1 2' AS interval DAY TO HOUR)"},
    {"interval(3) '1'", "CAST('1' AS interval(3))"},
    {"cast(a as numeric(12, 2))", "CAST(a AS numeric(12, 2))"},
    {"a::int::bigint", "CAST(CAST(a AS int4) AS int8)"},
    {"a::varchar(9)", "CAST(a AS varchar(9))"},
    {"a::char", "CAST(a AS bpchar(1))"},
    {"a::text[]", "CAST(a AS text[])"},
    {"a::timestamp(3) with time zone", "CAST(a AS timestamptz(3))"},
    {"a::s.t", "CAST(a AS s.t)"},
    {"case when a then 1 else 2 end", "CASE WHEN a THEN 1 ELSE 2 END"},
    {"case a when 1 then 'x' when 2 then 'y' end", "CASE a WHEN 1 THEN 'x' WHEN 2 THEN 'y' END"},
    {"coalesce(a, 1)", "COALESCE(a, 1)"},
    {"nullif(a, 1)", "NULLIF(a, 1)"},
    {"greatest(a, b)", "GREATEST(a, b)"},
    {"least(a)", "LEAST(a)"},
    {"a in (1, 2)", "(a IN (1, 2))"},
    {"a not in (1)", "(a NOT IN (1))"},
    {"(a, b) in ((1, 2))", "((a, b) IN ((1, 2)))"},
    {"a between 1 and 2 and b", "((a BETWEEN 1 AND 2) AND b)"},
    {"a not between symmetric 1 and 2", "(a NOT BETWEEN SYMMETRIC 1 AND 2)"},
    {"a like 'x%'", "(a LIKE 'x%')"},
    {"a not ilike b escape '!'", "(a NOT ILIKE b ESCAPE '!')"},
    {"a not similar to 'x'", "(a NOT SIMILAR TO 'x')"},
    {"a is null", "(a IS NULL)"},
    {"a is not unknown", "(a IS NOT UNKNOWN)"},
    {"a is not true", "(a IS NOT TRUE)"},
    {"a is not distinct from b", "(a IS NOT DISTINCT FROM b)"},
    {"(select 1)", "(SELECT 1)"},
    {"exists (select)", "EXISTS (SELECT)"},
    {"a in (select 1)", "(a IN (SELECT 1))"},
    {"a not in (select 1)", "(NOT (a IN (SELECT 1)))"},
    {"(a, b) = any (select 1, 2)", "((a, b) = ANY (SELECT 1, 2))"},
    {"a < all (select 1)", "(a < ALL (SELECT 1))"},
    {"array(select 1)", "ARRAY(SELECT 1)"},
    {"a = any (array[1, 2])", "(a = ANY (ARRAY[1, 2]))"},
    {"row(1)", "ROW(1)"},
    {"a collate \"C\"", "(a COLLATE \"C\")"},
};

START_TEST(test_expr)
{
    const Row *row = &expr_rows[_i];
    const char *expected = row->printed == NULL ? row->sql : row->printed;

    check_printed(arena_printf(arena, "SELECT %s", row->sql),
                  arena_printf(arena, "SELECT %s", expected));
}
END_TEST

static const Row statement_rows[] = {
    {"select", "SELECT"},
    {"select distinct a as b, c d from t", "SELECT DISTINCT a AS b, c AS d FROM t"},
    {"select distinct on (a, b) c from t", "SELECT DISTINCT ON (a, b) c FROM t"},
    {"table t", "SELECT * FROM t"},
    {"select * from s.t x (a, b), only u", "SELECT * FROM s.t AS x (a, b), ONLY u"},
    {"select * from \"dir/x.parquet\" p", "SELECT * FROM \"dir/x.parquet\" AS p"},
    {"select * from a join b using (x, y) left join c on a.x = c.x",
     "SELECT * FROM a JOIN b USING (x, y) LEFT JOIN c ON (a.x = c.x)"},
    {"select * from a natural full join b cross join c",
     "SELECT * FROM a NATURAL FULL JOIN b CROSS JOIN c"},
    {"select * from a join (b right join c on true) on false",
     "SELECT * FROM a JOIN (b RIGHT JOIN c ON TRUE) ON FALSE"},
    {"select * from (a join b using (x) as u) as j (k)",
     "SELECT * FROM (a JOIN b USING (x) AS u) AS j (k)"},
    {"select * from (select 1) s, lateral (values (1, 'a'), (2, 'b')) v",
     "SELECT * FROM (SELECT 1) AS s, LATERAL (VALUES (1, 'a'), (2, 'b')) AS v"},
    {"select * from generate_series(1, 3) g (i), lateral f(i) with ordinality",
     "SELECT * FROM generate_series(1, 3) AS g (i), LATERAL f(i) WITH ORDINALITY"},
    {"select * from rows from (f(1), g(2)) r", "SELECT * FROM ROWS FROM (f(1), g(2)) AS r"},
    {"select * from read_csv('x', header = true, sep => ';')",
     "SELECT * FROM read_csv('x', (header = TRUE), sep => ';')"},
    {"select a from t where b group by a, 2 having c",
     "SELECT a FROM t WHERE b GROUP BY a, 2 HAVING c"},
    {"select 1 group by rollup (a, b), cube (c), grouping sets ((a), (), rollup (b))",
     "SELECT 1 GROUP BY ROLLUP (a, b), CUBE (c), GROUPING SETS (a, (), ROLLUP (b))"},
    {"select 1 window w as (order by a), v as (w)", "SELECT 1 WINDOW w AS ( ORDER BY a), v AS (w)"},
    {"select 1 order by a, b desc nulls last, c nulls first limit 3 offset 2",
     "SELECT 1 ORDER BY a, b DESC NULLS LAST, c NULLS FIRST OFFSET 2 LIMIT 3"},
    {"select 1 limit all", "SELECT 1 LIMIT NULL"},
    {"select 1 order by a fetch first 3 rows with ties",
     "SELECT 1 ORDER BY a FETCH FIRST (3) ROWS WITH TIES"},
    {"select 1 for update", "SELECT 1 FOR UPDATE"},
    {"select 1 union select 2 union all select 3", "SELECT 1 UNION SELECT 2 UNION ALL SELECT 3"},
    {"select 1 union select 2 intersect select 3", "SELECT 1 UNION (SELECT 2 INTERSECT SELECT 3)"},
    {"select 1 except (select 2 except all select 3) order by 1",
     "SELECT 1 EXCEPT (SELECT 2 EXCEPT ALL SELECT 3) ORDER BY 1"},
    {"with a (x) as materialized (select 1), b as not materialized (select 2) select * from a, b",
     "WITH a (x) AS MATERIALIZED (SELECT 1), b AS NOT MATERIALIZED (SELECT 2) SELECT * FROM a, b"},
    {"with recursive a as (select 1 union all select 2) table a",
     "WITH RECURSIVE a AS (SELECT 1 UNION ALL SELECT 2) SELECT * FROM a"},
    {"values (1, null)", "VALUES (1, NULL)"},
    {"create or replace temp view s.v (a) as select 1",
     "CREATE OR REPLACE TEMPORARY VIEW s.v (a) AS SELECT 1"},
    {"create recursive view v (a) as select 1", "CREATE RECURSIVE VIEW v (a) AS select 1"},
    {"create table if not exists t (a, b) using parquet with (x = 'y', z) as select 1 with no data",
     "CREATE TABLE IF NOT EXISTS t (a, b) USING parquet WITH (x = 'y', z) AS SELECT 1 WITH NO "
     "DATA"},
    {"drop table if exists a, s.b cascade", "DROP TABLE IF EXISTS a, s.b CASCADE"},
    {"drop view v", "DROP VIEW v"},
    {"copy t (a, b) to 'x.csv' (format csv, header, force_quote (a), force_null *)",
     "COPY t (a, b) TO 'x.csv' (format 'csv', header, force_quote (a), force_null *)"},
    {"copy (select 1) to stdout", "COPY (SELECT 1) TO STDOUT"},
    {"copy t to ''", "COPY t TO ''"},
    {"copy t from program 'ls' where a", "COPY t FROM PROGRAM 'ls' WHERE a"},
    {"explain analyze select 1", "EXPLAIN (\"analyze\") SELECT 1"},
    {"explain (analyze, rules on, format json) select 1",
     "EXPLAIN (\"analyze\", rules 'on', format 'json') SELECT 1"},
    {"explain (select 1)", "EXPLAIN SELECT 1"},
    {"explain create table t as select 1", "EXPLAIN CREATE TABLE t AS SELECT 1"},
    {"explain (analyze, format json) copy t to 'f'",
     "EXPLAIN (\"analyze\", format 'json') COPY t TO 'f'"},
    {"explain copy (select 'explain copy') to 'f'", "EXPLAIN COPY (SELECT 'explain copy') TO 'f'"},
    {"set a.b = 4, on, 'x y'", "SET a.b = '4', 'on', 'x y'"},
    {"set local a to default", "SET LOCAL a TO DEFAULT"},
    {"reset a.b", "RESET a.b"},
    {"reset all", "RESET ALL"},
    {"show a.b", "SHOW a.b"},
    {"begin work", "BEGIN"},
    {"start transaction read only", "START TRANSACTION"},
    {"end", "COMMIT"},
    {"rollback to x", "ROLLBACK"},
};

START_TEST(test_statement)
{
    check_printed(statement_rows[_i].sql, statement_rows[_i].printed);
}
END_TEST

static const Row other_rows[] = {
    {"insert into t values (1)", "INSERT"},
    {"with x as (select 1) delete from t", "DELETE"},
    {"update t set a = 1", "UPDATE"},
    {"create unique index i on t (a)", "CREATE INDEX"},
    {"create table t (a int)", "CREATE TABLE"},
    {"alter table t add b int", "ALTER TABLE"},
    {"drop index i", "DROP INDEX"},
    {"set transaction isolation level serializable", "SET TRANSACTION"},
    {"vacuum", "VACUUM"},
};

START_TEST(test_other_statement)
{
    const AstOtherStmt *other = ast_stmt_as_other(parse_one(other_rows[_i].sql));

    ck_assert_ptr_nonnull(other);
    ck_assert_str_eq(other->what, other_rows[_i].printed);
}
END_TEST

static const Row other_expr_rows[] = {
    {"a[1]", "array subscripts"},
    {"(a).b", "selecting a field of a row"},
    {"grouping(a)", "GROUPING"},
    {"xmlelement(name a)", "XML expressions"},
};

START_TEST(test_other_expr)
{
    const AstOther *other = ast_as_other(parse_expr(other_expr_rows[_i].sql));

    ck_assert_ptr_nonnull(other);
    ck_assert_str_eq(other->what, other_expr_rows[_i].printed);
    ck_assert_int_ge(other->head.offset, 0);
}
END_TEST

START_TEST(test_offsets)
{
    /*                                0123456789012345678901234567890123456789 */
    const AstSelect *select = parse_select("SELECT a + 'é' AS b, f(c) FROM t WHERE d");
    const AstOp *op = ast_as_op(select->targets[0].expr);

    ck_assert_int_eq(select->offset, 7);
    ck_assert_int_eq(op->head.offset, 9);
    ck_assert_int_eq(op->left->offset, 7);
    ck_assert_int_eq(op->right->offset, 11);
    ck_assert_int_eq(select->targets[1].offset, 22);
    ck_assert_int_eq(select->from.items[0]->offset, 32);
    ck_assert_int_eq(select->where->offset, 40);
}
END_TEST

START_TEST(test_cast_offset)
{
    const AstExpr *expr = parse_expr("date '1994-01-01'");

    ck_assert_int_eq(expr->offset, (int)strlen("SELECT "));
}
END_TEST

START_TEST(test_many_statements)
{
    const char *text = "  select 1 ;; /* c */ select $3 ; -- end\n  show a -- tail";
    AstStatements statements;

    ck_assert_int_eq(parse_sql(arena, text, strlen(text), NULL, &err, &statements), ST_OK);
    ck_assert_uint_eq(statements.count, 3);
    ck_assert_str_eq(statements.items[0]->text, "select 1");
    ck_assert_int_eq(statements.items[0]->offset, 2);
    ck_assert_str_eq(statements.items[1]->text, "select $3");
    ck_assert_uint_eq(statements.items[1]->param_count, 3);
    ck_assert_int_eq(statements.items[1]->offset, (int)(strstr(text, "select $3") - text));
    ck_assert_str_eq(statements.items[2]->text, "show a");
    ck_assert_uint_eq(statements.items[2]->param_count, 0);
}
END_TEST

START_TEST(test_empty)
{
    static const char *const texts[] = {"", ";", " ;;\n-- x\n", "/* a /* b */ c */"};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        AstStatements statements;

        ck_assert_int_eq(parse_sql(arena, texts[i], strlen(texts[i]), NULL, &err, &statements),
                         ST_OK);
        ck_assert_uint_eq(statements.count, 0);
    }
}
END_TEST

START_TEST(test_text_is_not_terminated)
{
    AstStatements statements;

    ck_assert_int_eq(parse_sql(arena, "select 12", 8, NULL, &err, &statements), ST_OK);
    ck_assert_str_eq(statements.items[0]->text, "select 1");
}
END_TEST

START_TEST(test_view_text)
{
    const char *text = "create view v (\"as\") with (x = 1) as\n select 1 as a /* x */ ; select 2";
    AstStatements statements;
    const AstCreateView *view;

    ck_assert_int_eq(parse_sql(arena, text, strlen(text), NULL, &err, &statements), ST_OK);
    view = ast_stmt_as_create_view(statements.items[0]);
    ck_assert_str_eq(view->select_text, "select 1 as a");
    ck_assert_int_eq(view->select_offset, (int)(strstr(text, "select 1") - text));
}
END_TEST

START_TEST(test_explained_text)
{
    const char *text = "explain (analyze, format json) select 1";
    const AstExplain *explain = ast_stmt_as_explain(parse_one(text));

    ck_assert_str_eq(explain->statement->text, "select 1");
    ck_assert_int_eq(explain->statement->offset, 31);
    ck_assert_str_eq(explain->options.items[1].name, "format");
    ck_assert_str_eq(explain->options.items[1].value, "json");
    explain = ast_stmt_as_explain(parse_one("EXPLAIN ANALYZE VERBOSE select 1"));
    ck_assert_str_eq(explain->statement->text, "select 1");
    explain = ast_stmt_as_explain(parse_one("EXPLAIN (select 1) union (select 2)"));
    ck_assert_str_eq(explain->statement->text, "(select 1) union (select 2)");
}
END_TEST

START_TEST(test_const_kinds)
{
    const AstConst *number = ast_as_const(parse_expr("3000000000"));
    const AstConst *smallest = ast_as_const(parse_expr("-2147483648"));
    const AstConst *empty = ast_as_const(parse_expr("''"));

    ck_assert_int_eq(number->const_kind, AST_CONST_NUMBER);
    ck_assert_int_eq(smallest->const_kind, AST_CONST_INTEGER);
    ck_assert_int_eq(smallest->integer, INT32_MIN);
    ck_assert_int_eq(empty->const_kind, AST_CONST_STRING);
    ck_assert_uint_eq(empty->text_bytes, 0);
}
END_TEST

START_TEST(test_depth)
{
    ck_assert_uint_eq(parse_one("select 1")->depth, 2);
    ck_assert_uint_eq(parse_one("select 1 + 2 + 3")->depth, 4);
    ck_assert_uint_eq(parse_one("select 1 from (select 2) s where 3 and 4")->depth, 4);
}
END_TEST

enum { THREADS = 4, PARSES = 300 };

/* Statements and errors, each with an answer of its own. */
static void *parse_many(void *unused)
{
    (void)unused;
    for (int i = 0; i < PARSES; i++) {
        Arena *own = arena_new(NULL, "thread", ARENA_NO_CAP);
        const char *text = arena_printf(own, i % 3 == 0 ? "select %d +" : "select %d", i);
        Error own_err = ERROR_NONE;
        AstStatements statements;
        Status status = parse_sql(own, text, strlen(text), NULL, &own_err, &statements);

        if (i % 3 == 0)
            ck_assert_str_eq(own_err.message, "syntax error at end of input");
        else
            ck_assert(status == ST_OK && strcmp(statements.items[0]->text, text) == 0);
        arena_free(own);
    }
    return NULL;
}

START_TEST(test_threads)
{
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, parse_many, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}
END_TEST

#define TEST_ROWS(test_case, test, rows)                                                           \
    tcase_add_loop_test(test_case, test, 0, (int)(sizeof(rows) / sizeof((rows)[0])))

int main(void)
{
    Suite *suite = suite_create("parse");
    TCase *cases = tcase_create("parse");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(cases, set_up, tear_down);
    TEST_ROWS(cases, test_expr, expr_rows);
    TEST_ROWS(cases, test_statement, statement_rows);
    TEST_ROWS(cases, test_other_statement, other_rows);
    TEST_ROWS(cases, test_other_expr, other_expr_rows);
    tcase_add_test(cases, test_offsets);
    tcase_add_test(cases, test_cast_offset);
    tcase_add_test(cases, test_many_statements);
    tcase_add_test(cases, test_empty);
    tcase_add_test(cases, test_text_is_not_terminated);
    tcase_add_test(cases, test_view_text);
    tcase_add_test(cases, test_explained_text);
    tcase_add_test(cases, test_const_kinds);
    tcase_add_test(cases, test_depth);
    tcase_add_test(cases, test_threads);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
