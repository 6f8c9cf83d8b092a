/* test_user_shared.c -- broadcast values and counts go to another process and come back */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "exec/user_shared.h"
#include "vonk/record.h"

typedef struct Named {
    int64_t number;
    VonkText name;
} Named;

static Arena *arena;
static UserShared *driver, *executor;
static int fetches, forgotten;
static bool is_damaging, is_away;

static Status fetch(void *context, uint64_t hash, Arena *to, Error *err, WireBytes *bytes_out)
{
    WireWriter all = {.arena = to};
    uint64_t total = 1;

    fetches++;
    while (!is_away && all.length < total) {
        WireBytes piece;

        if (!user_shared_piece(context, hash, all.length, 7, to, &piece, &total))
            break;
        wire_put_bytes(&all, piece.bytes, piece.byte_count);
    }
    if (all.length < total)
        return error_set(err, ST_IO, "nobody answers");
    all.bytes[total / 2] ^= is_damaging;
    *bytes_out = (WireBytes){all.bytes, total};
    return ST_OK;
}

static void forget(void *context, uint64_t hash)
{
    ck_assert_ptr_eq(context, driver);
    ck_assert_uint_ne(hash, 0);
    forgotten++;
}

static void set_up(void)
{
    arena = arena_new(NULL, "test", ARENA_NO_CAP);
    driver = user_shared_new();
    executor = user_shared_new_remote(fetch, forget, driver);
    fetches = forgotten = 0;
    is_damaging = is_away = false;
}

static void tear_down(void)
{
    user_shared_free(driver);
    user_shared_free(executor);
    arena_free(arena);
}

static void tell(void)
{
    SharedNames names;
    Error err = ERROR_NONE;

    ck_assert_int_eq(user_shared_names(driver, arena, &err, &names), ST_OK);
    user_shared_learn(executor, &names);
}

static const uint32_t name_at[] = {offsetof(Named, name)};
static const Named people[] = {{1, {"Ada", 3}}, {2, {"", 0}}, {3, {"Grace Hopper", 12}}};

static uint32_t add_people(void)
{
    SharedRecords value = {.records = people,
                           .count = 3,
                           .bytes = sizeof(Named),
                           .text_count = 1,
                           .text_offsets = name_at};

    return user_shared_add_value(driver, &value);
}

START_TEST(test_value)
{
    uint32_t id = add_people();
    SharedRecords value;
    Error err = ERROR_NONE;
    const Named *got;

    ck_assert_int_eq(user_shared_value(executor, id, &err, &value), ST_BAD_INPUT);
    tell();
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(user_shared_value(executor, id, &err, &value), ST_OK);
    ck_assert_int_eq(fetches, 1);
    ck_assert_uint_eq(value.count, 3);
    ck_assert_uint_eq(value.bytes, sizeof(Named));
    got = value.records;
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(got[i].number, people[i].number);
        ck_assert_uint_eq(got[i].name.bytes, people[i].name.bytes);
        ck_assert_mem_eq(got[i].name.data, people[i].name.data, people[i].name.bytes);
        ck_assert_ptr_ne(got[i].name.data, people[i].name.data);
    }
}
END_TEST

/* Tasks that have it may read on; what is told late does not bring it back. */
START_TEST(test_value_that_is_dropped)
{
    uint32_t id = add_people(), other, turns[2];
    SharedNames late;
    SharedRecords value, left;
    Error err = ERROR_NONE;

    ck_assert_int_eq(user_shared_names(driver, arena, &err, &late), ST_OK);
    tell();
    turns[0] = user_shared_begin_task(executor);
    ck_assert_int_eq(user_shared_value(executor, id, &err, &value), ST_OK);
    user_shared_drop_value(driver, id);
    other = add_people();
    tell();
    user_shared_learn(executor, &late);
    turns[1] = user_shared_begin_task(executor);
    ck_assert_int_eq(user_shared_value(executor, id, &err, &left), ST_BAD_INPUT);
    ck_assert_str_eq(err.message, "broadcast value 1 was destroyed");
    ck_assert_mem_eq(((const Named *)value.records)[2].name.data, people[2].name.data, 12);
    ck_assert_int_eq(user_shared_value(executor, other, &err, &value), ST_OK);
    user_shared_end_task(executor, turns[0]);
    user_shared_drop_value(driver, other);
    tell();
    ck_assert_mem_eq(((const Named *)value.records)[2].name.data, people[2].name.data, 12);
    user_shared_end_task(executor, turns[1]);
    ck_assert_int_eq(user_shared_value(executor, other, &err, &left), ST_BAD_INPUT);
    ck_assert_int_eq(fetches, 2);
    ck_assert_int_eq(forgotten, 2);
}
END_TEST

/* What fails is tried again by the next task. */
START_TEST(test_value_that_cannot_be_had)
{
    uint32_t id = add_people();
    SharedRecords value;
    Error err = ERROR_NONE;

    tell();
    is_away = true;
    ck_assert_int_eq(user_shared_value(executor, id, &err, &value), ST_IO);
    is_away = false;
    is_damaging = true;
    ck_assert_int_eq(user_shared_value(executor, id, &err, &value), ST_CORRUPT);
    is_damaging = false;
    ck_assert_int_eq(user_shared_value(executor, id, &err, &value), ST_OK);
    ck_assert_int_eq(user_shared_value(executor, id + 1, &err, &value), ST_BAD_INPUT);
    user_shared_drop_value(driver, id);
    ck_assert_int_eq(user_shared_value(driver, id, &err, &value), ST_BAD_INPUT);
}
END_TEST

START_TEST(test_counts)
{
    uint32_t none, whole, real;
    UserCounts *counts = NULL, *got;
    WireBytes bytes;
    Error err = ERROR_NONE;
    double sum = 0;

    none = user_shared_add_accumulator(driver);
    whole = user_shared_add_accumulator(driver);
    tell();
    real = user_shared_add_accumulator(driver);
    tell();
    for (int i = 0; i < 1000; i++) {
        double x = ldexp(i - 300, i % 80 - 40);

        sum += 0.25;
        ck_assert(user_counts_add(&counts, executor, whole, -i, 0));
        ck_assert(user_counts_add(&counts, executor, real, 0, x));
        ck_assert(user_counts_add(&counts, executor, real, 0, 0.25));
        ck_assert(user_counts_add(&counts, executor, real, 0, -x));
    }
    ck_assert(!user_counts_add(&counts, executor, real + 1, 1, 0));
    bytes = user_counts_encode(counts, arena);
    ck_assert_int_eq(user_counts_decode(bytes, driver, &err, &got), ST_OK);
    user_shared_count(driver, got);
    user_shared_count(driver, got);
    ck_assert_int_eq(user_shared_integer(driver, none), 0);
    ck_assert_int_eq(user_shared_integer(driver, whole), -2 * 499500);
    ck_assert_double_eq(user_shared_real(driver, real), 2 * sum);
    user_counts_free(counts);
    user_counts_free(got);
}
END_TEST

START_TEST(test_no_counts)
{
    UserCounts *got = (UserCounts *)arena;
    Error err = ERROR_NONE;

    ck_assert_int_eq(user_counts_decode(user_counts_encode(NULL, arena), driver, &err, &got),
                     ST_OK);
    ck_assert_ptr_null(got);
}
END_TEST

/* Any damage is an error or other numbers; never more than that. */
START_TEST(test_damaged_bytes)
{
    uint32_t real = user_shared_add_accumulator(driver);
    UserCounts *counts = NULL, *got;
    unsigned char *copy;
    WireBytes bytes;
    Error err = ERROR_NONE;

    ck_assert(user_counts_add(&counts, driver, real, 7, 1.5));
    bytes = user_counts_encode(counts, arena);
    user_counts_free(counts);
    for (size_t i = 0; i < bytes.byte_count * 8; i++) {
        copy = arena_copy(arena, bytes.bytes, bytes.byte_count);
        copy[i / 8] ^= (unsigned char)(1 << i % 8);
        if (user_counts_decode((WireBytes){copy, bytes.byte_count}, driver, &err, &got) == ST_OK)
            user_shared_count(driver, got);
        user_counts_free(got);
        (void)user_shared_real(driver, real);
        user_shared_reset(driver, real);
    }
    for (size_t length = 1; length < bytes.byte_count; length++)
        ck_assert_int_eq(user_counts_decode((WireBytes){bytes.bytes, length}, driver, &err, &got),
                         ST_CORRUPT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("user shared");
    TCase *tests = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, test_value);
    tcase_add_test(tests, test_value_that_cannot_be_had);
    tcase_add_test(tests, test_value_that_is_dropped);
    tcase_add_test(tests, test_counts);
    tcase_add_test(tests, test_no_counts);
    tcase_add_test(tests, test_damaged_bytes);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
