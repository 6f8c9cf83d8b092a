/* test_bind_limits.c -- statements that are deep, wide or double themselves end in bounded time */
#include "tests/unit/binder/bind_fixture.h"

static void repeat(StrBuf *buf, const char *text, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        strbuf_puts(buf, text);
}

/* before repeated, middle, after repeated. */
static const char *nested(Fixture *fix, const char *start, const char *before, const char *middle,
                          const char *after, uint32_t count)
{
    StrBuf buf = {.arena = fix->arena};

    strbuf_puts(&buf, start);
    repeat(&buf, before, count);
    strbuf_puts(&buf, middle);
    repeat(&buf, after, count);
    return strbuf_text(&buf);
}

static void check_binds(Fixture *fix, const char *sql)
{
    const Plan *plan = bind_plan(fix, sql);

    ck_assert_msg(plan != NULL, "%.60s...: %s", sql, fix->err.message);
}

static void check_fails(Fixture *fix, const char *sql, const char *sqlstate)
{
    const Plan *plan = bind_plan(fix, sql);

    ck_assert_msg(plan == NULL, "%.60s...", sql);
    ck_assert_str_eq(fix->err.sqlstate, sqlstate);
}

START_TEST(test_deep)
{
    Fixture fix;

    fixture_open(&fix);
    check_binds(&fix, nested(&fix, "SELECT 1", "", "", " + 1", 1500));
    check_fails(&fix, nested(&fix, "SELECT 1", "", "", " + 1", 5000), "54001");
    check_binds(&fix, nested(&fix, "", "SELECT (", "SELECT 1", ")", 300));
    check_binds(&fix, nested(&fix, "SELECT * FROM ", "(SELECT * FROM ", "t", ") s", 200));
    check_binds(&fix, nested(&fix, "SELECT a FROM t", "", "", " UNION ALL SELECT a FROM t", 500));
    fixture_close(&fix);
}
END_TEST

/* Each level uses its argument two or four times. */
START_TEST(test_doubling)
{
    Fixture fix;

    fixture_open(&fix);
    check_fails(&fix,
                nested(&fix, "SELECT ", "(", "true", " BETWEEN SYMMETRIC true AND false)", 60),
                "54001");
    fixture_close(&fix);
    fixture_open(&fix);
    check_binds(&fix, nested(&fix, "SELECT ", "(", "true", " BETWEEN false AND true)", 8));
    check_fails(&fix, nested(&fix, "SELECT ", "(", "true", " BETWEEN false AND true)", 60),
                "54001");
    fixture_close(&fix);
}
END_TEST

START_TEST(test_wide)
{
    Fixture fix;
    StrBuf list = {0};

    fixture_open(&fix);
    list.arena = fix.arena;
    strbuf_puts(&list, "SELECT a FROM t WHERE c IN ('x'");
    for (int i = 0; i < 20000; i++)
        strbuf_printf(&list, ",'%d'", i);
    strbuf_putc(&list, ')');
    check_binds(&fix, strbuf_text(&list));
    fixture_close(&fix);

    fixture_open(&fix);
    list = (StrBuf){.arena = fix.arena};
    strbuf_puts(&list, "WITH w0 AS (SELECT 1 AS a)");
    for (int i = 1; i < 200; i++)
        strbuf_printf(&list, ", w%d AS (SELECT a + 1 AS a FROM w%d)", i, i - 1);
    strbuf_puts(&list, " SELECT * FROM w199 x, w199 y");
    check_binds(&fix, strbuf_text(&list));
    fixture_close(&fix);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bind_limits");
    TCase *tcase = tcase_create("limits");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_deep);
    tcase_add_test(tcase, test_doubling);
    tcase_add_test(tcase, test_wide);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
