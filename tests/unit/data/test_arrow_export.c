/* test_arrow_export.c -- who owns what in exported arrays */
#include <check.h>
#include <stdlib.h>

#include "core/data/arrow_c_data.h"

enum { ROWS = 100 };

static Arena *arena;
static int release_count;

static void set_up(void)
{
    arena = arena_new(NULL, "test", ARENA_NO_CAP);
    release_count = 0;
}

static void tear_down(void)
{
    arena_free(arena);
}

static void count_release(void *context)
{
    ck_assert_ptr_eq(context, &release_count);
    release_count++;
}

static const ArrowOwner owner = {&release_count, count_release};

/* An integer column with every third row null, and one of booleans. */
static Batch make_batch(void)
{
    Column *columns = ARENA_ARRAY(arena, Column, 2);
    int64_t *numbers = ARENA_ARRAY(arena, int64_t, ROWS);
    uint64_t *validity = ARENA_ARRAY(arena, uint64_t, bitmap_words(ROWS));
    uint8_t *claims = ARENA_ARRAY(arena, uint8_t, ROWS);

    for (uint32_t i = 0; i < ROWS; i++) {
        numbers[i] = 3 * (int64_t)i;
        bitmap_put(validity, i, i % 3 != 0);
        claims[i] = i % 2 == 1;
    }
    columns[0] = (Column){.type = type_of(TYPE_INT8), .values = numbers, .validity = validity};
    columns[1] = (Column){.type = type_of(TYPE_BOOL), .values = claims};
    return (Batch){
        .column_count = 2, .row_count = ROWS, .columns = columns, .selected_count = ROWS};
}

START_TEST(test_owned_is_not_copied)
{
    Batch batch = make_batch();
    struct ArrowArray array;

    ck_assert_int_eq(arrow_export_batch(&batch, owner, NULL, &array), ST_OK);
    ck_assert_ptr_eq(array.children[0]->buffers[1], batch.columns[0].values);
    ck_assert_ptr_eq(array.children[0]->buffers[0], batch.columns[0].validity);
    ck_assert_int_eq(array.children[0]->null_count, 34);
    ck_assert_ptr_ne(array.children[1]->buffers[1], batch.columns[1].values);
    ck_assert_int_eq(release_count, 0);
    array.release(&array);
    ck_assert_int_eq(release_count, 1);
    ck_assert_ptr_null(array.release);
}
END_TEST

START_TEST(test_borrowed_is_copied)
{
    Batch batch = make_batch();
    struct ArrowArray array;

    ck_assert_int_eq(arrow_export_batch(&batch, (ArrowOwner){NULL, NULL}, NULL, &array), ST_OK);
    ck_assert_ptr_ne(array.children[0]->buffers[1], batch.columns[0].values);
    ck_assert_int_eq(((const int64_t *)array.children[0]->buffers[1])[99], 297);
    array.release(&array);
}
END_TEST

START_TEST(test_selected_rows)
{
    static const uint32_t selection[] = {1, 5, 99};
    Batch batch = make_batch();
    struct ArrowArray array;

    batch.selection = selection;
    batch.selected_count = 3;
    ck_assert_int_eq(arrow_export_batch(&batch, owner, NULL, &array), ST_OK);
    ck_assert_int_eq(array.length, 3);
    ck_assert_int_eq(((const int64_t *)array.children[0]->buffers[1])[1], 15);
    array.release(&array);
    ck_assert_int_eq(release_count, 1);
}
END_TEST

/* A consumer may move children out and release them after the root. */
START_TEST(test_moved_child_outlives_root)
{
    Batch batch = make_batch();
    struct ArrowArray array, child;

    ck_assert_int_eq(arrow_export_batch(&batch, owner, NULL, &array), ST_OK);
    child = *array.children[0];
    array.children[0]->release = NULL;
    array.release(&array);
    ck_assert_int_eq(release_count, 0);
    ck_assert_int_eq(((const int64_t *)child.buffers[1])[2], 6);
    child.release(&child);
    ck_assert_int_eq(release_count, 1);
}
END_TEST

START_TEST(test_failure_releases_the_owner)
{
    Interval *values = ARENA_ARRAY(arena, Interval, 1);
    Column column = {.type = type_of(TYPE_INTERVAL), .values = values};
    Batch batch = {.column_count = 1, .row_count = 1, .columns = &column, .selected_count = 1};
    struct ArrowArray array;

    values[0].micros = INT64_MAX; /* too long in nanoseconds */
    ck_assert_int_eq(arrow_export_batch(&batch, owner, NULL, &array), ST_BAD_INPUT);
    ck_assert_int_eq(release_count, 1);
    ck_assert_ptr_null(array.release);
}
END_TEST

START_TEST(test_moved_schema_outlives_root)
{
    const ArrowField fields[] = {{"a", type_decimal(12, 2), true}, {"b", type_of(TYPE_TEXT), true}};
    struct ArrowSchema schema, child;

    arrow_export_schema(2, fields, &schema);
    child = *schema.children[0];
    schema.children[0]->release = NULL;
    schema.release(&schema);
    ck_assert_str_eq(child.format, "d:12,2");
    ck_assert_str_eq(child.name, "a");
    child.release(&child);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("arrow export");
    TCase *cases = tcase_create("arrow export");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, test_owned_is_not_copied);
    tcase_add_test(cases, test_borrowed_is_copied);
    tcase_add_test(cases, test_selected_rows);
    tcase_add_test(cases, test_moved_child_outlives_root);
    tcase_add_test(cases, test_failure_releases_the_owner);
    tcase_add_test(cases, test_moved_schema_outlives_root);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
