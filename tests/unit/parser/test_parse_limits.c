/*
 * test_parse_limits.c -- hostile SQL: an error soon, never a crash
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sql/parser/parse.h"

/* Sanitizers and busy machines are slow: what is meant is "not minutes". */
enum { SECONDS_MAX = 60 };

static Arena *arena;
static Error err;
static time_t start;

static void set_up(void)
{
    arena = arena_new(NULL, "test", ARENA_NO_CAP);
    err = ERROR_NONE;
    start = time(NULL);
}

static void tear_down(void)
{
    ck_assert_int_lt(time(NULL) - start, SECONDS_MAX);
    arena_free(arena);
}

/* head, count times part, middle, count times tail */
static char *repeat(const char *head, const char *part, size_t count, const char *middle,
                    const char *tail)
{
    size_t bytes = strlen(head) + count * (strlen(part) + strlen(tail)) + strlen(middle) + 1;
    char *text = arena_alloc_raw(arena, bytes);
    char *at = stpcpy(text, head);

    for (size_t i = 0; i < count; i++)
        at = stpcpy(at, part);
    at = stpcpy(at, middle);
    for (size_t i = 0; i < count; i++)
        at = stpcpy(at, tail);
    return text;
}

static Status parse(const char *text)
{
    AstStatements statements;

    return parse_sql(arena, text, strlen(text), NULL, &err, &statements);
}

static void expect_too_complex(const char *text)
{
    ck_assert_int_eq(parse(text), ST_BAD_INPUT);
    ck_assert_str_eq(err.sqlstate, "54001");
    ck_assert_str_eq(err.message, "statement too complex");
}

typedef struct Nest {
    const char *head, *part, *middle, *tail;
} Nest;

static const Nest nests[] = {
    {"SELECT ", "(", "1", ")"},
    {"SELECT ", "f(", "1", ")"},
    {"SELECT ", "[", "1", "]"},
    {"SELECT ", "NOT ", "a", ""},
    {"SELECT ", "- ", "a", ""},
    {"SELECT ", "+", "a", ""},
    {"SELECT ", "@ ", "a", ""},
    {"", "SELECT (", "SELECT 1", ")"},
    {"", "SELECT * FROM (", "SELECT 1", ") a"},
    {"", "(", "SELECT 1", ")"},
    {"SELECT ", "case when a then ", "1", " end"},
    {"SELECT ", "case when a then b else ", "1", " end"},
    {"SELECT ", "array[", "1", "]"},
    {"SELECT ", "cast(", "1", " as int)"},
    {"SELECT * FROM ", "(a JOIN ", "b", " ON true)"},
    {"", "WITH a AS (", "SELECT 1", ") SELECT 1"},
    {"SELECT a BETWEEN 1 AND ", "NOT a BETWEEN 1 AND ", "2", ""},
    {"SELECT a", "+a.b", "", ""},
    {"SELECT a", "::int", "", ""},
    {"SELECT a", " IS NULL", "", ""},
    {"SELECT a", " AT TIME ZONE b", "", ""},
    {"SELECT a", " COLLATE \"C\"", "", ""},
    {"SELECT a", "||'x'", "", ""},
    {"SELECT a", "/**/+--\n1", "", ""},
    {"SELECT a", " OPERATOR(pg_catalog.+) b", "", ""},
    {"SELECT 1", " UNION ALL SELECT 1, 2", "", ""},
    {"SELECT * FROM a", " CROSS JOIN b", "", ""},
    {"SELECT * FROM a", " JOIN b ON c, d", "", ""},
    {"EXPLAIN ", "(", "SELECT 1", ")"},
    {"SELECT ", "case when (select 1 end) then ", "1", " end"},
    {"SELECT ", "case when t.end then ", "1", " end"},
    {"SELECT ", "(select 1 as end, case when a then ", "1", " end)"},
};

/* 30,000: PostgreSQL's own parser overflows an 8 MiB stack there. A syntax error is as good. */
START_TEST(test_deep)
{
    const Nest *nest = &nests[_i];
    const char *text = repeat(nest->head, nest->part, 30000, nest->middle, nest->tail);

    ck_assert_int_eq(parse(text), ST_BAD_INPUT);
    if (strcmp(err.sqlstate, "54000") != 0)
        ck_assert_msg(strcmp(err.sqlstate, "54001") == 0, "%s: %s", nest->part, err.message);
}
END_TEST

/* As deep as the limits let through. */
START_TEST(test_nearly_too_deep)
{
    static const size_t counts[] = {60, 900, 2000};
    const Nest *nest = &nests[_i];

    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        const char *text = repeat(nest->head, nest->part, counts[i], nest->middle, nest->tail);
        Status status = parse(text);

        ck_assert(status == ST_OK || status == ST_BAD_INPUT);
    }
}
END_TEST

START_TEST(test_million)
{
    expect_too_complex(repeat("SELECT ", "(", 500000, "1", ""));
    expect_too_complex(repeat("SELECT 1", "+1", 500000, "", ""));
    ck_assert_int_eq(parse(repeat("SELECT ", "(", 1000000, "1", ")")), ST_BAD_INPUT);
    ck_assert_str_eq(err.sqlstate, "54000");
    ck_assert_int_eq(parse(repeat("SELECT 1", "+1", 1000000, "", "")), ST_BAD_INPUT);
    ck_assert_str_eq(err.sqlstate, "54000");
}
END_TEST

START_TEST(test_huge_text)
{
    enum { HUGE_BYTES = 100 << 20 };
    char *text = malloc(HUGE_BYTES);
    AstStatements statements;

    memset(text, ' ', HUGE_BYTES);
    ck_assert_int_eq(parse_sql(arena, text, HUGE_BYTES, NULL, &err, &statements), ST_BAD_INPUT);
    ck_assert_str_eq(err.sqlstate, "54000");
    free(text);
}
END_TEST

/* What honest programs generate. */
START_TEST(test_large_but_flat)
{
    ck_assert_int_eq(parse(repeat("SELECT a IN (0", ",1", 100000, ")", "")), ST_OK);
    ck_assert_int_eq(parse(repeat("VALUES (1, 'x')", ",(1, 'x')", 50000, "", "")), ST_OK);
    ck_assert_int_eq(parse(repeat("SELECT a", " AND b < 1", 50000, "", "")), ST_OK);
    ck_assert_int_eq(parse(repeat("SELECT a", " OR b < 1 AND c", 30000, "", "")), ST_OK);
    ck_assert_int_eq(parse(repeat("SELECT 1", ", a + 1 AS b", 30000, "", "")), ST_OK);
    ck_assert_int_eq(parse(repeat("SELECT 1", "; SELECT 1", 30000, "", "")), ST_OK);
}
END_TEST

START_TEST(test_long_chains)
{
    AstStatements statements;
    const char *text = repeat("SELECT a", "+a", 10000, "", "");

    ck_assert_int_eq(parse_sql(arena, text, strlen(text), NULL, &err, &statements), ST_OK);
    ck_assert_uint_eq(statements.items[0]->depth, 10002);
    ck_assert_int_eq(parse(repeat("SELECT a", "||'x'", 3000, "", "")), ST_OK);
    expect_too_complex(repeat("SELECT a", "+a", 10500, "", ""));
    ck_assert_int_eq(parse(repeat("SELECT 1", " UNION ALL SELECT 1", 3000, "", "")), ST_OK);
}
END_TEST

typedef struct BadRow {
    const char *sql;
    const char *sqlstate;
    int32_t offset;
    const char *message;
} BadRow;

static const BadRow bad_rows[] = {
    {"select éé from from t", "42601", 17, "syntax error at or near \"from\""},
    {"select", NULL, 0, NULL},
    {"select 1 +", "42601", 10, "syntax error at end of input"},
    {"select 'abc", "42601", 7, "unterminated quoted string at or near \"'abc\""},
    {"select \"abc", "42601", 7, "unterminated quoted identifier at or near \"\"abc\""},
    {"select /* abc", "42601", 7, "unterminated /* comment at or near \"/* abc\""},
    {"select $a$ abc", "42601", 7, "unterminated dollar-quoted string at or near \"$a$ abc\""},
    {"select 123abc", "42601", 7, "trailing junk after numeric literal at or near \"123a\""},
    {"select \"\"", "42601", 7, "zero-length delimited identifier at or near \"\"\"\""},
    {"select ')", "42601", 7, "unterminated quoted string at or near \"')\""},
    {"select 1)", "42601", 8, "syntax error at or near \")\""},
    {"select $0", "42P02", 7, "there is no parameter $0"},
    {"select * from a semi join b on true", "0A000", 16, "not supported: semi JOIN"},
    {"select * from a x, (select 1) ANTI JOIN b using (x)", "0A000", 30,
     "not supported: ANTI JOIN"},
    {"select * from semi join b on true", NULL, 0, NULL},
    {"select * from a as semi join b on true", NULL, 0, NULL},
    {"select * from s.semi join b on true", NULL, 0, NULL},
    {"select * from a, anti join b on true", NULL, 0, NULL},
    {"select 1 into t", "0A000", 14, "not supported: SELECT INTO (use CREATE TABLE AS)"},
    {"select '\xff'", "22021", 8, "invalid byte sequence for encoding \"UTF8\": 0xff"},
    {"select '\xed\xa0\x80'", "22021", 8, "invalid byte sequence for encoding \"UTF8\": 0xed"},
    {"select '\xf0\x9f\x98\x80\xc3\xa9\xe2\x82\xac'", NULL, 0, NULL},
    {"select '\xe2\x82", "22021", 8, "invalid byte sequence for encoding \"UTF8\": 0xe2"},
};

START_TEST(test_errors)
{
    const BadRow *row = &bad_rows[_i];
    Status status = parse(row->sql);

    if (row->sqlstate == NULL) {
        ck_assert_msg(status == ST_OK, "%s: %s", row->sql, err.message);
        return;
    }
    ck_assert_int_ne(status, ST_OK);
    ck_assert_str_eq(err.message, row->message);
    ck_assert_str_eq(err.sqlstate, row->sqlstate);
    ck_assert_int_eq(err.sql_offset, row->offset);
}
END_TEST

START_TEST(test_nul_byte)
{
    AstStatements statements;

    ck_assert_int_eq(parse_sql(arena, "select 1\0;", 10, NULL, &err, &statements), ST_BAD_INPUT);
    ck_assert_str_eq(err.sqlstate, "22021");
    ck_assert_int_eq(err.sql_offset, 8);
}
END_TEST

START_TEST(test_no_error_struct)
{
    AstStatements statements;

    ck_assert_int_eq(parse_sql(arena, "selec", 5, NULL, NULL, &statements), ST_BAD_INPUT);
    ck_assert_uint_eq(statements.count, 0);
}
END_TEST

START_TEST(test_hints)
{
    (void)!parse("select * from 'it''s.parquet'");
    ck_assert_ptr_nonnull(strstr(err.hint, "FROM \"path/file.parquet\""));
    (void)!parse("describe t");
    ck_assert_ptr_nonnull(strstr(err.hint, "\\d NAME"));
    (void)!parse("select `a`");
    ck_assert_ptr_nonnull(strstr(err.hint, "double quotes"));
    (void)!parse("select 1 1");
    ck_assert_str_eq(err.hint, "");
}
END_TEST

/* Pieces of SQL in a random order: every answer will do that is an answer. */
START_TEST(test_random_text)
{
    static const char *const pieces[] = {
        "select", " ",     "(",        ")",       "case", "when", "then",  "end", "'",      "\"",
        "$$",     "$a$",   "--",       "\n",      "/*",   "*/",   "e'\\'", "u&'", "[",      "]",
        ",",      ";",     "and",      "between", "not",  "+",    "a",     "1",   " from ", " t ",
        " join ", "::int", "\xc3\xa9", "as ",     ".",    ":=",   "\\",    "$1",  "1e",     "x''"};
    uint64_t state = 88172645463325252u + (uint64_t)_i;

    for (int round = 0; round < 400; round++) {
        char text[512];
        char *at = text;

        for (int i = 0; i < 60; i++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            at = stpcpy(at, pieces[state % (sizeof pieces / sizeof pieces[0])]);
        }
        (void)!parse(text);
        arena_reset(arena);
    }
}
END_TEST

#define TEST_ROWS(test_case, test, rows)                                                           \
    tcase_add_loop_test(test_case, test, 0, (int)(sizeof(rows) / sizeof((rows)[0])))

int main(void)
{
    Suite *suite = suite_create("parse_limits");
    TCase *cases = tcase_create("parse_limits");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    TEST_ROWS(cases, test_deep, nests);
    TEST_ROWS(cases, test_nearly_too_deep, nests);
    tcase_add_test(cases, test_million);
    tcase_add_test(cases, test_huge_text);
    tcase_add_test(cases, test_large_but_flat);
    tcase_add_test(cases, test_long_chains);
    TEST_ROWS(cases, test_errors, bad_rows);
    tcase_add_test(cases, test_nul_byte);
    tcase_add_test(cases, test_no_error_struct);
    tcase_add_test(cases, test_hints);
    tcase_add_loop_test(cases, test_random_text, 0, 5);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
