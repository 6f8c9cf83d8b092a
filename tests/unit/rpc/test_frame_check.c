/* test_frame_check.c -- which bytes may be parsed as a message, and which not */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/rpc/frame_check.h"

typedef struct Message {
    size_t length;
    unsigned char bytes[1 << 16];
} Message;

static Message message;

static void put(const void *bytes, size_t byte_count)
{
    ck_assert_uint_le(message.length + byte_count, sizeof message.bytes);
    memcpy(message.bytes + message.length, bytes, byte_count);
    message.length += byte_count;
}

static void put_u8(unsigned value)
{
    put(&(unsigned char){(unsigned char)value}, 1);
}

static void put_u32(uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        put_u8(value >> shift);
}

static void begin(void)
{
    message.length = 0;
    put_u32(0x80010001);
    put_u32(4);
    put("ping", 4);
    put_u32(7);
}

static void put_field(unsigned type, unsigned number)
{
    put_u8(type);
    put_u8(number >> 8);
    put_u8(number);
}

static Status check_it(Error *err)
{
    *err = ERROR_NONE;
    return frame_check(message.bytes, message.length, err);
}

/* bool, list<string> of two, map<i32, struct {i64}> of two, set<byte>, an empty map. */
static void make_sound(void)
{
    begin();
    put_field(2, 1);
    put_u8(1);
    put_field(15, 2);
    put_u8(11);
    put_u32(2);
    put_u32(3);
    put("abc", 3);
    put_u32(0);
    put_field(13, 3);
    put_u8(8);
    put_u8(12);
    put_u32(2);
    for (int i = 0; i < 2; i++) {
        put_u32(5);
        put_field(10, 1);
        put("12345678", 8);
        put_u8(0);
    }
    put_field(14, 4);
    put_u8(3);
    put_u32(3);
    put("xyz", 3);
    put_field(13, 5);
    put_u8(0);
    put_u8(0);
    put_u32(0);
    put_u8(0);
}

START_TEST(test_sound)
{
    Error err;

    make_sound();
    ck_assert_msg(check_it(&err) == ST_OK, "%s", err.message);
}
END_TEST

START_TEST(test_cut_short_anywhere)
{
    size_t whole;
    Error err;

    make_sound();
    whole = message.length;
    for (size_t length = 0; length < whole; length++) {
        unsigned char *copy = malloc(length + 1); /* for the sanitizer: not a byte more */

        memcpy(copy, message.bytes, length);
        err = ERROR_NONE;
        ck_assert_int_eq(frame_check(copy, length, &err), ST_CORRUPT);
        ck_assert_ptr_nonnull(strstr(err.message, "damaged message at byte"));
        free(copy);
    }
    put_u8(0);
    ck_assert_int_eq(check_it(&err), ST_CORRUPT);
    ck_assert_ptr_nonnull(strstr(err.message, "follows"));
}
END_TEST

START_TEST(test_any_flip_ends)
{
    Error err;

    make_sound();
    for (size_t at = 0; at < message.length; at++)
        for (int mask = 1; mask < 256; mask++) {
            message.bytes[at] ^= (unsigned char)mask;
            (void)!check_it(&err);
            message.bytes[at] ^= (unsigned char)mask;
        }
}
END_TEST

START_TEST(test_lengths_that_are_not_there)
{
    Error err;

    begin();
    put_field(11, 1);
    put_u32(INT32_MAX);
    put("x", 1);
    ck_assert_int_eq(check_it(&err), ST_CORRUPT);
    begin();
    put_field(11, 1);
    put_u32(UINT32_MAX);
    ck_assert_int_eq(check_it(&err), ST_CORRUPT);
    ck_assert_ptr_nonnull(strstr(err.message, "negative"));
    begin();
    put_field(15, 1);
    put_u8(2);
    put_u32(INT32_MAX);
    put("xxxx", 4);
    ck_assert_int_eq(check_it(&err), ST_CORRUPT);
    ck_assert_ptr_nonnull(strstr(err.message, "more than its bytes"));
    begin();
    put_field(13, 1);
    put_u8(12);
    put_u8(12);
    put_u32(0x80000000);
    put("xxxx", 4);
    ck_assert_int_eq(check_it(&err), ST_CORRUPT);
}
END_TEST

START_TEST(test_types_that_there_are_not)
{
    static const unsigned types[] = {1, 5, 7, 9, 16, 17, 255};
    Error err;

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        begin();
        put_field(types[i], 1);
        put("12345678", 8);
        put_u8(0);
        ck_assert_int_eq(check_it(&err), ST_CORRUPT);
        begin();
        put_field(15, 1);
        put_u8(types[i]);
        put_u32(1);
        put("12345678", 8);
        put_u8(0);
        ck_assert_int_eq(check_it(&err), ST_CORRUPT);
    }
}
END_TEST

START_TEST(test_nested)
{
    Error err;

    begin();
    for (int depth = 1; depth < FRAME_DEPTH_MAX; depth++)
        put_field(12, 1);
    for (int depth = 0; depth < FRAME_DEPTH_MAX; depth++)
        put_u8(0);
    ck_assert_msg(check_it(&err) == ST_OK, "%s", err.message);
    begin();
    for (int depth = 0; depth < 10000; depth++)
        put_field(12, 1);
    ck_assert_int_eq(check_it(&err), ST_CORRUPT);
    ck_assert_ptr_nonnull(strstr(err.message, "nested too deep"));
    begin();
    put_field(15, 1);
    for (int depth = 0; depth < 1000; depth++) {
        put_u8(15);
        put_u32(1);
    }
    ck_assert_int_eq(check_it(&err), ST_CORRUPT);
}
END_TEST

START_TEST(test_heads)
{
    Error err;

    make_sound();
    message.bytes[1] = 2; /* another version */
    ck_assert_int_eq(check_it(&err), ST_CORRUPT);
    make_sound();
    message.bytes[3] = 9; /* no kind of message */
    ck_assert_int_eq(check_it(&err), ST_CORRUPT);
    message.length = 0;
    put_u32(0x80010001);
    put_u32(FRAME_NAME_BYTES_MAX + 1);
    for (int i = 0; i <= FRAME_NAME_BYTES_MAX; i++)
        put_u8('x');
    put_u32(1);
    put_u8(0);
    ck_assert_int_eq(check_it(&err), ST_CORRUPT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("frame_check");
    TCase *cases = tcase_create("frame_check");
    SRunner *runner;
    int failed;

    tcase_add_test(cases, test_sound);
    tcase_add_test(cases, test_cut_short_anywhere);
    tcase_add_test(cases, test_any_flip_ends);
    tcase_add_test(cases, test_lengths_that_are_not_there);
    tcase_add_test(cases, test_types_that_there_are_not);
    tcase_add_test(cases, test_nested);
    tcase_add_test(cases, test_heads);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
