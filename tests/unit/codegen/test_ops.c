/*
 * test_ops.c -- every operation on values against answers and errors of PostgreSQL 15
 *
 * The cases stand in op_cases_*.def: a function of functions.def, its result's type, what
 * PostgreSQL said, and the arguments as "type value". A result that begins with five characters
 * of SQLSTATE and a blank is an error.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codegen/kernel.h"
#include "core/data/value_text.h"

typedef struct Case {
    const char *func, *type, *answer;
    const char *args[OP_ARGS_MAX];
} Case;

#define CASE(function, type, answer, ...) {function, type, answer, {__VA_ARGS__}},
static const Case arith_cases[] = {
#include "op_cases_arith.def"
};
static const Case numeric_cases[] = {
#include "op_cases_numeric.def"
};
static const Case compare_cases[] = {
#include "op_cases_compare.def"
};
static const Case text_cases[] = {
#include "op_cases_text.def"
};
static const Case date_cases[] = {
#include "op_cases_date.def"
};
static const Case cast_cases[] = {
#include "op_cases_cast.def"
};

/* "numeric(10,2)", "varchar(3)", "int4" */
static Type type_of_word(const char *word)
{
    static const struct {
        const char *word;
        TypeId id;
    } words[] = {{"bool", TYPE_BOOL}, {"int2", TYPE_INT2},           {"int4", TYPE_INT4},
                 {"int8", TYPE_INT8}, {"float4", TYPE_FLOAT4},       {"float8", TYPE_FLOAT8},
                 {"text", TYPE_TEXT}, {"varchar", TYPE_VARCHAR},     {"char", TYPE_CHAR},
                 {"date", TYPE_DATE}, {"timestamp", TYPE_TIMESTAMP}, {"interval", TYPE_INTERVAL}};
    size_t bytes = strcspn(word, "( ");
    int precision, scale;
    Type type;

    if (sscanf(word, "numeric(%d,%d)", &precision, &scale) == 2)
        return type_decimal(precision, scale);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strlen(words[i].word) == bytes && memcmp(words[i].word, word, bytes) == 0) {
            type = type_of(words[i].id);
            if (word[bytes] == '(')
                type.length = atoi(word + bytes + 1);
            return type;
        }
    ck_abort_msg("no type: %s", word);
}

static const Expr *argument(Arena *arena, const char *text)
{
    const char *blank = strchr(text, ' ');
    Type type = type_of_word(text);
    Error error = ERROR_NONE;
    Value value;

    ck_assert_msg(value_parse(type, blank + 1, strlen(blank + 1), &error, &value) == ST_OK,
                  "%s: %s", text, error.message);
    return expr_const(arena, value);
}

/* Overloads decide between functions of one name: unary minus and subtraction. */
static FuncId find_function(const Case *c, uint32_t arg_count)
{
    const char *name = strcmp(c->func, "neg") == 0 ? "-" : c->func;

    for (FuncId func = 0; func < FUNC_COUNT_; func++)
        for (uint32_t i = 0; strcmp(func_name(func), name) == 0 && i < OP_COUNT_; i++)
            if (op_table[i].func == func && op_table[i].arg_count == arg_count)
                return func;
    ck_abort_msg("no function %s", c->func);
}

static const Expr *call_of(Arena *arena, const Case *c)
{
    const Expr *args[OP_ARGS_MAX];
    uint32_t count = 0;

    for (; count < OP_ARGS_MAX && c->args[count] != NULL; count++)
        args[count] = argument(arena, c->args[count]);
    if (strcmp(c->func, "cast") == 0)
        return expr_call1(arena, FUNC_CAST, type_of_word(c->type), args[0]);
    return expr_call(arena, find_function(c, count), type_of_word(c->type), count, args);
}

/* The last digits of a double are the C library's. */
static bool nearly_equal(Type type, const char *text, const char *answer)
{
    double a, b;

    if (!type_is_float(type))
        return false;
    a = strtod(text, NULL);
    b = strtod(answer, NULL);
    return fabs(a - b) <= 4e-16 * fabs(a);
}

static void check_case(const Case *c)
{
    Arena *arena = arena_new(NULL, "case", ARENA_NO_CAP);
    Error error = ERROR_NONE;
    Value value;
    Status status = kernel_eval_const(arena, call_of(arena, c), &error, &value);
    const char *text;

    if (status != ST_OK) {
        text = arena_printf(arena, "%s %s", error.sqlstate, error.message);
    } else {
        char buffer[VALUE_TEXT_BYTES];
        uint32_t length;
        const char *bytes = value_print(&value, VALUE_PRINT_SHORT_BOOL, buffer, &length);

        text = arena_strndup(arena, bytes, length);
    }
    ck_assert_msg(strcmp(text, c->answer) == 0 ||
                      (status == ST_OK && nearly_equal(value.type, text, c->answer)),
                  "%s(%s, %s): %s, not %s", c->func, c->args[0], c->args[1] ? c->args[1] : "", text,
                  c->answer);
    arena_free(arena);
}

#define FAMILY_TEST(family)                                                                        \
    START_TEST(test_##family)                                                                      \
    {                                                                                              \
        for (size_t i = 0; i < sizeof family##_cases / sizeof family##_cases[0]; i++)              \
            check_case(&family##_cases[i]);                                                        \
    }                                                                                              \
    END_TEST

FAMILY_TEST(arith)
FAMILY_TEST(numeric)
FAMILY_TEST(compare)
FAMILY_TEST(text)
FAMILY_TEST(date)
FAMILY_TEST(cast)

int main(void)
{
    Suite *suite = suite_create("ops");
    TCase *tcase = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_arith);
    tcase_add_test(tcase, test_numeric);
    tcase_add_test(tcase, test_compare);
    tcase_add_test(tcase, test_text);
    tcase_add_test(tcase, test_date);
    tcase_add_test(tcase, test_cast);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
