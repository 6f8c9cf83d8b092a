/*
 * test_sql_lexer.c -- tokens and where they end
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "sql/parser/sql_keywords.h"
#include "sql/parser/sql_lexer.h"

typedef struct Row {
    const char *text;
    const char *tokens; /* each in <>, unterminated ones with a ! before them */
} Row;

static const Row rows[] = {
    {"", ""},
    {" \t\r\n\f", ""},
    {"select a.b", "<select><a><.><b>"},
    {"a_1$ _x \xc3\xa9t\xc3\xa9", "<a_1$><_x><\xc3\xa9t\xc3\xa9>"},
    {"'a' 'b''c' ''''", "<'a'><'b''c'><''''>"},
    {"'a\\' 'b'", "<'a\\'><'b'>"},
    {"e'a\\'b' E'\\\\' x", "<e'a\\'b'><E'\\\\'><x>"},
    {"abce'x' 1", "<abce><'x'><1>"},
    {"'a'\n'b' 'c'", "<'a'\n'b'><'c'>"},
    {"'a' -- x\n  'b'", "<'a' -- x\n  'b'>"},
    {"e'a'\n'\\'' 1", "<e'a'\n'\\''><1>"},
    {"'a'\n1", "<'a'><1>"},
    {"u&'\\0041' U&\"b\" u & b", "<u&'\\0041'><U&\"b\"><u><&><b>"},
    {"b'1' x'f' n'a'", "<b'1'><x'f'><n'a'>"},
    {"\"a\"\"b\" \"'\"", "<\"a\"\"b\"><\"'\">"},
    {"$$a'b$$ $x$ $$ $x$ $1 $ a$b$", "<$$a'b$$><$x$ $$ $x$><$1><$><a$b$>"},
    {"1.5e-3 .5 1e 1.e5 1..2", "<1.5e-3><.5><1><e><1.e5><1><.><.2>"},
    {"a--b\nc/*d/*e*/f*/g", "<a><c><g>"},
    {"a+--b\n-/*c*/1", "<a><+><-><1>"},
    {"a<=b||c::d->>'e'", "<a><<=><b><||><c><::><d><->>><'e'>"},
    {"(a[1:2]);", "<(><a><[><1><:><2><]><)><;>"},
    {"'abc", "!<'abc>"},
    {"a 'b'\n'c", "<a>!<'b'\n'c>"},
    {"\"abc", "!<\"abc>"},
    {"$a$abc$", "!<$a$abc$>"},
    {"a /* b /* c */", "<a>!"},
    {"e'a\\", "!<e'a\\>"},
};

static char *tokens_of(const char *text)
{
    static char printed[512];
    SqlLexer lexer = {.text = text, .bytes = strlen(text)};
    char *at = printed;
    SqlToken token;

    do {
        token = sql_lexer_next(&lexer);
        at = stpcpy(at, token.is_unterminated ? "!" : "");
        if (token.kind == SQL_TOKEN_END)
            break;
        ck_assert_uint_lt(token.start, token.end);
        ck_assert_uint_le(token.end, lexer.bytes);
        at = stpcpy(at, "<");
        at = mempcpy(at, text + token.start, token.end - token.start);
        at = stpcpy(at, ">");
    } while (true);
    ck_assert_int_eq(sql_lexer_next(&lexer).kind, SQL_TOKEN_END);
    return printed;
}

START_TEST(test_tokens)
{
    ck_assert_str_eq(tokens_of(rows[_i].text), rows[_i].tokens);
}
END_TEST

/* Cut anywhere, in a buffer that ends there: sanitizers see a read past the end. */
START_TEST(test_cut_text)
{
    const char *text = rows[_i].text;

    for (size_t bytes = 0; bytes <= strlen(text); bytes++) {
        char *copy = malloc(bytes + 1);
        SqlLexer lexer = {.text = copy, .bytes = bytes};

        memcpy(copy, text, bytes);
        copy[bytes] = '\'';
        while (sql_lexer_next(&lexer).kind != SQL_TOKEN_END)
            ck_assert_uint_le(lexer.at, bytes);
        free(copy);
    }
}
END_TEST

START_TEST(test_kinds)
{
    SqlLexer lexer = {.text = "Select \"select\" 'x' 1 $1 <= ;", .bytes = 29};
    SqlToken token = sql_lexer_next(&lexer);

    ck_assert(sql_token_is(&lexer, token, "select"));
    ck_assert(!sql_token_is(&lexer, token, "selec"));
    token = sql_lexer_next(&lexer);
    ck_assert_int_eq(token.kind, SQL_TOKEN_QUOTED_NAME);
    ck_assert(!sql_token_is(&lexer, token, "select"));
    ck_assert_int_eq(sql_lexer_next(&lexer).kind, SQL_TOKEN_STRING);
    ck_assert_int_eq(sql_lexer_next(&lexer).kind, SQL_TOKEN_NUMBER);
    ck_assert_int_eq(sql_lexer_next(&lexer).kind, SQL_TOKEN_PARAM);
    ck_assert_int_eq(sql_lexer_next(&lexer).kind, SQL_TOKEN_OPERATOR);
    ck_assert(sql_token_is_char(&lexer, sql_lexer_next(&lexer), ';'));
}
END_TEST

START_TEST(test_trim)
{
    const char *text = " /* a */ b c -- d\n ";
    size_t start, end;

    sql_text_trim(text, 0, strlen(text), &start, &end);
    ck_assert_uint_eq(start, 9);
    ck_assert_uint_eq(end, 12);
    sql_text_trim("  -- x", 0, 6, &start, &end);
    ck_assert_uint_eq(start, 0);
    ck_assert_uint_eq(end, 0);
}
END_TEST

START_TEST(test_names)
{
    Arena *arena = arena_new(NULL, "test", ARENA_NO_CAP);
    StrBuf buf = {.arena = arena};

    sql_add_name(&buf, "a_1");
    strbuf_putc(&buf, ' ');
    sql_add_name(&buf, "A");
    strbuf_putc(&buf, ' ');
    sql_add_name(&buf, "a\"b");
    strbuf_putc(&buf, ' ');
    sql_add_name(&buf, "select");
    strbuf_putc(&buf, ' ');
    sql_add_name(&buf, "1a");
    strbuf_putc(&buf, ' ');
    sql_add_string(&buf, "it's");
    ck_assert_str_eq(strbuf_text(&buf), "a_1 \"A\" \"a\"\"b\" \"select\" \"1a\" 'it''s'");
    ck_assert(sql_is_keyword("all"));
    ck_assert(sql_is_keyword("xmltable"));
    ck_assert(!sql_is_keyword("a"));
    ck_assert(!sql_is_keyword("zzz"));
    arena_free(arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sql_lexer");
    TCase *cases = tcase_create("sql_lexer");
    SRunner *runner = srunner_create(suite);
    int row_count = sizeof rows / sizeof rows[0];
    int failed;

    tcase_add_loop_test(cases, test_tokens, 0, row_count);
    tcase_add_loop_test(cases, test_cut_text, 0, row_count);
    tcase_add_test(cases, test_kinds);
    tcase_add_test(cases, test_trim);
    tcase_add_test(cases, test_names);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
