/*
 * test_complete.c -- what the Tab key offers
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "shell/complete.h"

static Arena *arena;

static void set_up(void)
{
    arena = arena_new(NULL, "test", ARENA_NO_CAP);
}

static void tear_down(void)
{
    arena_free(arena);
}

static uint32_t relations(void *context, Arena *a, const char *const **names_out)
{
    static const char *const names[] = {"lineitem", "orders", "Order Items"};

    (void)context;
    (void)a;
    *names_out = names;
    return 3;
}

static uint32_t columns(void *context, Arena *a, const char *relation,
                        const char *const **names_out)
{
    static const char *const line_names[] = {"l_quantity", "l_quality", "l_tax"};
    static const char *const order_names[] = {"o_key", "o_date"};

    (void)context;
    (void)a;
    *names_out = strcmp(relation, "lineitem") == 0 ? line_names : order_names;
    if (strcmp(relation, "lineitem") == 0)
        return 3;
    return strcmp(relation, "orders") == 0 ? 2 : 0;
}

static uint32_t settings(void *context, Arena *a, const char *const **names_out)
{
    static const char *const names[] = {"jit", "jit.cache", "memory"};

    (void)context;
    (void)a;
    *names_out = names;
    return 3;
}

static uint32_t commands(void *context, Arena *a, const char *const **names_out)
{
    static const char *const names[] = {"d", "dt", "timing"};

    (void)context;
    (void)a;
    *names_out = names;
    return 3;
}

static const CompleteSource source = {
    .relations = relations, .columns = columns, .settings = settings, .commands = commands};

typedef struct Row {
    const char *typed;
    const char *candidates; /* with blanks between */
} Row;

static const Row rows[] = {
    {"sel", "select"},
    {"SEL", "SELECT"},
    {"select * from li", "lineitem"},
    {"select * from ", "\"Order Items\" lineitem orders"},
    {"select * from orders, l", "lineitem"},
    {"select * from orders join li", "lineitem"},
    {"select * from orders where o_", "o_date o_key"},
    {"select * from lineitem where l_qua", "l_quality l_quantity"},
    {"select o. ", ""},
    {"select l_qua", "l_quality l_quantity"},
    {"select * from \"line", "lineitem"},
    {"\\i /et", "etc/"},
    {"select * from orders o where o.", "o_date o_key"},
    {"select * from orders as x, lineitem y where y.l_t", "l_tax"},
    {"select * from orders where orders.o_k", "o_key"},
    {"set ji", "jit jit.cache"},
    {"show mem", "memory"},
    {"\\t", "timing"},
    {"\\d", "d dt"},
    {"\\d ord", "\"Order Items\" orders"},
    {"\\set mem", "memory"},
    {"select 'sel", ""},
    {"select 1 from orders group b", "between bigint boolean bool_and bool_or btrim by"},
};

static const char *joined(const Completions *found)
{
    StrBuf buf = {.arena = arena};

    for (uint32_t i = 0; i < found->count; i++)
        strbuf_printf(&buf, "%s%s", i == 0 ? "" : " ", found->items[i]);
    return strbuf_text(&buf);
}

START_TEST(test_candidates)
{
    const char *typed = rows[_i].typed;
    Completions found = complete(&source, arena, typed, strlen(typed));

    /* the last row's list grows with the functions: each of ours must be in it */
    if (found.count > 5)
        ck_assert_ptr_nonnull(strstr(joined(&found), " by"));
    else
        ck_assert_str_eq(joined(&found), rows[_i].candidates);
}
END_TEST

START_TEST(test_files)
{
    Completions found = complete(&source, arena, "select * from \"/et", 18);

    ck_assert_uint_eq(found.count, 1);
    ck_assert_str_eq(found.items[0], "etc/");
    ck_assert_uint_eq(found.word_bytes, 2);
    ck_assert(found.is_file);
}
END_TEST

START_TEST(test_common)
{
    Completions found = complete(&source, arena, "select * from lineitem where l_", 31);

    ck_assert_uint_eq(found.count, 3);
    ck_assert_uint_eq(complete_common_bytes(&found), 2);
    found = complete(&source, arena, "select * from lineitem where l_q", 32);
    ck_assert_uint_eq(complete_common_bytes(&found), strlen("l_qua"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("complete");
    TCase *cases = tcase_create("complete");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, test_candidates, 0, (int)(sizeof rows / sizeof rows[0]));
    tcase_add_test(cases, test_files);
    tcase_add_test(cases, test_common);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
