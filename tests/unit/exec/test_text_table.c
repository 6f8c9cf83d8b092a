/* test_text_table.c -- records by their text: found again, in the order in which they first came */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/text_table.h"

enum { KEYS = 20000, RUN = 500, ROUNDS = 3, KEY_BYTES_MAX = 32 };

typedef struct Record {
    int64_t count;
    VonkText word;
} Record;

static MemPool *pool;
static TextStore texts;
static TextTable table;
static char names[KEYS][KEY_BYTES_MAX];

/* Texts of 0 to 20 bytes; those of more than 12 begin alike. */
static void setup(void)
{
    pool = mem_pool_new(NULL, "test", MEM_POOL_NO_LIMIT);
    text_store_init(&texts, pool, "test");
    text_table_init(&table, sizeof(Record), offsetof(Record, word), &texts, pool, "test");
    for (uint32_t i = 1; i < KEYS; i++)
        snprintf(names[i], KEY_BYTES_MAX, i % 3 == 0 ? "as long a word %u" : "%u", i);
}

static void teardown(void)
{
    text_table_fini(&table);
    text_store_fini(&texts);
    mem_pool_free(pool);
}

static Str nth_key(uint64_t i)
{
    const char *name = names[i * 7 % KEYS];

    return str_make(name, (uint32_t)strlen(name));
}

/* Each key comes in ROUNDS rounds; a new one's record is `first`. Adds 1 to each. Returns how many
 * were new. */
static uint64_t count_runs(bool has_rows, const Record *first)
{
    uint64_t hashes[RUN], new_count = 0;
    uint32_t rows[RUN], found;
    void *slots[RUN];
    Str keys[RUN];
    Record record;
    Error err;

    for (uint64_t from = 0; from < ROUNDS * KEYS; from += RUN) {
        for (uint32_t i = 0; i < RUN; i++) {
            rows[i] = RUN - 1 - i;
            keys[has_rows ? rows[i] : i] = nth_key(from + i);
        }
        ck_assert_int_eq(text_table_reserve(&table, RUN, &err), ST_OK);
        ck_assert_int_eq(text_table_find_rows(&table, keys, has_rows ? rows : NULL, RUN, hashes,
                                              first, &err, slots, &found),
                         ST_OK);
        ck_assert_uint_eq(found, RUN);
        for (uint32_t i = 0; i < RUN; i++) {
            bool is_new = ((uintptr_t)slots[i] & CHAIN_ACC_IS_NEW) != 0;
            char *slot = (char *)slots[i] - is_new;

            text_table_show(&table, slot, (char *)&record);
            record.count++;
            text_table_set(&table, (char *)&record, slot);
            new_count += is_new;
        }
    }
    return new_count;
}

/* All in the order in which they came, each with its count. */
static void compare(int64_t count)
{
    uint64_t place = 0;
    Record records[RUN];
    uint32_t done;

    ck_assert_uint_eq(table.key_count, KEYS);
    for (uint64_t i = 0; i < KEYS; i += done) {
        done = text_table_read(&table, &place, RUN, (char *)records);
        ck_assert_uint_gt(done, 0);
        for (uint32_t k = 0; k < done; k++) {
            Str key = nth_key(i + k);

            if (records[k].count != count || records[k].word.bytes != key.length ||
                memcmp(records[k].word.data, str_bytes(&key), key.length) != 0)
                ck_abort_msg("key number %u", (unsigned)(i + k));
        }
    }
    ck_assert_uint_eq(text_table_read(&table, &place, RUN, (char *)records), 0);
}

START_TEST(each_text_has_a_record)
{
    ck_assert_uint_eq(count_runs(false, NULL), KEYS);
    compare(ROUNDS);
    ck_assert_uint_eq(count_runs(true, NULL), 0);
    compare(2 * ROUNDS);
}
END_TEST

START_TEST(a_cleared_table_forgets_them)
{
    Record first = {.count = 40};

    (void)count_runs(true, NULL);
    text_table_clear(&table);
    ck_assert_uint_eq(table.key_count, 0);
    ck_assert_uint_eq(count_runs(false, &first), KEYS);
    compare(40 + ROUNDS);
}
END_TEST

START_TEST(few_are_forgotten_one_by_one)
{
    uint64_t hashes[2];
    uint32_t found;
    void *slots[2];
    Str keys[2] = {nth_key(1), nth_key(2)};
    Error err;

    (void)count_runs(false, NULL);
    text_table_clear(&table);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(text_table_reserve(&table, 2, &err), ST_OK);
        ck_assert_int_eq(
            text_table_find_rows(&table, keys, NULL, 2, hashes, NULL, &err, slots, &found), ST_OK);
        ck_assert_uint_eq((uintptr_t)slots[0] & CHAIN_ACC_IS_NEW, CHAIN_ACC_IS_NEW);
        ck_assert_uint_eq(table.key_count, 2);
        text_table_clear(&table);
    }
    ck_assert_uint_eq(count_runs(false, NULL), KEYS);
    compare(ROUNDS);
}
END_TEST

START_TEST(refused_memory_changes_nothing)
{
    Error err;
    bool is_new;
    char *slot;
    uint64_t bytes;

    (void)count_runs(false, NULL);
    bytes = text_table_bytes(&table);
    mem_pool_fail_nth(pool, 1);
    ck_assert_int_eq(text_table_reserve(&table, 1 << 20, &err), ST_OUT_OF_MEMORY);
    ck_assert_uint_eq(text_table_bytes(&table), bytes);
    compare(ROUNDS);
    ck_assert_int_eq(
        text_table_find(&table, nth_key(5), text_table_hash(nth_key(5)), &err, &slot, &is_new),
        ST_OK);
    ck_assert(!is_new);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("text_table");
    TCase *tests = tcase_create("text_table");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, each_text_has_a_record);
    tcase_add_test(tests, a_cleared_table_forgets_them);
    tcase_add_test(tests, few_are_forgotten_one_by_one);
    tcase_add_test(tests, refused_memory_changes_nothing);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
