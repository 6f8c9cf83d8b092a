/*
 * op_driver.h -- runs one sink operator as pipelines do, over a table made by the test, and
 * collects what comes out
 *
 * Rows are cut into splits and batches; threads take splits from a counter. Each result row
 * becomes one text, in the order of splits, so that results of different modes, and of a naive
 * reference, can be compared as arrays of texts.
 */
#ifndef VONK_TESTS_OP_DRIVER_H
#define VONK_TESTS_OP_DRIVER_H

#include <check.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include "core/data/value.h"
#include "exec/operator.h"

enum { DRIVER_THREADS_MAX = 8, DRIVER_COLUMNS_MAX = 16 };

typedef struct DriverTable {
    uint32_t column_count;
    PlanColumn columns[DRIVER_COLUMNS_MAX];
    Column data[DRIVER_COLUMNS_MAX]; /* FLAT */
    uint32_t row_count;
    bool has_selection; /* rows that driver_is_kept refuses are in batches, but not selected */
    bool has_dictionaries;
    bool holds_texts; /* whoever keeps texts may hold what they lie in */
} DriverTable;

typedef struct DriverMode {
    uint32_t threads;
    uint32_t batch_rows;
    uint32_t split_rows;
    size_t spill_bytes; /* 0: nothing is spilled */
} DriverMode;

static const DriverMode driver_modes[] = {{1, 2048, 1000000}, {1, 1, 100}, {1, 3, 1000},
                                          {2, 2048, 3000},    {8, 3, 500}, {8, 700, 700}};
enum { DRIVER_MODE_COUNT = sizeof driver_modes / sizeof driver_modes[0] };

typedef struct DriverRows {
    uint32_t count;
    uint32_t capacity;
    char **texts;
} DriverRows;

static inline bool driver_is_kept(const DriverTable *table, uint32_t row)
{
    return !table->has_selection || row * 2654435761u >> 28 != 3;
}

static inline uint64_t driver_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static inline PlanColumn driver_column(ColumnId id, Type type, bool is_nullable)
{
    return (PlanColumn){.id = id, .type = type, .name = "column", .is_nullable = is_nullable};
}

/* --- making input --- */

/* A value of one of `distinct`; texts around the length that lies in the value itself, some with
 * a long common start. */
static inline void driver_put(Arena *arena, Type type, uint64_t number, void *to)
{
    Str text;

    switch (type_phys(type)) {
    case PHYS_BOOL:
        *(uint8_t *)to = number % 2;
        return;
    case PHYS_INT16:
        *(int16_t *)to = (int16_t)(number * 7 - 100);
        return;
    case PHYS_INT32:
        *(int32_t *)to = (int32_t)(number * 3) - 200;
        return;
    case PHYS_INT64:
        *(int64_t *)to = (int64_t)(number * 1000003) - 5000000;
        return;
    case PHYS_INT128:
        *(Int128 *)to = (Int128)number * 1000003 * 1000000007 - 12345;
        return;
    case PHYS_FLOAT32:
        *(float *)to = number == 3 ? -0.0f : number == 4 ? 0.0f : (float)number / 3 - 5;
        return;
    case PHYS_FLOAT64:
        *(double *)to = number == 3   ? -0.0
                        : number == 4 ? 0.0
                        : number == 5 ? __builtin_nan("")
                                      : (double)number / 3 - 5;
        return;
    case PHYS_INTERVAL:
        *(Interval *)to = (Interval){(int32_t)(number % 3), (int32_t)(number % 61) - 30, 0};
        return;
    case PHYS_STR:
    default: {
        const char *bytes = arena_printf(arena,
                                         number % 3 == 0   ? "%" PRIu64
                                         : number % 3 == 1 ? "a text of more than 12 bytes %" PRIu64
                                                           : "text %" PRIu64,
                                         number);

        text = str_make(bytes, number == 6 ? 0 : (uint32_t)strlen(bytes));
        memcpy(to, &text, sizeof text);
    }
    }
}

static inline void driver_add_column(DriverTable *table, Arena *arena, Type type, uint64_t distinct,
                                     uint32_t null_percent, uint64_t seed)
{
    uint32_t number = table->column_count++;
    size_t width = phys_bytes(type_phys(type));
    char *values = arena_alloc(arena, arena_array_bytes(table->row_count + 1, width));
    uint64_t *validity = ARENA_ARRAY(arena, uint64_t, bitmap_words(table->row_count + 1));
    uint64_t state = seed * 2 + 88172645463325252u;

    for (uint32_t i = 0; i < table->row_count; i++) {
        bool is_null = driver_random(&state) % 100 < null_percent;

        bitmap_put(validity, i, !is_null);
        if (!is_null)
            driver_put(arena, type, driver_random(&state) % distinct, values + i * width);
    }
    table->columns[number] = driver_column(number + 1, type, null_percent > 0);
    table->data[number] = (Column){.type = type,
                                   .form = COLUMN_FLAT,
                                   .values = values,
                                   .validity = null_percent > 0 ? validity : NULL};
}

/* --- texts of rows --- */

static inline void driver_print_value(StrBuf *buf, const Value *value)
{
    char hex[33];
    size_t length = 0;

    if (value->is_null) {
        strbuf_puts(buf, "NULL ");
        return;
    }
    if (type_phys(value->type) == PHYS_STR) {
        strbuf_putc(buf, '\'');
        strbuf_add(buf, str_bytes(&value->str), value->str.length);
        strbuf_puts(buf, "' ");
        return;
    }
    for (uint32_t b = (uint32_t)phys_bytes(type_phys(value->type)); b-- > 0;) {
        hex[length++] = "0123456789abcdef"[value->bytes[b] >> 4];
        hex[length++] = "0123456789abcdef"[value->bytes[b] & 15];
    }
    hex[length++] = ' ';
    strbuf_add(buf, hex, length);
}

static inline void driver_print_cell(StrBuf *buf, const Column *column, uint32_t row)
{
    Value value = value_from_column(column, row);

    driver_print_value(buf, &value);
}

static inline void driver_rows_add(DriverRows *rows, const char *text)
{
    if (rows->count == rows->capacity) {
        rows->capacity = rows->capacity == 0 ? 64 : 2 * rows->capacity;
        rows->texts = realloc(rows->texts, rows->capacity * sizeof *rows->texts);
        ck_assert_ptr_nonnull(rows->texts);
    }
    rows->texts[rows->count++] = strdup(text);
}

static inline void driver_rows_fini(DriverRows *rows)
{
    for (uint32_t i = 0; i < rows->count; i++)
        free(rows->texts[i]);
    free(rows->texts);
    *rows = (DriverRows){0};
}

static inline void driver_assert_same(const DriverRows *expected, const DriverRows *rows)
{
    ck_assert_uint_eq(expected->count, rows->count);
    for (uint32_t i = 0; i < rows->count; i++)
        ck_assert_msg(strcmp(expected->texts[i], rows->texts[i]) == 0,
                      "row %u of %u\n  expected %s\n  is       %s", i, rows->count,
                      expected->texts[i], rows->texts[i]);
}

static inline char *driver_table_row(Arena *arena, const DriverTable *table, uint32_t row)
{
    StrBuf buf = {.arena = arena};

    for (uint32_t c = 0; c < table->column_count; c++)
        driver_print_cell(&buf, &table->data[c], row);
    return (char *)(uintptr_t)strbuf_text(&buf);
}

/* --- running --- */

typedef struct DriverRun {
    Operator *op;
    const DriverTable *table;
    DriverMode mode;
    uint32_t phase, task_count;
    _Atomic uint32_t next;
    pthread_mutex_t lock;
    Status status;
    Error error;
    DriverRows *split_rows; /* of each output split */
} DriverRun;

static inline void driver_fail(DriverRun *run, Status status, const Error *error)
{
    if (status == ST_OK)
        return;
    pthread_mutex_lock(&run->lock);
    if (run->status == ST_OK) {
        run->status = status;
        run->error = *error;
    }
    pthread_mutex_unlock(&run->lock);
}

/* Text columns as codes of a dictionary of the batch's values. */
static inline Column driver_as_dictionary(Arena *arena, Column column, uint32_t count)
{
    Dictionary *dictionary = ARENA_NEW(arena, Dictionary);
    uint32_t *codes = ARENA_ARRAY(arena, uint32_t, count);
    Str *values = ARENA_ARRAY(arena, Str, count + 1);
    uint32_t value_count = 0;

    for (uint32_t i = 0; i < count; i++) {
        Str text = *(const Str *)column_value(&column, i);
        uint32_t code = 0;

        while (code < value_count && !str_equal(values[code], text))
            code++;
        if (code == value_count)
            values[value_count++] = text;
        codes[i] = code;
    }
    *dictionary =
        (Dictionary){.values = values, .value_count = value_count, .id = dictionary_new_id()};
    column.form = COLUMN_DICT;
    column.values = NULL;
    column.codes = codes;
    column.dictionary = dictionary;
    return column;
}

static inline Batch driver_batch(Arena *arena, const DriverRun *run, uint32_t split, uint32_t start,
                                 uint32_t count)
{
    const DriverTable *table = run->table;
    uint32_t *rows = ARENA_ARRAY(arena, uint32_t, count);
    uint32_t *selection = ARENA_ARRAY(arena, uint32_t, count);
    Column *columns = ARENA_ARRAY(arena, Column, table->column_count);
    Batch batch = {.column_count = table->column_count,
                   .row_count = count,
                   .columns = columns,
                   .selection = table->has_selection ? selection : NULL,
                   .split = split,
                   .sequence = start - (uint64_t)split * run->mode.split_rows};

    for (uint32_t i = 0; i < count; i++) {
        rows[i] = start + i;
        if (driver_is_kept(table, start + i))
            selection[batch.selected_count++] = i;
    }
    for (uint32_t c = 0; c < table->column_count; c++) {
        columns[c] = column_copy(arena, &table->data[c], rows, count, true);
        if (table->has_dictionaries && split % 2 == 0 && type_phys(columns[c].type) == PHYS_STR &&
            count < 50)
            columns[c] = driver_as_dictionary(arena, columns[c], count);
    }
    return batch;
}

/* A batch's memory: gone when nobody holds it, so that the sanitizer sees who reads it then. */
typedef struct DriverTexts {
    TextMemory texts;
    Arena *arena;
    _Atomic uint32_t references;
} DriverTexts;

static inline void driver_hold_texts(TextMemory *texts)
{
    atomic_fetch_add(&((DriverTexts *)(void *)texts)->references, 1);
}

static inline void driver_let_texts_go(TextMemory *texts)
{
    DriverTexts *own = (DriverTexts *)(void *)texts;

    if (atomic_fetch_sub(&own->references, 1) == 1)
        arena_free(own->arena);
}

static inline DriverTexts *driver_texts(void)
{
    Arena *arena = arena_new(NULL, "batch", ARENA_NO_CAP);
    DriverTexts *own = ARENA_NEW(arena, DriverTexts);

    *own = (DriverTexts){
        .texts = {driver_hold_texts, driver_let_texts_go, 1000}, .arena = arena, .references = 1};
    return own;
}

static inline Status driver_split(DriverRun *run, void *local, uint32_t split, Error *err)
{
    uint64_t start = (uint64_t)split * run->mode.split_rows, end = start + run->mode.split_rows;
    Arena *arena = arena_new(NULL, "batch", ARENA_NO_CAP);
    Status status = ST_OK;

    if (end > run->table->row_count)
        end = run->table->row_count;
    for (; start < end && status == ST_OK; start += run->mode.batch_rows) {
        uint64_t left = end - start;
        uint32_t count = left < run->mode.batch_rows ? (uint32_t)left : run->mode.batch_rows;
        DriverTexts *own = run->table->holds_texts ? driver_texts() : NULL;
        Batch batch =
            driver_batch(own == NULL ? arena : own->arena, run, split, (uint32_t)start, count);

        batch.texts = own == NULL ? NULL : &own->texts;
        if (batch.selected_count > 0)
            status = run->op->class->consume(run->op, local, &batch, NULL, err);
        if (own != NULL)
            driver_let_texts_go(&own->texts);
        arena_reset(arena);
    }
    if (status == ST_OK && run->op->class->end_split != NULL)
        status = run->op->class->end_split(run->op, local, split, NULL, err);
    arena_free(arena);
    return status;
}

static void *driver_consume_thread(void *argument)
{
    DriverRun *run = argument;
    uint32_t split_count =
        (run->table->row_count + run->mode.split_rows - 1) / run->mode.split_rows;
    Error err = ERROR_NONE;
    void *local = NULL;
    Status status = run->op->class->local_open(run->op, 0, &err, &local);

    while (status == ST_OK) {
        uint32_t split = atomic_fetch_add(&run->next, 1);

        if (split >= split_count)
            break;
        status = driver_split(run, local, split, &err);
    }
    if (status == ST_OK && run->op->class->combine != NULL) {
        pthread_mutex_lock(&run->lock);
        status = run->op->class->combine(run->op, local, &err);
        pthread_mutex_unlock(&run->lock);
    }
    run->op->class->local_close(run->op, local);
    driver_fail(run, status, &err);
    return NULL;
}

static void *driver_finish_thread(void *argument)
{
    DriverRun *run = argument;
    Error err = ERROR_NONE;
    Status status = ST_OK;

    while (status == ST_OK) {
        uint32_t task = atomic_fetch_add(&run->next, 1);

        if (task >= run->task_count)
            break;
        status = run->op->class->finish_task(run->op, run->phase, task, 0, &err);
    }
    driver_fail(run, status, &err);
    return NULL;
}

static inline Status driver_read_split(DriverRun *run, void *cursor, uint32_t split, Error *err)
{
    Arena *arena = arena_new(NULL, "rows", ARENA_NO_CAP);
    Status status = run->op->class->source_split(run->op, cursor, split, err);
    uint64_t sequence = 0;

    while (status == ST_OK) {
        Batch batch;

        status = run->op->class->source_next(run->op, cursor, err, &batch);
        if (status != ST_OK || batch.row_count == 0)
            break;
        ck_assert_uint_eq(batch.sequence, sequence);
        ck_assert_uint_le(batch.row_count, run->mode.batch_rows);
        sequence += batch.row_count;
        for (uint32_t i = 0; i < batch.selected_count; i++) {
            StrBuf buf = {.arena = arena};

            for (uint32_t c = 0; c < batch.column_count; c++)
                driver_print_cell(&buf, &batch.columns[c], batch_row(&batch, i));
            driver_rows_add(&run->split_rows[split], strbuf_text(&buf));
        }
        arena_reset(arena);
    }
    arena_free(arena);
    return status;
}

static void *driver_source_thread(void *argument)
{
    DriverRun *run = argument;
    Error err = ERROR_NONE;
    void *cursor = NULL;
    Status status = run->op->class->source_open(run->op, 0, &err, &cursor);

    while (status == ST_OK) {
        uint32_t split = atomic_fetch_add(&run->next, 1);

        if (split >= run->task_count)
            break;
        status = driver_read_split(run, cursor, split, &err);
    }
    run->op->class->source_close(run->op, cursor);
    driver_fail(run, status, &err);
    return NULL;
}

static inline void driver_in_threads(DriverRun *run, void *(*fn)(void *))
{
    pthread_t threads[DRIVER_THREADS_MAX];

    atomic_store(&run->next, 0);
    for (uint32_t t = 0; t < run->mode.threads; t++)
        ck_assert_int_eq(pthread_create(&threads[t], NULL, fn, run), 0);
    for (uint32_t t = 0; t < run->mode.threads; t++)
        pthread_join(threads[t], NULL);
}

static inline DriverRun driver_run_new(Operator *op, const DriverTable *table, DriverMode mode)
{
    return (DriverRun){.op = op,
                       .table = table,
                       .mode = mode,
                       .lock = PTHREAD_MUTEX_INITIALIZER,
                       .error = ERROR_NONE};
}

/* Feeds a sink and lets it finish. */
static inline Status driver_fill(Operator *op, const DriverTable *table, DriverMode mode,
                                 Error *err)
{
    DriverRun run = driver_run_new(op, table, mode);
    Status status = op->class->open == NULL ? ST_OK : op->class->open(op, err);

    if (status != ST_OK)
        return status;
    driver_in_threads(&run, driver_consume_thread);
    while (run.status == ST_OK && op->class->finish_begin != NULL) {
        run.status = op->class->finish_begin(op, run.phase, &run.error, &run.task_count);
        if (run.status != ST_OK || run.task_count == 0)
            break;
        driver_in_threads(&run, driver_finish_thread);
        run.phase++;
    }
    if (err != NULL)
        *err = run.error;
    return run.status;
}

/* Reads a source to its end. */
static inline Status driver_read(Operator *op, DriverMode mode, DriverRows *rows, Error *err)
{
    DriverRun run = driver_run_new(op, NULL, mode);

    *rows = (DriverRows){0};
    run.task_count = op->class->split_count(op);
    run.split_rows = calloc(run.task_count + 1, sizeof *run.split_rows);
    ck_assert_ptr_nonnull(run.split_rows);
    driver_in_threads(&run, driver_source_thread);
    for (uint32_t s = 0; s < run.task_count; s++) {
        for (uint32_t i = 0; i < run.split_rows[s].count; i++)
            driver_rows_add(rows, run.split_rows[s].texts[i]);
        driver_rows_fini(&run.split_rows[s]);
    }
    free(run.split_rows);
    if (err != NULL)
        *err = run.error;
    return run.status;
}

/* Closes and lets go of kernels, as the driver of pipelines does. */
static inline void driver_close(Operator *op)
{
    op->class->close(op);
    for (uint32_t k = 0; k < op->kernel_count; k++)
        kernel_unref(op->kernels[k]);
}

static inline ExecContext driver_context(MemPool *pool, DriverMode mode, const atomic_bool *stop)
{
    return (ExecContext){.pool = pool,
                         .threads = mode.threads,
                         .batch_rows = mode.batch_rows,
                         .jit = JIT_OFF,
                         .stop = stop,
                         .spill_folder = mode.spill_bytes > 0 ? "/tmp" : NULL,
                         .spill_bytes = mode.spill_bytes};
}

/* A plan node that stands for the table, as an operator's input. */
static inline const Plan *driver_plan(Arena *arena, const DriverTable *table)
{
    return plan_values(arena, table->column_count, table->columns, 0, NULL);
}

static inline int driver_main(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed;

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
