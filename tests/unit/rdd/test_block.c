/* test_block.c -- what goes into a block comes out of it; numbers lie as narrow as they can, texts
 * row by row */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "core/rdd/block.h"

enum { ROWS = 1000, VIEW_ROWS = 100 };

static MemPool *pool;
static Arena *arena;

static void setup(void)
{
    pool = mem_pool_new(NULL, "test", MEM_POOL_NO_LIMIT);
    arena = arena_new(NULL, "test", ARENA_NO_CAP);
}

static void teardown(void)
{
    ck_assert_uint_eq(mem_pool_used_bytes(pool), 0);
    mem_pool_free(pool);
    arena_free(arena);
}

static PlanColumn column_of(TypeId type)
{
    return (PlanColumn){.id = 1, .type = type_of(type), .name = "v", .is_nullable = true};
}

static Block *make_block(const Column *data, uint32_t count)
{
    PlanColumn typed = column_of(data->type.id);
    BlockBuilder builder;
    Block *block;

    block_builder_init(&builder, arena, 1, &typed, BLOCK_BYTES_MAX, pool);
    ck_assert_int_eq(block_builder_add(&builder, data, NULL, count, NULL), ST_OK);
    ck_assert_int_eq(block_builder_finish(&builder, NULL, &block), ST_OK);
    block_builder_fini(&builder);
    return block;
}

/* NULLs' values are zero. */
static void check_numbers(const Block *block, const Column *data, uint32_t count)
{
    BlockView view = block_view_make(arena, 1, VIEW_ROWS);

    for (uint32_t from = 0; from < count; from += 37) {
        uint32_t step = count - from < VIEW_ROWS ? count - from : VIEW_ROWS;

        block_view_column(&view, 0, block, 0, data->type, from, step);
        for (uint32_t i = 0; i < step; i++) {
            bool is_null = column_is_null(data, from + i);

            ck_assert_int_eq(column_is_null(&view.columns[0], i), is_null);
            ck_assert_int_eq(((const int64_t *)view.columns[0].values)[i],
                             is_null ? 0 : ((const int64_t *)data->values)[from + i]);
        }
    }
}

static const struct {
    int64_t first, step;
    uint64_t bytes;
} spans[] = {
    {7, 0, 1},
    {-256, 0, 1},
    {0, 1, 2},       /* to 999 */
    {1 << 20, 1, 2}, /* what all have in common is left out */
    {-1000, 1, 2},   /* all negative */
    {-5, 1, 8},      /* the sign differs */
    {0, 4000000, 4}, /* less than 2^32 */
    {0, 5000000, 8}, /* more */
    {INT64_MIN, 3, 2},
    {INT64_MAX - 3000, 3, 2},
    {INT64_MIN, INT64_MAX / 500, 8},
};

START_TEST(numbers)
{
    for (uint32_t null_every = 0; null_every < 3; null_every++)
        for (uint32_t count = 1; count <= ROWS; count += 333) {
            int64_t values[ROWS];
            uint64_t validity[(ROWS + 63) / 64];
            Column data = {.type = type_of(TYPE_INT8), .values = values};
            PlanColumn typed = column_of(TYPE_INT8);
            Block *block;

            for (uint32_t i = 0; i < count; i++)
                values[i] = (int64_t)((uint64_t)spans[_i].first + i * (uint64_t)spans[_i].step);
            for (uint32_t i = 0; i < count; i++)
                bitmap_put(validity, i, null_every == 0 || i % (null_every + 1) != 0);
            data.validity = null_every == 0 ? NULL : validity;
            block = make_block(&data, count);
            check_numbers(block, &data, count);
            if (count == ROWS && null_every == 0)
                ck_assert_uint_eq(block_columns(block)->value_bytes, spans[_i].bytes);
            ck_assert_int_eq(block_check(block, block_bytes(block), block->hash, 1, &typed, NULL),
                             ST_OK);
            block_unref(block);
        }
}
END_TEST

/* Of numbers of 64 bits alone, and in whole bytes. */
START_TEST(widths_that_are_none)
{
    int64_t values[ROWS] = {0};
    Column data = {.type = type_of(TYPE_INT8), .values = values};
    PlanColumn typed = column_of(TYPE_INT8);

    for (uint64_t bytes = 0; bytes < 20; bytes++) {
        bool is_sound = bytes == 1; /* wider, and it does not fit */
        Block *block = make_block(&data, ROWS);
        uint64_t all = block_bytes(block);

        ((BlockColumn *)(void *)(block->head + 1))->value_bytes = bytes;
        ck_assert_int_eq(block_check(block, all, XXH3_64bits(block->head, all), 1, &typed, NULL),
                         is_sound ? ST_OK : ST_CORRUPT);
        block_unref(block);
    }
}
END_TEST

/* --- texts --- */

enum { TEXT_COLUMNS = 4 };

/* A number between texts; lengths around what lies in the value itself; some NULL, some all alike.
 * texts: room for ROWS a column. */
static void make_texts(PlanColumn *typed, Column *data, Str texts[][ROWS], uint64_t *validity)
{
    char *bytes = arena_alloc(arena, ROWS * 64);

    for (uint32_t c = 0; c < TEXT_COLUMNS; c++) {
        typed[c] = column_of(c == 1 ? TYPE_INT8 : TYPE_TEXT);
        data[c] = (Column){.type = typed[c].type, .values = texts[c]};
        for (uint32_t i = 0; i < ROWS && c != 1; i++) {
            uint32_t length = (i * 7 + c * 5) % 40;

            for (uint32_t b = 0; b < length; b++)
                bytes[b] = (char)('a' + (i + b + c) % 26);
            texts[c][i] = str_make(bytes, length);
            bytes += length;
        }
        bytes = arena_alloc(arena, ROWS * 64);
    }
    for (uint32_t i = 0; i < ROWS; i++) {
        ((int64_t *)(void *)texts[1])[i] = i;
        bitmap_put(validity, i, i % 3 != 0);
    }
    data[0].validity = validity;
    data[3].form = COLUMN_CONST;
}

static void check_texts(const Block *block, const Column *data, const uint32_t *rows)
{
    BlockView view = block_view_make(arena, 1, VIEW_ROWS);

    for (uint32_t from = 0; from < block_row_count(block); from += 37) {
        uint32_t left = block_row_count(block) - from, step = left < VIEW_ROWS ? left : VIEW_ROWS;

        for (uint32_t c = 0; c < TEXT_COLUMNS; c++) {
            block_view_column(&view, 0, block, c, data[c].type, from, step);
            for (uint32_t i = 0; c != 1 && i < step; i++) {
                uint32_t row = rows == NULL ? from + i : rows[from + i];
                const Str *text = &((const Str *)view.columns[0].values)[i];
                bool is_null = column_is_null(&data[c], row);

                ck_assert_int_eq(column_is_null(&view.columns[0], i), is_null);
                if (is_null)
                    ck_assert_uint_eq(text->length, 0);
                else
                    ck_assert(str_equal(*text, *(const Str *)column_value(&data[c], row)));
            }
        }
    }
}

/* expected: memory for so much is taken at once; the bytes are the same. */
static Block *make_text_block(const PlanColumn *typed, const Column *data, const uint32_t *rows,
                              uint32_t step, uint64_t expected)
{
    BlockBuilder builder;
    Block *block;

    block_builder_init(&builder, arena, TEXT_COLUMNS, typed, BLOCK_BYTES_MAX, pool);
    builder.expected_bytes = expected;
    for (uint32_t from = 0; from < ROWS; from += step) {
        uint32_t count = ROWS - from < step ? ROWS - from : step;

        ck_assert_int_eq(block_builder_add(&builder, data, rows + from, count, NULL), ST_OK);
    }
    ck_assert_int_eq(block_builder_finish(&builder, NULL, &block), ST_OK);
    block_builder_fini(&builder);
    return block;
}

START_TEST(texts_of_several_columns)
{
    static Str texts[TEXT_COLUMNS][ROWS];
    uint64_t validity[(ROWS + 63) / 64];
    PlanColumn typed[TEXT_COLUMNS];
    Column data[TEXT_COLUMNS];
    uint32_t rows[ROWS];
    Block *block, *same;

    make_texts(typed, data, texts, validity);
    for (uint32_t i = 0; i < ROWS; i++)
        rows[i] = _i == 0 ? i : (i * 7) % ROWS;
    block = make_text_block(typed, data, rows, ROWS, 0);
    check_texts(block, data, rows);
    ck_assert_int_eq(block_check(block, block_bytes(block), block->hash, TEXT_COLUMNS, typed, NULL),
                     ST_OK);
    for (uint64_t expected = 1; expected < 1 << 20; expected *= 4) {
        same = make_text_block(typed, data, rows, 1 + (uint32_t)expected % 300, expected);
        ck_assert_uint_eq(same->hash, block->hash);
        block_unref(same);
    }
    block_unref(block);
}
END_TEST

/* Ends that do not ascend, or lead out of the texts, whatever the checksum says. */
START_TEST(ends_that_are_none)
{
    static Str texts[TEXT_COLUMNS][ROWS];
    uint64_t validity[(ROWS + 63) / 64];
    PlanColumn typed[TEXT_COLUMNS];
    Column data[TEXT_COLUMNS];
    uint32_t rows[ROWS], *ends;
    uint64_t all;
    Block *block;

    make_texts(typed, data, texts, validity);
    for (uint32_t i = 0; i < ROWS; i++)
        rows[i] = i;
    block = make_text_block(typed, data, rows, ROWS, 0);
    all = block_bytes(block);
    ends = (uint32_t *)(void *)((char *)block->head + block_columns(block)[2 * (_i & 1)].values);
    ends[_i < 2 ? 500 : ROWS - 1] += _i < 2 ? 100 : 1 << 20;
    ck_assert_int_eq(
        block_check(block, all, XXH3_64bits(block->head, all), TEXT_COLUMNS, typed, NULL),
        ST_CORRUPT);
    block_unref(block);
}
END_TEST

/* A block has as many rows as fill it, a little more at most, however long they are. */
START_TEST(full_blocks)
{
    enum { FULL = 64 << 10 };
    PlanColumn typed = column_of(TYPE_TEXT);
    char *bytes = arena_alloc(arena, 64 << 10);
    BlockBuilder builder;
    Block *block;

    for (uint32_t length = 0; length < 64 << 10; length = 3 * length + 1) {
        Str text = str_make(bytes, length);
        Column data = {.type = typed.type, .form = COLUMN_CONST, .values = &text};
        uint32_t room;

        block_builder_init(&builder, arena, 1, &typed, FULL, pool);
        while ((room = block_builder_room(&builder)) > 0)
            ck_assert_int_eq(block_builder_add(&builder, &data, NULL,
                                               room < BATCH_ROWS_MAX ? room : BATCH_ROWS_MAX, NULL),
                             ST_OK);
        ck_assert_int_eq(block_builder_finish(&builder, NULL, &block), ST_OK);
        ck_assert_uint_ge(block_bytes(block), FULL / 2);
        ck_assert_uint_le(block_bytes(block), length < 512 ? 2 * FULL : 70 * (length + FULL));
        block_unref(block);
        block_builder_fini(&builder);
    }
}
END_TEST

enum { MANY_ROWS = 40000 };

static void end_block(BlockBuilder *builder, uint64_t *hashes, uint32_t *count)
{
    Block *block;

    ck_assert_int_eq(block_builder_finish(builder, NULL, &block), ST_OK);
    if (block != NULL)
        hashes[(*count)++] = block->hash;
    block_unref(block);
}

/* The hashes of the blocks that these texts fill, so many in a batch; how many there are. */
static uint32_t hash_blocks(const Str *texts, uint32_t batch_rows, uint64_t *hashes)
{
    PlanColumn typed = column_of(TYPE_TEXT);
    BlockBuilder builder;
    uint32_t count = 0, some;

    block_builder_init(&builder, arena, 1, &typed, BLOCK_BYTES_LEAST, pool);
    for (uint32_t next = 0; next < MANY_ROWS; next += some) {
        uint32_t room = block_builder_room(&builder), left = batch_rows - next % batch_rows;
        Column data = {.type = typed.type, .form = COLUMN_FLAT, .values = texts + next};

        some = room < left ? room : left;
        some = some < MANY_ROWS - next ? some : MANY_ROWS - next;
        ck_assert_int_eq(block_builder_add(&builder, &data, NULL, some, NULL), ST_OK);
        if (block_builder_room(&builder) == 0)
            end_block(&builder, hashes, &count);
    }
    end_block(&builder, hashes, &count);
    block_builder_fini(&builder);
    return count;
}

/* Where blocks end depends on the rows, not on the batches that they come in: a sort, for one,
 * makes these smaller where the texts lie far from each other. */
START_TEST(ends_of_blocks)
{
    static const uint32_t sizes[] = {BATCH_ROWS_MAX, 1000, 777, 64, 1};
    Str *texts = arena_alloc(arena, MANY_ROWS * sizeof *texts);
    char *bytes = arena_alloc(arena, 256);
    uint64_t first[256], again[256];
    uint32_t count = 0;

    for (uint32_t i = 0; i < MANY_ROWS; i++)
        texts[i] = str_make(bytes, i * UINT32_C(2654435761) >> (i < MANY_ROWS / 2 ? 26 : 24));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint32_t found = hash_blocks(texts, sizes[i], i == 0 ? first : again);

        if (i == 0)
            count = found;
        ck_assert_uint_gt(count, 10);
        ck_assert_uint_eq(found, count);
        ck_assert_mem_eq(i == 0 ? first : again, first, count * sizeof *first);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("block");
    TCase *tests = tcase_create("block");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, numbers, 0, sizeof spans / sizeof *spans);
    tcase_add_test(tests, widths_that_are_none);
    tcase_add_loop_test(tests, texts_of_several_columns, 0, 2);
    tcase_add_loop_test(tests, ends_that_are_none, 0, 4);
    tcase_add_test(tests, full_blocks);
    tcase_add_test(tests, ends_of_blocks);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
