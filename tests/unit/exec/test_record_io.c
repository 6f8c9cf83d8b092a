/* test_record_io.c -- which NULLs are errors where rows become records */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "exec/record_io.h"

enum { ROWS = 200, ROUNDS = 4000 };

typedef struct Sided {
    int64_t value;
    bool value_is_null, has_side, has_side_is_null;
} Sided;

/* Never NULL; NULL wherever it likes; NULL where the last one is. */
static const RecordField fields[] = {{.name = "never",
                                      .type = {.id = TYPE_INT8},
                                      .offset = offsetof(Sided, value),
                                      .null_offset = RECORD_NEVER_NULL},
                                     {.name = "maybe",
                                      .type = {.id = TYPE_INT8},
                                      .offset = offsetof(Sided, value),
                                      .null_offset = offsetof(Sided, value_is_null)},
                                     {.name = "sided",
                                      .type = {.id = TYPE_INT8},
                                      .offset = offsetof(Sided, value),
                                      .null_offset = offsetof(Sided, value_is_null),
                                      .present = 3},
                                     {.name = "has side",
                                      .type = {.id = TYPE_BOOL},
                                      .offset = offsetof(Sided, has_side),
                                      .null_offset = offsetof(Sided, has_side_is_null)}};
static const RecordLayout layout = {"Sided", sizeof(Sided), 4, fields};

static int64_t values[ROWS];
static uint64_t validity[4][ROWS / 64 + 1];

static uint32_t draw(uint32_t below)
{
    static uint64_t state = 1;

    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % below;
}

/* Mostly of rows that are not NULL, or whatever `like` (NULL: nothing) is. */
static Column make_column(uint32_t f, const Column *like)
{
    Column column = {.type = fields[f].type, .form = COLUMN_FLAT, .values = values};
    bool is_const = draw(8) == 0, has_bits = like != NULL || draw(3) > 0;
    uint32_t nulls = draw(3);

    column.form = is_const ? COLUMN_CONST : COLUMN_FLAT;
    memset(validity[f], 0xff, sizeof validity[f]);
    for (uint32_t i = 0; like != NULL && i < ROWS; i++)
        bitmap_put(validity[f], i, !column_is_null(like, i));
    for (uint32_t i = 0; i < nulls; i++)
        bitmap_clear(validity[f], is_const ? 0 : draw(ROWS));
    if (has_bits)
        column.validity = validity[f];
    return column;
}

/* The field with a NULL that must not be; NULL: the row is right. */
static const char *wrong_field(const Column *columns, uint32_t row)
{
    if (column_is_null(&columns[0], row))
        return "NULL in field \"never\" of record type Sided";
    if (column_is_null(&columns[2], row) && !column_is_null(&columns[3], row))
        return "NULL in field \"sided\" of record type Sided";
    return NULL;
}

/* Bits behind the rows do not count, nor do rows that are not selected. */
START_TEST(nulls_are_errors_where_a_side_is_there)
{
    uint32_t errors = 0;

    for (uint32_t round = 0; round < ROUNDS; round++) {
        Column columns[4];
        const Column *args[4] = {&columns[0], &columns[1], &columns[2], &columns[3]};
        uint32_t rows[ROWS], from = draw(ROWS), end = from + draw(ROWS - from + 1), count = 0;
        bool is_selected = draw(2) == 0;
        const char *wrong = NULL;
        Sided records[ROWS];
        Error err = ERROR_NONE;
        Status status;

        columns[0] = make_column(0, NULL);
        columns[1] = make_column(1, NULL);
        columns[3] = make_column(3, NULL);
        columns[2] = make_column(2, draw(3) > 0 ? &columns[3] : NULL);
        for (uint32_t row = from; is_selected && row < end; row++)
            if (draw(4) > 0)
                rows[count++] = row;
        if (!is_selected)
            count = end;
        for (uint32_t i = 0; wrong == NULL && i < count; i++)
            wrong = wrong_field(columns, is_selected ? rows[i] : i);
        status = records_check_nulls(&layout, args, is_selected ? rows : NULL, count, &err);
        ck_assert_int_eq(status, wrong != NULL ? ST_BAD_INPUT : ST_OK);
        if (wrong != NULL)
            ck_assert_str_eq(err.message, wrong);
        status = records_from_columns(&layout, args, is_selected ? rows : NULL, count,
                                      (char *)records, NULL);
        ck_assert_int_eq(status, wrong != NULL ? ST_BAD_INPUT : ST_OK);
        errors += wrong != NULL;
    }
    ck_assert_uint_gt(errors, ROUNDS / 10);
    ck_assert_uint_lt(errors, ROUNDS * 9 / 10);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("record_io");
    TCase *tcase = tcase_create("nulls");
    SRunner *runner;
    int failed;

    tcase_add_test(tcase, nulls_are_errors_where_a_side_is_there);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
