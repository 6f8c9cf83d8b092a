/* test_word_table.c -- records by their key: found again, in the order in which they first came */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "exec/word_table.h"

enum { KEYS = 20000, LOOKUPS = 3 * KEYS, SOME = 100 };

static MemPool *pool;
static WordTable table;
static uint64_t wrong; /* an assertion for each look-up would take longer than all of them */

static void setup(void)
{
    pool = mem_pool_new(NULL, "test", MEM_POOL_NO_LIMIT);
}

static void teardown(void)
{
    word_table_fini(&table);
    mem_pool_free(pool);
}

/* Key 7 is what marks free slots; many begin their look-up close to each other's. */
static uint64_t nth_key(uint64_t i)
{
    return i == 7 ? WORD_FREE : i * 0x10001;
}

static uint64_t *tail_of(char *record)
{
    return (uint64_t *)(void *)(record + table.key_offset + sizeof(uint64_t));
}

/* The key's record, counted in its tail. */
static bool count_key(uint64_t key)
{
    bool is_new;
    char *record = word_table_find(&table, key, word_table_start(&table, key), &is_new);

    wrong += (uintptr_t)record % 16 != 0 || word_table_key(&table, record) != key;
    if (is_new)
        *tail_of(record) = 0;
    ++*tail_of(record);
    return is_new;
}

/* Look-up i is of key i * 7 % KEYS: in that order they come, each three times. */
static void count_keys(void)
{
    for (uint64_t i = 0; i < LOOKUPS; i++) {
        Error err;

        if (i % SOME == 0)
            ck_assert_int_eq(word_table_reserve(&table, SOME, &err), ST_OK);
        wrong += count_key(nth_key(i * 7 % KEYS)) != (i < KEYS);
    }
    ck_assert_uint_eq(word_table_count(&table), KEYS);
}

static void expect(const char *record, uint64_t key, const char *copy)
{
    wrong += record == NULL || word_table_key(&table, record) != key ||
             *tail_of((char *)(uintptr_t)record) != 3 || memcmp(copy, record, 16) != 0;
}

/* First the keys of the range, ascending: multiples of 0x10001 as all others but the 7th. */
static void compare(void)
{
    uint64_t place = 0, place_read = 0, first = (table.low + 0x10000) / 0x10001;
    char copy[16];

    for (uint64_t i = first; table.span > 0 && i * 0x10001 < table.low + table.span; i++) {
        if (i == 7 || i >= KEYS)
            continue;
        wrong += word_table_read(&table, &place_read, 1, sizeof copy, copy) != 1;
        expect(word_table_next(&table, &place), i * 0x10001, copy);
    }
    for (uint64_t i = 0; i < KEYS; i++) {
        uint64_t key = nth_key(i * 7 % KEYS);

        if (key - table.low < table.span)
            continue;
        wrong += word_table_read(&table, &place_read, 1, sizeof copy, copy) != 1;
        expect(word_table_next(&table, &place), key, copy);
    }
    ck_assert_ptr_null(word_table_next(&table, &place));
    ck_assert_uint_eq(word_table_read(&table, &place_read, 1, sizeof copy, copy), 0);
    ck_assert_uint_eq(wrong, 0);
}

static void count_and_compare(void)
{
    count_keys();
    compare();
}

START_TEST(keys_are_found_again_in_their_order)
{
    static const uint32_t shapes[][2] = {{16, 0}, {24, 8}, {32, 16}};

    for (uint32_t i = 0; i < 3; i++) {
        word_table_init(&table, shapes[i][0], shapes[i][1], NULL, pool, "test");
        count_and_compare();
        word_table_clear(&table);
        ck_assert_uint_eq(word_table_count(&table), 0);
        count_and_compare();
        word_table_fini(&table);
    }
}
END_TEST

START_TEST(refused_memory_leaves_all_as_it_was)
{
    MemPool *small = mem_pool_new(pool, "small", 64 << 10);
    uint64_t count = 0;
    Error err;

    word_table_init(&table, 16, 0, NULL, small, "test");
    while (word_table_reserve(&table, 1, &err) == ST_OK)
        ck_assert(count_key(nth_key(count++)));
    ck_assert_int_eq(err.status, ST_OUT_OF_MEMORY);
    ck_assert_uint_gt(count, SOME);
    for (uint64_t i = 0; i < count; i++)
        wrong += count_key(nth_key(i));
    ck_assert_uint_eq(wrong, 0);
    word_table_fini(&table);
    mem_pool_free(small);
}
END_TEST

START_TEST(keys_of_a_range_come_first_in_ascending_order)
{
    static const uint64_t ranges[][2] = {
        {0, 1 << 20}, {5, 0x10001 * 3}, {0x10001 * 64, 1}, {(uint64_t)-70, 200}, {1, 3}};

    for (uint32_t i = 0; i < 5; i++) {
        Error err;

        word_table_init(&table, 24, 8, NULL, pool, "test");
        ck_assert_int_eq(word_table_set_range(&table, ranges[i][0], ranges[i][1], &err), ST_OK);
        count_and_compare();
        word_table_clear(&table);
        count_and_compare();
        word_table_clear(&table);
        word_table_drop_range(&table);
        count_and_compare();
        word_table_fini(&table);
    }
}
END_TEST

START_TEST(a_new_record_of_a_range_is_as_was_said)
{
    const uint64_t first[2] = {0, 77};
    Error err;

    word_table_init(&table, 16, 0, first, pool, "test");
    ck_assert_int_eq(word_table_set_range(&table, 1000, 3, &err), ST_OK);
    for (uint32_t time = 0; time < 2; time++) {
        ck_assert_int_eq(word_table_reserve(&table, 3, &err), ST_OK);
        for (uint64_t key = 1002; key >= 1000; key--) {
            bool is_new;
            uint64_t *record = (uint64_t *)(void *)word_table_find(
                &table, key, word_table_start(&table, key), &is_new);

            ck_assert(is_new);
            ck_assert_uint_eq(record[0], key);
            ck_assert_uint_eq(record[1], 77);
            record[1] = 78;
        }
        ck_assert_uint_eq(word_table_count(&table), 3);
        word_table_clear(&table);
        ck_assert_uint_eq(word_table_count(&table), 0);
    }
    word_table_fini(&table);
}
END_TEST

START_TEST(many_are_read_as_one_by_one)
{
    static const uint32_t counts[] = {1, 63, 64, 65, 200, 2000};
    uint64_t records[2000][2];
    Error err;

    for (uint32_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        uint64_t place = 0, place_one = 0, read = 0;
        const char *one;

        word_table_init(&table, 16, 0, NULL, pool, "test");
        ck_assert_int_eq(word_table_set_range(&table, 10, 1000, &err), ST_OK);
        ck_assert_int_eq(word_table_reserve(&table, 2000, &err), ST_OK);
        for (uint64_t k = 0; k < 1500; k++) { /* some are not there, and some not in the range */
            uint64_t key = 10 + k * k % 1201;
            bool is_new;

            word_table_find(&table, key, word_table_start(&table, key), &is_new);
        }
        for (uint32_t done;
             (done = word_table_read(&table, &place, counts[i], 16, (char *)records)) > 0;) {
            for (uint32_t r = 0; r < done; r++) {
                one = word_table_next(&table, &place_one);
                ck_assert_ptr_nonnull(one);
                ck_assert_int_eq(memcmp(one, records[r], 16), 0);
            }
            ck_assert_uint_eq(place, place_one);
            read += done;
        }
        ck_assert_uint_eq(read, word_table_count(&table));
        ck_assert_uint_gt(table.present_count, 100);
        ck_assert_uint_gt(read, table.present_count);
        word_table_fini(&table);
    }
}
END_TEST

START_TEST(the_extent_is_that_of_signed_keys)
{
    uint64_t low;
    Error err;

    word_table_init(&table, 16, 0, NULL, pool, "test");
    ck_assert_uint_eq(word_table_extent(&table, &low), 0);
    ck_assert_int_eq(word_table_reserve(&table, 4, &err), ST_OK);
    ck_assert(count_key((uint64_t)-3));
    ck_assert(count_key(9));
    ck_assert_uint_eq(word_table_extent(&table, &low), 13);
    ck_assert_int_eq((int64_t)low, -3);
    ck_assert(count_key((uint64_t)INT64_MIN));
    ck_assert(count_key(INT64_MAX));
    ck_assert_uint_eq(word_table_extent(&table, &low), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("word_table");
    TCase *tcase = tcase_create("words");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, keys_are_found_again_in_their_order);
    tcase_add_test(tcase, keys_of_a_range_come_first_in_ascending_order);
    tcase_add_test(tcase, a_new_record_of_a_range_is_as_was_said);
    tcase_add_test(tcase, many_are_read_as_one_by_one);
    tcase_add_test(tcase, the_extent_is_that_of_signed_keys);
    tcase_add_test(tcase, refused_memory_leaves_all_as_it_was);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
