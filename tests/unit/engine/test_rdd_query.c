/* test_rdd_query.c -- RDDs as tables of vonk_query: every statement that reads tables reads them */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vonk/vonk.h"

enum { ROWS = 20000, STEPS = 10000 };

VONK_RECORD(Item, VONK_KEY(int8, id), VONK_NULLABLE(text, name), VONK_FIELD(int8, n));

static VonkSession *session;
static VonkError error;

static void make(VonkTask *task, const VonkNumber *in, Item *out)
{
    static const char *const names[] = {"", "ant", "longer than twelve bytes"};

    (void)task;
    *out = (Item){.id = in->value,
                  .name = vonk_text(names[in->value % 3]),
                  .name_is_null = in->value % 7 == 0,
                  .n = in->value % 10};
}

static void add(VonkTask *task, Item *sum, const Item *more)
{
    (void)task;
    sum->n += more->n;
}

static void add_one(VonkTask *task, const Item *in, Item *out)
{
    (void)task;
    *out = *in;
    out->n++;
}

static void count_it(VonkTask *task, const Item *in, Item *out)
{
    const VonkAccumulator *seen = VONK_CLOSURE(task, VonkAccumulator);

    *out = *in;
    vonk_accumulate(task, *seen, 1);
}

static void fail_at_13(VonkTask *task, const Item *in, Item *out)
{
    *out = *in;
    if (in->id == 13)
        vonk_fail(task, "thirteen is unlucky");
}

static void take_longer(VonkTask *task, const Item *in, Item *out)
{
    *out = *in;
    while (!vonk_task_is_cancelled(task))
        usleep(1000);
}

static VonkRdd *items(void)
{
    return vonk_rdd_map(vonk_rdd_range(session, 0, ROWS, 1, 7), VonkNumber, Item, make);
}

static void name_it(VonkRdd *rdd, const char *name)
{
    if (vonk_rdd_register(rdd, name, &error) != VONK_OK)
        ck_abort_msg("%s: %s", name, error.message);
}

/* The rows of sql's last statement, values between commas and rows between semicolons. */
static const char *ask_with(const char *sql, const VonkParam *params, size_t param_count)
{
    static char text[4096];
    VonkResult *result;
    VonkStep step;
    size_t used = 0;

    text[0] = '\0';
    if (vonk_query(session, sql, params, param_count, &result, &error) != VONK_OK)
        return error.message;
    while ((step = vonk_result_next_row(result, &error)) == VONK_ROW && used < sizeof text - 512)
        for (size_t i = 0; i < vonk_result_column_count(result); i++) {
            const char *value = vonk_result_text(result, i);

            used += (size_t)snprintf(text + used, sizeof text - used, "%s%.200s",
                                     i > 0      ? ","
                                     : used > 0 ? ";"
                                                : "",
                                     value == NULL ? "NULL" : value);
        }
    vonk_result_free(result);
    return step == VONK_FAILED ? error.message : text;
}

static const char *ask(const char *sql)
{
    return ask_with(sql, NULL, 0);
}

static void setup(void)
{

    ck_assert_int_eq(vonk_session_open(NULL, &session, &error), VONK_OK);
    ck_assert_int_eq(vonk_session_set(session, "threads", "3", &error), VONK_OK);
    name_it(items(), "items");
    ck_assert_str_eq(ask("CREATE TABLE plain AS SELECT x AS id, x * 2 AS twice FROM "
                         "generate_series(1, 50) g(x)"),
                     "");
}

static void teardown(void)
{
    vonk_session_close(session);
}

START_TEST(selects)
{
    VonkParam five = {.kind = VONK_PARAM_INT, .integer = 5};

    ck_assert_str_eq(ask("SELECT count(*), count(name), sum(n), max(name) FROM items"),
                     "20000,17142,90000,longer than twelve bytes");
    ck_assert_str_eq(ask("SELECT * FROM items ORDER BY id DESC LIMIT 2"), "19999,NULL,9;19998,,8");
    ck_assert_str_eq(ask_with("SELECT id FROM items WHERE n = $1 LIMIT 3", &five, 1), "5;15;25");
    ck_assert_str_eq(ask("SELECT count(*) FROM items WHERE false"), "0");
    ck_assert_str_eq(ask("SELECT id FROM items LIMIT 0"), "");
    ck_assert_str_eq(ask("SELECT n, count(*) FROM items GROUP BY n HAVING n < 3 ORDER BY n"),
                     "0,2000;1,2000;2,2000");
    ck_assert_str_eq(ask("WITH few AS (SELECT * FROM items WHERE id < 100) SELECT count(*), "
                         "(SELECT max(id) FROM few) FROM few a JOIN few b USING (n)"),
                     "1000,99");
    ck_assert_str_eq(ask("SELECT count(*) FROM items a JOIN items b ON a.id = b.id + 1"), "19999");
    ck_assert_str_eq(ask("SELECT p.id, twice, n FROM plain p LEFT JOIN items i ON i.id = p.id * "
                         "1000 WHERE p.id IN (3, 30) ORDER BY 1"),
                     "3,6,0;30,60,NULL");
    ck_assert_str_eq(ask("SELECT count(*) FROM plain p WHERE EXISTS (SELECT 1 FROM items i WHERE "
                         "i.id = p.twice AND i.n = p.id % 10)"),
                     "5");
    ck_assert_str_eq(ask("SELECT sum(id)::bigint FROM (SELECT id FROM items UNION ALL SELECT id "
                         "FROM plain EXCEPT SELECT id FROM items WHERE id > 10) x"),
                     "55");
    ck_assert_str_eq(ask("SELECT id FROM items ORDER BY name NULLS FIRST, n DESC, id LIMIT 2"),
                     "49;119");
}
END_TEST

START_TEST(other_statements)
{
    char folder[] = "/tmp/vonk-rdd-query-XXXXXX", sql[300];

    ck_assert_str_eq(ask("CREATE TABLE copied AS SELECT * FROM items WHERE n = 3"), "");
    ck_assert_str_eq(ask("SELECT count(*), sum(n) FROM copied"), "2000,6000");
    ck_assert_str_eq(ask("CREATE VIEW seen AS SELECT id, n FROM items WHERE n > 7"), "");
    ck_assert_str_eq(ask("SELECT count(*), min(n) FROM seen"), "4000,8");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(sql, sizeof sql, "COPY (SELECT * FROM items) TO '%s/items.parquet'", folder);
    ck_assert_str_eq(ask(sql), "");
    snprintf(sql, sizeof sql, "SELECT count(*), sum(n) FROM read_parquet('%s/items.parquet')",
             folder);
    ck_assert_str_eq(ask(sql), "20000,90000");
    snprintf(sql, sizeof sql, "%s/items.parquet", folder);
    unlink(sql);
    rmdir(folder);
    ck_assert_ptr_nonnull(strstr(ask("EXPLAIN SELECT sum(n) FROM items"), "make"));
    ck_assert_ptr_nonnull(strstr(ask("EXPLAIN ANALYZE SELECT sum(n) FROM items"), "Stage "));
    ck_assert_ptr_null(strstr(ask("EXPLAIN ANALYZE SELECT count(*) FROM plain p WHERE EXISTS "
                                  "(SELECT 1 FROM plain q WHERE q.id = p.twice)"),
                              "Stage ")); /* it reads no RDD: no job */
    ck_assert_ptr_nonnull(strstr(ask("EXPLAIN (FORMAT JSON) SELECT sum(n) FROM items"), "make"));
    ck_assert_str_eq(ask("SELECT id, nothing FROM items"), "column \"nothing\" does not exist");
}
END_TEST

/* What is made of an RDD: by key, of a deep lineage, of itself, under another name, kept. */
START_TEST(lineages)
{
    VonkRdd *deep = items(), *kept = vonk_rdd_persist(items());

    name_it(vonk_rdd_reduce_by_key(items(), Item, add, VONK_PARTITIONS(4)), "summed");
    ck_assert_str_eq(ask("SELECT count(*), sum(n) FROM summed"), "20000,90000");
    for (int i = 0; i < STEPS; i++)
        deep = vonk_rdd_map(deep, Item, Item, add_one);
    name_it(deep, "deep");
    ck_assert_str_eq(ask("SELECT count(*), min(n), max(n) FROM deep"), "20000,10000,10009");
    ck_assert_ptr_nonnull(strstr(ask("EXPLAIN SELECT count(*) FROM deep"), "add_one"));
    name_it(kept, "kept");
    ck_assert_str_eq(ask("SELECT sum(n) FROM kept"), "90000");
    ck_assert_str_eq(ask("SELECT sum(n) FROM kept"), "90000");
    name_it(vonk_rdd_sql(session, Item, "SELECT id, name, n + 1 FROM kept WHERE id < 10"), "kept");
    ck_assert_str_eq(ask("SELECT sum(n), count(*) FROM kept"), "55,10");
}
END_TEST

/* As an action's: functions share what the session has, and errors name them. */
START_TEST(functions)
{
    VonkAccumulator seen = vonk_accumulator(session);
    VonkResult *first, *second;
    int64_t many;

    name_it(vonk_rdd_map(items(), Item, Item, count_it, VONK_WITH(seen)), "counted");
    ck_assert_str_eq(ask("SELECT count(*), sum(n) FROM counted WHERE id >= 0"), "20000,90000");
    many = vonk_accumulator_value(session, seen);
    ck_assert_int_eq(many, ROWS);
    name_it(vonk_rdd_map(items(), Item, Item, fail_at_13), "unlucky");
    ck_assert_ptr_nonnull(strstr(ask("SELECT sum(n) FROM unlucky"), "thirteen is unlucky"));
    ck_assert_ptr_nonnull(strstr(error.message, "fail_at_13"));
    ck_assert_str_eq(ask("SELECT sum(n) FROM items"), "90000");
    /* two at once, the second one left before its end */
    ck_assert_int_eq(
        vonk_query(session, "SELECT n FROM items ORDER BY id", NULL, 0, &first, &error), VONK_OK);
    ck_assert_int_eq(vonk_query(session, "SELECT id FROM items", NULL, 0, &second, &error),
                     VONK_OK);
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(vonk_result_next_row(first, &error), VONK_ROW);
        ck_assert_int_eq(atoi(vonk_result_text(first, 0)), i % 10);
        ck_assert_int_eq(vonk_result_next_row(second, &error), VONK_ROW);
        ck_assert_int_eq(atoi(vonk_result_text(second, 0)), i);
    }
    vonk_result_free(second);
    vonk_result_free(first);
}
END_TEST

static void *cancel_soon(void *unused)
{
    (void)unused;
    usleep(200 * 1000);
    vonk_session_cancel(session);
    return NULL;
}

START_TEST(cancelled)
{
    pthread_t thread;

    name_it(vonk_rdd_map(items(), Item, Item, take_longer), "endless");
    ck_assert_int_eq(pthread_create(&thread, NULL, cancel_soon, NULL), 0);
    ck_assert_str_eq(ask("SELECT sum(n) FROM endless"), "canceling statement due to user request");
    ck_assert_str_eq(error.sqlstate, "57014");
    pthread_join(thread, NULL);
    ck_assert_str_eq(ask("SELECT sum(n) FROM items"), "90000");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("queries of RDDs");
    TCase *tests = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, selects);
    tcase_add_test(tests, other_statements);
    tcase_add_test(tests, lineages);
    tcase_add_test(tests, functions);
    tcase_add_test(tests, cancelled);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
