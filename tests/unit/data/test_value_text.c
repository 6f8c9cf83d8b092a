/*
 * test_value_text.c -- text to values and back, against PostgreSQL 15
 *
 * value_text_cases.def has texts, and what PostgreSQL prints of them after a cast, or its error.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/value_text.h"

typedef struct Case {
    const char *type, *text, *answer;
} Case;

static const Case cases[] = {
#define CASE(type, text, answer) {type, text, answer},
#include "value_text_cases.def"
};

static Type type_of_word(const char *word)
{
    static const struct {
        const char *word;
        TypeId id;
    } words[] = {{"bool", TYPE_BOOL},         {"int2", TYPE_INT2},
                 {"int4", TYPE_INT4},         {"int8", TYPE_INT8},
                 {"float4", TYPE_FLOAT4},     {"float8", TYPE_FLOAT8},
                 {"date", TYPE_DATE},         {"timestamp", TYPE_TIMESTAMP},
                 {"interval", TYPE_INTERVAL}, {"varchar(3)", TYPE_VARCHAR}};
    int precision, scale;
    Type type;

    if (sscanf(word, "numeric(%d,%d)", &precision, &scale) == 2)
        return type_decimal(precision, scale);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(words[i].word, word) == 0) {
            type = type_of(words[i].id);
            type.length = type.id == TYPE_VARCHAR ? 3 : 0;
            return type;
        }
    ck_abort_msg("no type: %s", word);
}

START_TEST(test_cases)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const Case *c = &cases[i];
        char text[ERROR_MESSAGE_BYTES + 16], buffer[VALUE_TEXT_BYTES];
        Error error = ERROR_NONE;
        Value value;
        uint32_t length;

        if (value_parse(type_of_word(c->type), c->text, strlen(c->text), &error, &value) == ST_OK) {
            const char *printed = value_print(&value, 0, buffer, &length);

            snprintf(text, sizeof text, "%.*s", (int)length, printed);
        } else {
            snprintf(text, sizeof text, "%s %s", error.sqlstate, error.message);
        }
        ck_assert_msg(strcmp(text, c->answer) == 0, "%s \"%s\": %s, not %s", c->type, c->text, text,
                      c->answer);
    }
}
END_TEST

static uint64_t next_bits(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* No text of fewer digits reads back the same, but for one half way between two doubles: those are
 * left alone, as PostgreSQL does. */
static void check_shortest(double number, const char *text)
{
    const char *end = strchr(text, 'e');
    uint32_t digits = 0;
    char shorter[64];
    double again;
    long double off, half;

    for (const char *p = text; end != NULL && p < end; p++)
        digits += *p >= '0' && *p <= '9';
    if (digits < 2)
        return;
    snprintf(shorter, sizeof shorter, "%.*e", (int)digits - 2, number);
    again = strtod(shorter, NULL);
    off = fabsl(strtold(shorter, NULL) - (long double)number);
    half = fabsl((long double)nextafter(number, INFINITY) - (long double)number) / 2;
    ck_assert_msg(again != number || off >= half * 0.9999L, "%s is longer than %s", text, shorter);
}

START_TEST(test_doubles_read_back)
{
    uint64_t state = 7;

    for (int i = 0; i < 40000; i++) {
        uint64_t bits = next_bits(&state);
        char text[VALUE_TEXT_BYTES];
        uint32_t length;
        double number, again;
        float narrow, narrow_again;

        memcpy(&number, &bits, sizeof number);
        if (isfinite(number)) {
            length = value_print_float8(number, text);
            text[length] = '\0';
            ck_assert_int_eq(value_parse_float8(text, length, &again), PARSE_OK);
            ck_assert_msg(memcmp(&again, &number, sizeof number) == 0, "%s", text);
            check_shortest(number, text);
        }
        memcpy(&narrow, &bits, sizeof narrow);
        if (isfinite(narrow)) {
            length = value_print_float4(narrow, text);
            ck_assert_int_eq(value_parse_float4(text, length, &narrow_again), PARSE_OK);
            ck_assert_int_eq(memcmp(&narrow, &narrow_again, sizeof narrow), 0);
        }
    }
}
END_TEST

/* Every day of several centuries, and the ends of the calendar. */
START_TEST(test_dates_read_back)
{
    static const int32_t edges[] = {-2440588, -719529, -719528, -1, 0, 1, 2145042905};
    char text[VALUE_TEXT_BYTES];
    int32_t again;

    for (int32_t days = -40000; days < 40000; days++) {
        uint32_t length = value_print_date(days, text);

        ck_assert_int_eq(value_parse_date(text, length, &again), PARSE_OK);
        ck_assert_int_eq(again, days);
    }
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        uint32_t length = value_print_date(edges[i], text);

        ck_assert_int_eq(value_parse_date(text, length, &again), PARSE_OK);
        ck_assert_int_eq(again, edges[i]);
    }
}
END_TEST

START_TEST(test_timestamps_and_intervals_read_back)
{
    uint64_t state = 11;
    char text[VALUE_TEXT_BYTES];

    for (int i = 0; i < 10000; i++) {
        int64_t micros = (int64_t)(next_bits(&state) % 9000000000000000000u) - 200000000000000000;
        Interval interval = {(int32_t)next_bits(&state) >> (i % 32),
                             (int32_t)next_bits(&state) >> (i % 31),
                             (int64_t)next_bits(&state) >> (i % 60)};
        int64_t micros_again;
        Interval again;
        uint32_t length = value_print_timestamp(micros, text);

        ck_assert_int_eq(value_parse_timestamp(text, length, &micros_again), PARSE_OK);
        ck_assert_int_eq(micros, micros_again);
        length = value_print_interval(interval, text);
        ck_assert_msg(value_parse_interval(text, length, INTERVAL_ANY, &again) == PARSE_OK, "%.*s",
                      (int)length, text);
        ck_assert_msg(memcmp(&interval, &again, sizeof again) == 0, "%.*s", (int)length, text);
    }
}
END_TEST

START_TEST(test_decimals_read_back)
{
    uint64_t state = 3;
    char text[VALUE_TEXT_BYTES];

    for (int i = 0; i < 10000; i++) {
        Int128 value = ((Int128)next_bits(&state) << 61 | next_bits(&state)) >> (i % 120), again;
        int32_t scale = i % 38;
        uint32_t length;

        value = i % 2 == 0 ? value : -value;
        length = value_print_decimal(value, scale, text);
        ck_assert_int_eq(value_parse_decimal(text, length, 38, scale, &again), PARSE_OK);
        ck_assert(value == again);
    }
}
END_TEST

START_TEST(test_interval_fields)
{
    Interval interval;

    ck_assert_int_eq(value_parse_interval("3", 1, INTERVAL_MONTH, &interval), PARSE_OK);
    ck_assert_int_eq(interval.months, 3);
    ck_assert_int_eq(value_parse_interval("90", 2, INTERVAL_DAY, &interval), PARSE_OK);
    ck_assert_int_eq(interval.days, 90);
    ck_assert_int_eq(value_parse_interval("1 day 2 hours", 13, INTERVAL_DAY, &interval), PARSE_OK);
    ck_assert_int_eq(interval.micros, 0);
    ck_assert_int_eq(value_parse_interval("14 months", 9, INTERVAL_YEAR, &interval), PARSE_OK);
    ck_assert_int_eq(interval.months, 12);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("value_text");
    TCase *tcase = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_cases);
    tcase_add_test(tcase, test_doubles_read_back);
    tcase_add_test(tcase, test_dates_read_back);
    tcase_add_test(tcase, test_timestamps_and_intervals_read_back);
    tcase_add_test(tcase, test_decimals_read_back);
    tcase_add_test(tcase, test_interval_fields);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
