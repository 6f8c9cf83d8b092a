/* test_user_text.c -- numbers that functions read from texts */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vonk/udf.h"

static bool reads(const char *text, int64_t *value_out)
{
    size_t bytes = strlen(text);
    char *exact = malloc(bytes); /* a look behind its end is found out */
    bool is_number;

    memcpy(exact, text, bytes);
    is_number = vonk_text_to_int8((VonkText){exact, bytes}, value_out);
    free(exact);
    return is_number;
}

START_TEST(test_numbers)
{
    static const int64_t edges[] = {0,
                                    9,
                                    -1,
                                    99999999999999999,
                                    -99999999999999999,
                                    100000000000000000,
                                    999999999999999999,
                                    -999999999999999999,
                                    1000000000000000000,
                                    INT64_MAX,
                                    INT64_MIN};
    char text[40];
    int64_t value;

    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        snprintf(text, sizeof text, "%" PRId64, edges[i]);
        ck_assert(reads(text, &value));
        ck_assert_int_eq(value, edges[i]);
    }
    ck_assert(reads("+12", &value) && value == 12);
    ck_assert(reads("-0", &value) && value == 0);
    ck_assert(reads("000000000000000000000000000042", &value) && value == 42);
}
END_TEST

START_TEST(test_what_is_no_number)
{
    static const char *const texts[] = {"",
                                        "-",
                                        "+",
                                        "--1",
                                        "1-",
                                        " 1",
                                        "1 ",
                                        "1.0",
                                        "1e3",
                                        "1_0",
                                        "0x1",
                                        "\xff",
                                        "abc",
                                        "12a",
                                        "/123",
                                        ":12",
                                        "12345/",
                                        "9223372036854775808",
                                        "-9223372036854775809",
                                        "99999999999999999999",
                                        "99999999999999999a"};
    int64_t value;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        ck_assert_msg(!reads(texts[i], &value), "\"%s\" is %" PRId64, texts[i], value);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("user_text");
    TCase *cases = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_test(cases, test_numbers);
    tcase_add_test(cases, test_what_is_no_number);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
