/* test_windows.c -- windows lie spread over a split, apart from each other, and always there */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/plan/table.h"

static Arena *arena;

static void setup(void)
{
    arena = arena_new(NULL, "test", ARENA_NO_CAP);
}

static void teardown(void)
{
    arena_free(arena);
}

static SplitWindows windows_of(Split split, uint32_t count, uint64_t least, uint64_t origin,
                               uint64_t unit)
{
    WindowRequest request = {.count = count, .one_in = 64, .least_bytes = least};

    return windows_of_places(arena, &split, &request, least, origin, unit);
}

static void check_windows(const SplitWindows *windows, const Split *split, uint64_t origin,
                          uint64_t unit)
{
    uint64_t taken = 0, next = split->start;

    for (uint32_t i = 0; i < windows->count; i++) {
        const Split *window = &windows->items[i];

        ck_assert_uint_ge(window->start, next);
        ck_assert_uint_eq((window->start - origin) % unit, 0);
        ck_assert_uint_eq(window->file, split->file);
        next = window->start + window->length;
        taken += window->length;
        ck_assert_uint_ge(window->reach, next);
        ck_assert(i + 1 == windows->count || window->reach <= windows->items[i + 1].start);
    }
    ck_assert_uint_le(next, split->start + split->length);
    ck_assert_uint_eq(taken, windows->taken);
    ck_assert_uint_eq(split->length, windows->total);
}

START_TEST(each_part_has_one)
{
    for (uint64_t start = 0; start < 100; start++) {
        Split split = {.file = (uint32_t)start, .start = start * 1000003, .length = 32 << 20};
        SplitWindows windows = windows_of(split, 16, 0, 0, 1);

        ck_assert_uint_eq(windows.count, 16);
        ck_assert_uint_eq(windows.taken, (32 << 20) / 64);
        check_windows(&windows, &split, 0, 1);
        for (uint64_t i = 0; i < 16; i++)
            ck_assert_uint_eq((windows.items[i].start - split.start) / (2 << 20), i);
    }
}
END_TEST

/* Not at the same place of each part: what recurs there would be all that is seen. */
START_TEST(places_differ)
{
    Split split = {.length = 1 << 30}, other = {.file = 1, .length = 1 << 30};
    SplitWindows a = windows_of(split, 64, 0, 0, 1), b = windows_of(other, 64, 0, 0, 1);
    SplitWindows again = windows_of(split, 64, 0, 0, 1);
    uint32_t early = 0, alike = 0;

    for (uint32_t i = 0; i < 64; i++) {
        early += a.items[i].start % (16 << 20) < 8 << 20;
        alike += a.items[i].start == b.items[i].start;
        ck_assert_uint_eq(a.items[i].start, again.items[i].start);
    }
    ck_assert(early > 16 && early < 48);
    ck_assert_uint_lt(alike, 8);
}
END_TEST

START_TEST(small_splits_are_read_whole)
{
    Split split = {.start = 77, .length = 1000};
    SplitWindows windows = windows_of(split, 16, 1000, 0, 1);

    ck_assert_uint_eq(windows.count, 1);
    ck_assert_uint_eq(windows.items[0].start, 77);
    ck_assert_uint_eq(windows.items[0].length, 1000);
    ck_assert_uint_eq(windows.taken, windows.total);
    split.length = 0;
    ck_assert_uint_eq(windows_of(split, 16, 0, 0, 1).count, 1);
}
END_TEST

/* Records of so many bytes; places of a CSV file where its quotes are known. */
START_TEST(windows_begin_at_units)
{
    Split records = {.start = 700, .length = 7 << 20}, csv = {.start = 3 + (5 << 20)};

    for (uint32_t count = 1; count < 300; count += 13) {
        SplitWindows windows = windows_of(records, count, 0, 0, 7);

        check_windows(&windows, &records, 0, 7);
        for (csv.length = 1; csv.length < 64 << 20; csv.length = csv.length * 3 + 1) {
            windows = windows_of(csv, count, 0, 3, 1 << 20);
            ck_assert_uint_ge(windows.count, 1);
            if (windows.taken != windows.total)
                check_windows(&windows, &csv, 3, 1 << 20);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("windows");
    TCase *tcase = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, each_part_has_one);
    tcase_add_test(tcase, places_differ);
    tcase_add_test(tcase, small_splits_are_read_whole);
    tcase_add_test(tcase, windows_begin_at_units);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
